// The native data plane: bytes of large streams between a client's socket and the pipe of a guest,
// without JavaScript. One call moves one stream and blocks its thread (addon/pump_handle.h gives it
// one). Knows descriptors only: no HTTP but the framing of chunks, no limits but those it is given.
// Never reads one byte more than it may, because what follows belongs to somebody else.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace zvm {

enum class PumpEnd : uint8_t {
  kDone,         // all bytes came, or the source of `SendAll` has ended
  kDelimiter,    // ReceiveUntil has found it
  kTooLarge,     // ReceiveUntil: more content than it may have
  kSourceEnded,  // the client has gone, or its body was over too early
  kSinkGone,     // SendAll: the client has gone
  kStopped,      // somebody wanted it
  kFailed,       // see `error`
};

enum class PumpWait : uint8_t { kNothing, kSource, kSink };

// What other threads may look at meanwhile, and their wish to stop: first the flag, then `stop`.
struct PumpProgress {
  std::atomic<bool> stop_wanted = false;
  // Through the client's socket, framing included.
  std::atomic<uint64_t> socket_bytes = 0;
  std::atomic<PumpWait> waits_for = PumpWait::kNothing;
  // Time that it has waited for its source, without a wait that has not ended; when that began.
  std::atomic<uint64_t> source_wait_us = 0;
  std::atomic<uint64_t> wait_began_us = 0;
};

// Not owned. `stop`: an eventfd that wakes from waiting.
struct PumpFds {
  int source;
  int sink;
  int stop;
};

struct PumpResult {
  PumpEnd end = PumpEnd::kDone;
  int error = 0;  // errno of kFailed
  uint64_t content_bytes = 0;
  // SendAll: what its last chunk still lacks, when it did not end by itself.
  uint64_t chunk_left_bytes = 0;
  // ReceiveUntil: bytes behind the delimiter that were read with it; without one, what may have
  // been its beginning. SendAll: bytes of framing that have to be sent before anything else.
  std::vector<uint8_t> rest;
};

// Exactly `size_bytes` from a socket to a pipe. A pipe without reader is no error: what comes is
// thrown away. Both must be non-blocking or tolerate it (MSG_DONTWAIT, SPLICE_F_NONBLOCK).
PumpResult ReceiveBytes(const PumpFds& fds, uint64_t size_bytes, PumpProgress& progress);

struct Delimited {
  std::span<const uint8_t> delimiter;  // 1..kDelimiterSizeMax bytes
  // Content that was read before and may be the beginning of the delimiter: shorter than it.
  std::span<const uint8_t> begun;
  uint64_t body_left_bytes;            // never reads more
  uint64_t content_bytes_max;
};
inline constexpr size_t kDelimiterSizeMax = 256;

// Everything before the first occurrence of the delimiter, to a pipe. The same otherwise; the
// pipe's end must be non-blocking.
PumpResult ReceiveUntil(const PumpFds& fds, const Delimited& what, PumpProgress& progress);

// Everything that a pipe will give to a non-blocking socket. `chunked`: in chunks of HTTP/1.1 (RFC
// 9112 §7.1), without the last one; else as it is. kDone leaves whole chunks behind.
PumpResult SendAll(const PumpFds& fds, bool chunked, PumpProgress& progress);

}  // namespace zvm
