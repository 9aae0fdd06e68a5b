// Constant vectors of the accept filter, as plain arrays: lane numbers and small tables by lane.
// Shared by accept_filter_positions.h, accept_filter_list.h and the files of each instruction set.
#pragma once

#include <cstdint>

#include "validator/accept_filter_tables.h"

namespace zvm {

struct LaneArray {
  alignas(64) uint8_t value[64];
};

consteval LaneArray MakeLaneArray(uint32_t (*value_of)(uint32_t lane)) {
  LaneArray lanes = {};
  for (uint32_t lane = 0; lane < 64; ++lane) {
    lanes.value[lane] = static_cast<uint8_t>(value_of(lane));
  }
  return lanes;
}

// Position phase: the offset of each lane, and the end of its bundle, 7 bits.
inline constexpr LaneArray kLowOffset = MakeLaneArray([](uint32_t lane) { return lane; });
inline constexpr LaneArray kHighOffset = MakeLaneArray([](uint32_t lane) { return lane + 64; });
inline constexpr LaneArray kLowBundleEnd =
    MakeLaneArray([](uint32_t lane) { return (lane / 32 + 1) * 32; });
inline constexpr LaneArray kHighBundleEnd =
    MakeLaneArray([](uint32_t lane) { return (lane / 32 + 3) * 32 % 128; });

// List phase: the offset of the lane's bundle, and its end relative to that by exclusive or.
inline constexpr LaneArray kBundleOffset =
    MakeLaneArray([](uint32_t lane) { return lane / 16 * 32; });
inline constexpr LaneArray kBundleEnd = MakeLaneArray([](uint32_t lane) {
  const uint32_t offset = lane / 16 * 32;
  return (offset ^ (offset + 32)) & 127;
});

// A header byte says what comes before the opcode of the instruction that starts at a position.
//
//     bit   7      6     5 4                  3     2 1 0
//         65 67   0F    prefix, as in        REX   bytes before the opcode, 0..5
//                       PrefixClass
inline constexpr int kHeaderBytes = 7;
inline constexpr int kHeaderRex = 1 << 3;
inline constexpr int kHeaderPrefixShift = 4;
inline constexpr int kHeaderPrefix = 3 << kHeaderPrefixShift;
inline constexpr int kHeader0f = 1 << 6;
inline constexpr int kHeaderGs = 1 << 7;

// 1 << prefix, by the low six bits of a header.
inline constexpr LaneArray kPrefixBits =
    MakeLaneArray([](uint32_t index) { return 1u << (index >> kHeaderPrefixShift); });

// ModRM length (accept_filter_tables.h) by `rm | mod << 3`; bit 5 of the index means nothing.
inline constexpr LaneArray kModRmLengths = MakeLaneArray([](uint32_t index) {
  return uint32_t{ModRmLength(((index & 0x18) << 3) | (index & 7))};
});

// The same table for byte permutes that reach 16 entries only: each row of 16 is replaced by its
// exclusive or with the row before.
consteval LaneArray RowTable(const LaneArray& table) {
  LaneArray rows = table;
  for (uint32_t i = 16; i < 64; ++i) {
    rows.value[i] = static_cast<uint8_t>(table.value[i] ^ table.value[i - 16]);
  }
  return rows;
}

// Masks of lanes as numbers: bit n = lane n.
inline constexpr uint64_t kFirstOfBundle = 0x0001'0001'0001'0001;
inline constexpr uint64_t kLastOfBundle = 0x8000'8000'8000'8000;

}  // namespace zvm
