#include "channel/ledger.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.h"

namespace zvm {
namespace {

constexpr Grant Refuse(int error) { return {.size = -error, .offset = 0}; }

// A random write to a stream may name any offset, so the position behind it need not exist.
int64_t AddSaturated(int64_t position, int32_t moved) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return moved <= kMax - position ? position + moved : kMax;
}

}  // namespace

Direction DirectionOf(const ChannelLimits& limits) {
  const bool reads = limits.reads > 0 && limits.read_bytes > 0;
  const bool writes = limits.writes > 0 && limits.write_bytes > 0;
  if (reads) {
    return writes ? Direction::kReadWrite : Direction::kRead;
  }
  return writes ? Direction::kWrite : Direction::kNone;
}

Grant GrantRead(const Ledger& ledger, int32_t size, int64_t offset) {
  int64_t wanted = size;
  if (!ReadsAtRandom(ledger.type)) {
    offset = ledger.read_position;
  } else if (offset >= 0) {
    wanted = std::min(wanted, ledger.size_bytes - offset);
  }
  if (wanted == 0) {
    return {};
  }
  if (wanted < 0) {
    return Refuse(EFAULT);
  }
  if (offset < 0) {
    return Refuse(EINVAL);
  }
  if (ledger.ended) {
    return {};
  }
  if (ledger.used.reads >= ledger.limits.reads) {
    return Refuse(EDQUOT);
  }
  wanted = std::min(wanted, ledger.limits.read_bytes - ledger.used.read_bytes);
  if (wanted < 1) {
    return Refuse(EDQUOT);
  }
  return {.size = static_cast<int32_t>(wanted), .offset = offset};
}

Grant GrantWrite(const Ledger& ledger, int32_t size, int64_t offset) {
  if (!WritesAtRandom(ledger.type)) {
    offset = ledger.write_position;
  }
  if (size == 0) {
    return {};
  }
  if (size < 0) {
    return Refuse(EFAULT);
  }
  if (offset < 0) {
    return Refuse(EINVAL);
  }
  if (ledger.used.writes >= ledger.limits.writes) {
    return Refuse(EDQUOT);
  }
  const Direction direction = DirectionOf(ledger.limits);
  const bool readable = direction == Direction::kRead || direction == Direction::kReadWrite;
  if (offset >= ledger.limits.write_bytes && !readable) {
    return Refuse(EINVAL);
  }
  const int64_t tail = ledger.limits.write_bytes - ledger.used.write_bytes;
  // offset >= size + tail, written so that it cannot overflow: both operands are >= 0.
  if (offset - tail >= ledger.size_bytes) {
    return Refuse(EINVAL);
  }
  const int64_t wanted = std::min<int64_t>(size, tail);
  if (wanted < 1) {
    return Refuse(EDQUOT);
  }
  return {.size = static_cast<int32_t>(wanted), .offset = offset};
}

void EnterRead(Ledger& ledger, const Grant& grant, int32_t moved, bool at_end) {
  ZVM_CHECK(moved >= 0 && moved <= grant.size);
  ledger.used.reads += 1;
  ledger.used.read_bytes += moved;
  ledger.read_position = AddSaturated(grant.offset, moved);
  if (WritesAtRandom(ledger.type)) {
    ledger.write_position = ledger.read_position;
  }
  // A random channel has no such flag: its size says where it ends.
  ledger.ended = at_end && !ReadsAtRandom(ledger.type);
}

void EnterWrite(Ledger& ledger, const Grant& grant, int32_t moved) {
  ZVM_CHECK(moved >= 0 && moved <= grant.size);
  ledger.used.writes += 1;
  ledger.used.write_bytes += moved;
  const int64_t position = AddSaturated(grant.offset, moved);
  ledger.write_position = position;
  ledger.read_position = position;
  ledger.size_bytes =
      WritesAtRandom(ledger.type) ? std::max(ledger.size_bytes, position) : position;
}

}  // namespace zvm
