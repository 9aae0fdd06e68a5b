// The errno matrix of docs/abi.md §7.4 and §7.5 as rows: one check in each.
#include "channel/ledger.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <climits>

namespace zvm {
namespace {

constexpr int64_t kHuge = INT64_MAX;
constexpr zvm_channel_type kTypes[] = {ZVM_CHANNEL_SEQUENTIAL, ZVM_CHANNEL_APPEND,
                                       ZVM_CHANNEL_RANDOM_WRITE, ZVM_CHANNEL_RANDOM};

Ledger Make(zvm_channel_type type, ChannelLimits limits, int64_t size_bytes = 0) {
  Ledger ledger;
  ledger.type = type;
  ledger.limits = limits;
  ledger.size_bytes = size_bytes;
  return ledger;
}

constexpr ChannelLimits kRead = {.reads = 4, .read_bytes = 32};
constexpr ChannelLimits kWrite = {.writes = 4, .write_bytes = 32};

int ReadResult(const Ledger& ledger, int32_t size, int64_t offset) {
  return GrantRead(ledger, size, offset).size;
}
int WriteResult(const Ledger& ledger, int32_t size, int64_t offset) {
  return GrantWrite(ledger, size, offset).size;
}

TEST_CASE("limits make the direction") {
  CHECK(DirectionOf({1, 1, 0, 0}) == Direction::kRead);
  CHECK(DirectionOf({0, 0, 1, 1}) == Direction::kWrite);
  CHECK(DirectionOf({1, 1, 1, 1}) == Direction::kReadWrite);
  CHECK(DirectionOf({1, 0, 0, 1}) == Direction::kNone);
  CHECK(DirectionOf({1, 1, 1, 0}) == Direction::kRead);
  CHECK(DirectionOf({0, 5, kHuge, kHuge}) == Direction::kWrite);
}

TEST_CASE("reading at random: sizes and offsets") {
  struct Row {
    int32_t size;
    int64_t offset;
    int result;
  };
  // A file of 466 bytes with a limit of 32 bytes.
  const Row rows[] = {
      {1, 465, 1},        {0, 465, 0},          {1, 466, 0},        {0, 466, 0},
      {1, 467, -EFAULT},  {0, 467, -EFAULT},    {1, -1, -EINVAL},   {0, -1, 0},
      {-1, -1, -EFAULT},  {-1, 0, -EFAULT},     {33, 0, 32},        {40, 460, 6},
      {1, kHuge, -EFAULT}, {1, INT64_MIN, -EINVAL}, {INT_MAX, 0, 32}, {INT_MIN, 0, -EFAULT},
      {-1, 466, -EFAULT}, {0, INT64_MIN, 0},
  };
  for (zvm_channel_type type : {ZVM_CHANNEL_APPEND, ZVM_CHANNEL_RANDOM}) {
    const Ledger ledger = Make(type, kRead, 466);
    for (const Row& row : rows) {
      CAPTURE(row.size);
      CAPTURE(row.offset);
      CHECK(ReadResult(ledger, row.size, row.offset) == row.result);
    }
  }
}

TEST_CASE("the difference of size and offset is not cut to 32 bits") {
  const Ledger ledger = Make(ZVM_CHANNEL_RANDOM, {10, kHuge}, 100);
  CHECK(ReadResult(ledger, 8, 100 + (int64_t{1} << 32)) == -EFAULT);
  CHECK(ReadResult(ledger, 8, 100 + (int64_t{1} << 32) - 5) == -EFAULT);
}

TEST_CASE("reading in sequence ignores the offset") {
  for (zvm_channel_type type : {ZVM_CHANNEL_SEQUENTIAL, ZVM_CHANNEL_RANDOM_WRITE}) {
    Ledger ledger = Make(type, kRead, 466);
    for (int64_t offset : {int64_t{0}, int64_t{-1}, INT64_MIN, kHuge}) {
      CHECK(ReadResult(ledger, 5, offset) == 5);
      CHECK(GrantRead(ledger, 5, offset).offset == 0);
      CHECK(ReadResult(ledger, 0, offset) == 0);
      CHECK(ReadResult(ledger, -1, offset) == -EFAULT);
    }
  }
}

TEST_CASE("reading: quotas and the end") {
  for (zvm_channel_type type : kTypes) {
    Ledger ledger = Make(type, kRead, 466);
    ledger.used.reads = 4;
    CHECK(ReadResult(ledger, 1, 0) == -EDQUOT);
    CHECK(ReadResult(ledger, 0, 0) == 0);
    ledger.used = {.reads = 3, .read_bytes = 30};
    CHECK(ReadResult(ledger, 30, 0) == 2);
    ledger.used.read_bytes = 32;
    CHECK(ReadResult(ledger, 1, 0) == -EDQUOT);
    ledger.ended = true;  // comes before both quotas
    CHECK(ReadResult(ledger, 1, 0) == 0);
    CHECK(ReadResult(ledger, -1, 0) == -EFAULT);
  }
}

TEST_CASE("reading a channel that is only written") {
  CHECK(ReadResult(Make(ZVM_CHANNEL_SEQUENTIAL, kWrite), 1, 0) == -EDQUOT);
  CHECK(ReadResult(Make(ZVM_CHANNEL_RANDOM_WRITE, kWrite), 1, 0) == -EDQUOT);
  CHECK(ReadResult(Make(ZVM_CHANNEL_APPEND, kWrite), 1, 0) == 0);   // its size is 0
  CHECK(ReadResult(Make(ZVM_CHANNEL_RANDOM, kWrite, 9), 1, 0) == -EDQUOT);
  CHECK(ReadResult(Make(ZVM_CHANNEL_RANDOM_WRITE, kWrite), 0, 0) == 0);
}

TEST_CASE("writing in sequence: bytes used up give EINVAL, operations EDQUOT") {
  for (zvm_channel_type type : {ZVM_CHANNEL_SEQUENTIAL, ZVM_CHANNEL_APPEND}) {
    Ledger ledger = Make(type, kWrite);
    CHECK(WriteResult(ledger, 30, kHuge) == 30);
    CHECK(WriteResult(ledger, 0, -1) == 0);
    CHECK(WriteResult(ledger, -1, 0) == -EFAULT);
    EnterWrite(ledger, GrantWrite(ledger, 30, 0), 30);
    CHECK(WriteResult(ledger, 30, 0) == 2);
    EnterWrite(ledger, GrantWrite(ledger, 30, 0), 2);
    CHECK(WriteResult(ledger, 1, 0) == -EINVAL);
    ledger.used.writes = 4;
    CHECK(WriteResult(ledger, 1, 0) == -EDQUOT);
    CHECK(WriteResult(ledger, 0, 0) == 0);
  }
}

TEST_CASE("writing at random, not readable") {
  Ledger ledger = Make(ZVM_CHANNEL_RANDOM_WRITE, kWrite);
  CHECK(WriteResult(ledger, 1, 31) == 1);
  CHECK(WriteResult(ledger, 1, 32) == -EINVAL);
  CHECK(WriteResult(ledger, 1, -1) == -EINVAL);
  CHECK(WriteResult(ledger, 0, -1) == 0);
  CHECK(WriteResult(ledger, -1, -1) == -EFAULT);
  CHECK(WriteResult(ledger, 1, kHuge) == -EINVAL);
  CHECK(WriteResult(ledger, 1, INT64_MIN) == -EINVAL);
  EnterWrite(ledger, GrantWrite(ledger, 32, 0), 32);
  CHECK(ledger.size_bytes == 32);
  CHECK(WriteResult(ledger, 1, 0) == -EDQUOT);  // inside the size
  CHECK(WriteResult(ledger, 1, 32) == -EINVAL);
}

TEST_CASE("writing at random, readable: up to size and tail") {
  Ledger ledger = Make(ZVM_CHANNEL_RANDOM, {16, 512, 16, 35}, 466);
  CHECK(WriteResult(ledger, 1, 466 + 34) == 1);
  CHECK(WriteResult(ledger, 1, 466 + 35) == -EINVAL);
  CHECK(WriteResult(ledger, 50, 466) == 35);
  EnterWrite(ledger, GrantWrite(ledger, 5, 480), 5);
  CHECK(ledger.size_bytes == 485);
  CHECK(WriteResult(ledger, 1, 485 + 29) == 1);
  CHECK(WriteResult(ledger, 1, 485 + 30) == -EINVAL);
  ledger.used.write_bytes = 35;
  CHECK(WriteResult(ledger, 1, 484) == -EDQUOT);
  CHECK(WriteResult(ledger, 1, 485) == -EINVAL);
}

TEST_CASE("appending: the byte limit counts this session only") {
  Ledger ledger = Make(ZVM_CHANNEL_APPEND, {16, 8192, 16, 35}, 466);
  ledger.write_position = 466;
  CHECK(GrantWrite(ledger, 10, 0).offset == 466);
  EnterWrite(ledger, GrantWrite(ledger, 10, 0), 10);
  CHECK(ledger.size_bytes == 476);
  CHECK(WriteResult(ledger, 100, 0) == 25);
  EnterWrite(ledger, GrantWrite(ledger, 100, 0), 25);
  CHECK(WriteResult(ledger, 1, 0) == -EINVAL);
  CHECK(ReadResult(ledger, 100, 466) == 35);
}

TEST_CASE("writing a channel that is only read") {
  for (zvm_channel_type type : kTypes) {
    const Ledger ledger = Make(type, kRead, 466);
    CHECK(WriteResult(ledger, 1, 0) == -EDQUOT);
    CHECK(WriteResult(ledger, 0, 0) == 0);
    CHECK(WriteResult(ledger, -1, 0) == -EFAULT);
  }
}

TEST_CASE("limits and sizes near 2^63 do not overflow") {
  const ChannelLimits all = {kHuge, kHuge, kHuge, kHuge};
  Ledger ledger = Make(ZVM_CHANNEL_RANDOM, all, kHuge);
  CHECK(WriteResult(ledger, INT_MAX, kHuge) == INT_MAX);
  CHECK(ReadResult(ledger, INT_MAX, kHuge - 5) == 5);
  CHECK(ReadResult(ledger, INT_MAX, kHuge) == 0);
  EnterWrite(ledger, {.size = INT_MAX, .offset = kHuge - 1}, INT_MAX);
  CHECK(ledger.write_position == kHuge);
  CHECK(ledger.size_bytes == kHuge);
  ledger = Make(ZVM_CHANNEL_RANDOM_WRITE, {0, 0, kHuge, kHuge});
  CHECK(WriteResult(ledger, 7, kHuge - 1) == 7);
  CHECK(WriteResult(ledger, 7, kHuge) == -EINVAL);
}

TEST_CASE("positions follow the last operation") {
  Ledger ledger = Make(ZVM_CHANNEL_RANDOM, {9, 99, 9, 99}, 50);
  EnterRead(ledger, {.size = 10, .offset = 20}, 10, false);
  CHECK(ledger.read_position == 30);
  CHECK(ledger.write_position == 30);
  EnterRead(ledger, {.size = 10, .offset = 40}, 3, true);
  CHECK_FALSE(ledger.ended);  // its size says where a random channel ends
  ledger = Make(ZVM_CHANNEL_SEQUENTIAL, kRead);
  EnterRead(ledger, {.size = 10, .offset = 0}, 3, true);
  CHECK(ledger.ended);
  CHECK(ledger.write_position == 0);
  CHECK(ledger.used.reads == 1);
  CHECK(ledger.used.read_bytes == 3);
}

}  // namespace
}  // namespace zvm
