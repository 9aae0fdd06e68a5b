// What a channel allows: limits, positions and the exact order of checks of the read and write
// traps. Pure arithmetic over one channel, no I/O; channel_table asks here first and tells the
// result after.
#pragma once

#include <cstdint>

#include "abi/user_manifest.h"
#include "channel/spec.h"

namespace zvm {

// Both limits of a side must be positive for it to exist.
enum class Direction : uint8_t { kNone, kRead, kWrite, kReadWrite };
Direction DirectionOf(const ChannelLimits& limits);

constexpr bool ReadsAtRandom(int64_t type) { return (type & ZVM_CHANNEL_APPEND) != 0; }
constexpr bool WritesAtRandom(int64_t type) { return (type & ZVM_CHANNEL_RANDOM_WRITE) != 0; }

// The account of one channel. `size_bytes` is what the guest may read at random; 0 for streams.
struct Ledger {
  zvm_channel_type type = ZVM_CHANNEL_SEQUENTIAL;
  ChannelLimits limits;
  ChannelLimits used;
  int64_t size_bytes = 0;
  int64_t read_position = 0;
  int64_t write_position = 0;
  bool ended = false;  // a sequential read has met the end of the file
};

// The answer to a trap's request. `size` > 0: move at most that many bytes at `offset`. Otherwise
// nothing is moved or counted and `size` is the guest's result: 0 or a negative errno.
struct Grant {
  int32_t size = 0;
  int64_t offset = 0;
};

// docs/abi.md §7.4 and §7.5. All arguments may have any value.
Grant GrantRead(const Ledger& ledger, int32_t size, int64_t offset);
Grant GrantWrite(const Ledger& ledger, int32_t size, int64_t offset);

// Enters a granted operation that moved `moved` bytes, 0 <= moved <= grant.size. `at_end`: the
// source had no more bytes.
void EnterRead(Ledger& ledger, const Grant& grant, int32_t moved, bool at_end);
void EnterWrite(Ledger& ledger, const Grant& grant, int32_t moved);

}  // namespace zvm
