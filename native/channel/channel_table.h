// The channels of one session: opened before the guest starts, read and written by its traps,
// closed at the end. Enforces types, limits and positions exactly as docs/abi.md §7.3–7.5 say.
//
// The trap handler has already checked that [buffer, buffer + size) is guest memory with the needed
// right when size > 0; nothing here knows guest addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/result.h"
#include "base/stop_request.h"
#include "channel/digest.h"
#include "channel/network_open.h"
#include "channel/spec.h"

namespace zvm {

struct ChannelOptions {
  DigestAlgorithm etag_algorithm = DigestAlgorithm::kSha1;
  // Extends write-only regular files to their byte limit before the start (classic -P turns it
  // off).
  bool preallocate = true;
  NetworkOptions network;
};

// What a trap gets back. kDone: `value` is the guest's result (>= 0, or -errno).
// kFailed: the session must end, table.failure() says why. kStopped: a StopRequest arrived.
enum class IoStatus : uint8_t { kDone, kFailed, kStopped };
struct IoResult {
  IoStatus status = IoStatus::kDone;
  int32_t value = 0;
};

// Host-side operations and bytes, as the classic accounting line counts them (docs/abi.md §6.3).
struct ChannelAccounting {
  uint64_t local_reads = 0, local_read_bytes = 0, local_writes = 0, local_write_bytes = 0;
  uint64_t network_reads = 0, network_read_bytes = 0, network_writes = 0, network_write_bytes = 0;
};

// One channel as the guest sees it and as the report tells it.
struct ChannelView {
  std::string_view alias;
  zvm_channel_type type;
  bool etag;
  ChannelLimits limits;
  ChannelLimits used;          // operations and bytes counted against the limits
  int64_t start_size_bytes;    // for the user manifest: 0 for sequential channels
  DigestText digest;           // running digest of all bytes moved; empty unless etag
};

// Where a channel stands: what was counted against its limits, and the places of the next bytes.
struct ChannelPosition {
  ChannelLimits used;
  int64_t read = 0;
  int64_t write = 0;
};

// Opening is in two steps so that nothing is changed on the host while the request can still be
// refused: Check (types, limits, duplicates, standard channels, kinds by stat; no side effect),
// then Open (creates, truncates, preallocates; may block on a FIFO until `stop`).
// After Open nothing here allocates memory or opens files. The system calls that are left: pread64,
// pwrite64, read, write, ftruncate, close, and poll for descriptors passed in non-blocking mode.
//
// Signals: the owner ignores SIGPIPE and installs the handlers that set `stop` without SA_RESTART,
// repeating the signal until the session ends, because a signal may arrive just before a call
// blocks.
class ChannelTable {
 public:
  ChannelTable();
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  // Sorts the channels into guest order (standard three first, then by name) and checks everything
  // that needs no side effect. Failure: see docs/abi.md §5.3, §7. Called once, first.
  [[nodiscard]] Failure Check(std::vector<ChannelSpec> specs);

  // Opens all channels, after Check succeeded. Existing files are emptied only when all channels
  // are open. On failure everything that this call created is removed again. `stop` must outlive
  // the table. From here the table owns the passed descriptors: also after a failure they are
  // closed.
  [[nodiscard]] Failure Open(const ChannelOptions& options, const StopRequest& stop);

  size_t count() const;
  // `channel` < count().
  ChannelView view(size_t channel) const;

  // For a session that goes on where another one stood, which had the same channels over other
  // sources (docs/abi.md §8.4). `channel` < count(). False, and nothing is changed: no channel with
  // these limits stands there.
  ChannelPosition position(size_t channel) const;
  [[nodiscard]] bool MoveTo(size_t channel, const ChannelPosition& position);

  // Traps, steps 1 and 3 and later of docs/abi.md §7.4 and §7.5. `channel` is any 32-bit value.
  // `buffer` is only touched within [0, size). A read also writes into it directly from other calls
  // than read(2) when a channel has several sources, so its pages must really be writable.
  IoResult Read(int32_t channel, uint8_t* buffer, int32_t size, int64_t offset);
  IoResult Write(int32_t channel, const uint8_t* buffer, int32_t size, int64_t offset);

  // Before Close, after a session that ended well: tells readers in other nodes that their stream
  // is whole, then reads away what writers there still have to say. Without it both see a broken
  // connection. A failure sets failure().
  void Complete();

  // Closes everything: writable regular files are cut to their size. Also after failures;
  // idempotent. A file that cannot be cut sets failure() if nothing did before. Frees no memory:
  // only the destructor does, so a process under lockdown ends without running it.
  void Close();

  // Why Check, Open, a trap or Close failed: the first reason.
  const Failure& failure() const;
  const ChannelAccounting& accounting() const;
  // Descriptors that must survive lockdown, ascending.
  std::span<const int> descriptors() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zvm
