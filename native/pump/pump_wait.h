// Waiting for one end of a stream while watching the client and the wish to stop.
#pragma once

#include <cstdint>

#include "pump/pump.h"

namespace zvm {

enum class Waited : uint8_t { kReady, kPeerGone, kReaderGone, kStopped, kFailed };

// Receiving: until the socket has bytes, or its end.
Waited WaitForBytes(const PumpFds& fds, PumpProgress& progress);

// Receiving: until the pipe takes bytes. kPeerGone as soon as the `left_bytes` that the client owes
// can never come; kReaderGone when nobody reads the pipe any more.
Waited WaitForPipe(const PumpFds& fds, uint64_t left_bytes, PumpProgress& progress);

// Sending: until the pipe has bytes, or its end. kPeerGone when the client's connection is broken.
Waited WaitForGuest(const PumpFds& fds, PumpProgress& progress);

// Sending: until the socket takes bytes.
Waited WaitForClient(const PumpFds& fds, PumpProgress& progress);

// Bytes that wait in a pipe or socket; 0 when it cannot tell.
uint64_t QueuedBytes(int fd);

}  // namespace zvm
