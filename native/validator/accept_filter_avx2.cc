// The accept filter for CPUs with AVX2 but without AVX-512 VBMI: its vector types and operations.
// The filter itself, and why it is sound, is in accept_filter_core.h. Needs no fact about any rule.
//
// A vector is two registers. In the position phase each register is one bundle; in the list phase
// each holds the lists of two. Byte permutes reach 16 entries, so a larger table is looked up row
// by row (RowTable).
#include "validator/accept_filter.h"

#include <immintrin.h>

#include <cstring>

#include "validator/accept_filter_lanes.h"
#include "validator/accept_filter_tables.h"

#define ZVM_INLINE [[gnu::always_inline]] inline

// Applies to the functions below only, so that no inline function of a shared header is compiled
// with instructions that the CPU may lack.
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)

namespace zvm {
namespace {

constexpr const FilterTables& kTables = kFilterRowTables;
constexpr LaneArray kPrefixBitTable = RowTable(kPrefixBits);
constexpr LaneArray kModRmLengthTable = RowTable(kModRmLengths);

struct Bytes {  // 64 byte lanes
  __m256i v[2];
};
struct Lanes {  // a set of byte lanes: all bits or none
  __m256i v[2];
};

ZVM_INLINE Lanes operator&(Lanes a, Lanes b) {
  return {{_mm256_and_si256(a.v[0], b.v[0]), _mm256_and_si256(a.v[1], b.v[1])}};
}
ZVM_INLINE Lanes operator|(Lanes a, Lanes b) {
  return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}};
}
ZVM_INLINE Lanes operator^(Lanes a, Lanes b) {
  return {{_mm256_xor_si256(a.v[0], b.v[0]), _mm256_xor_si256(a.v[1], b.v[1])}};
}
ZVM_INLINE Lanes operator~(Lanes a) {
  const __m256i all = _mm256_set1_epi8(-1);
  return {{_mm256_xor_si256(a.v[0], all), _mm256_xor_si256(a.v[1], all)}};
}

ZVM_INLINE __m256i Load(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
ZVM_INLINE Bytes LoadCode(const uint8_t* code) { return {{Load(code), Load(code + 32)}}; }
ZVM_INLINE Bytes Load(const LaneArray& lanes) { return LoadCode(lanes.value); }
ZVM_INLINE void Store(LaneArray& to, Bytes a) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.value), a.v[0]);
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.value + 32), a.v[1]);
}
ZVM_INLINE Bytes Splat(int value) {
  const __m256i v = _mm256_set1_epi8(static_cast<char>(value));
  return {{v, v}};
}

ZVM_INLINE Lanes NoLanes() { return {{_mm256_setzero_si256(), _mm256_setzero_si256()}}; }
ZVM_INLINE uint64_t ToBits(Lanes lanes) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(lanes.v[0])) |
         uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(lanes.v[1]))} << 32;
}
ZVM_INLINE __m256i FromBits(uint32_t bits) {
  const __m256i byte_of_lane =
      _mm256_setr_epi64x(0, 0x0101'0101'0101'0101, 0x0202'0202'0202'0202, 0x0303'0303'0303'0303);
  const __m256i bit_of_lane = _mm256_set1_epi64x(static_cast<long long>(0x8040'2010'0804'0201));
  const __m256i bytes =
      _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), byte_of_lane);
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_lane), bit_of_lane);
}
ZVM_INLINE Lanes FromBits(uint64_t bits) {
  return {{FromBits(static_cast<uint32_t>(bits)), FromBits(static_cast<uint32_t>(bits >> 32))}};
}

ZVM_INLINE Bytes And(Bytes a, Bytes b) {
  return {{_mm256_and_si256(a.v[0], b.v[0]), _mm256_and_si256(a.v[1], b.v[1])}};
}
ZVM_INLINE Bytes And(Bytes a, int value) { return And(a, Splat(value)); }
ZVM_INLINE Bytes Or(Bytes a, Bytes b) {
  return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}};
}
ZVM_INLINE Bytes Xor(Bytes a, Bytes b) {
  return {{_mm256_xor_si256(a.v[0], b.v[0]), _mm256_xor_si256(a.v[1], b.v[1])}};
}
ZVM_INLINE Bytes Add(Bytes a, Bytes b) {
  return {{_mm256_add_epi8(a.v[0], b.v[0]), _mm256_add_epi8(a.v[1], b.v[1])}};
}
// Shifts of pairs of lanes: the bits that come from the neighbour mean nothing.
template <int n>
ZVM_INLINE Bytes BitsRight(Bytes a) {
  return {{_mm256_srli_epi16(a.v[0], n), _mm256_srli_epi16(a.v[1], n)}};
}
template <int n>
ZVM_INLINE Bytes BitsLeft(Bytes a) {
  return {{_mm256_slli_epi16(a.v[0], n), _mm256_slli_epi16(a.v[1], n)}};
}

ZVM_INLINE Lanes Equal(Bytes a, Bytes b) {
  return {{_mm256_cmpeq_epi8(a.v[0], b.v[0]), _mm256_cmpeq_epi8(a.v[1], b.v[1])}};
}
ZVM_INLINE Lanes Equal(Bytes a, int value) { return Equal(a, Splat(value)); }
ZVM_INLINE Lanes AtLeast(Bytes a, int value) {
  const Bytes limit = Splat(value);
  return Equal({{_mm256_max_epu8(a.v[0], limit.v[0]), _mm256_max_epu8(a.v[1], limit.v[1])}}, a);
}
ZVM_INLINE Lanes AnyCommon(Bytes a, Bytes b) { return ~Equal(And(a, b), 0); }
// `bits` is one bit in all uses but one; for those the comparison needs no inversion.
ZVM_INLINE Lanes AnySet(Bytes a, int bits) {
  const bool one_bit = (bits & (bits - 1)) == 0;
  return one_bit ? Equal(And(a, bits), bits) : AnyCommon(a, Splat(bits));
}
ZVM_INLINE Lanes NoneSet(Bytes a, int bits) { return Equal(And(a, bits), 0); }
ZVM_INLINE Lanes TopBit(Bytes a) {
  const __m256i zero = _mm256_setzero_si256();
  return {{_mm256_cmpgt_epi8(zero, a.v[0]), _mm256_cmpgt_epi8(zero, a.v[1])}};
}

ZVM_INLINE Bytes Select(Lanes where, Bytes a, Bytes otherwise) {
  return {{_mm256_blendv_epi8(otherwise.v[0], a.v[0], where.v[0]),
           _mm256_blendv_epi8(otherwise.v[1], a.v[1], where.v[1])}};
}
ZVM_INLINE Bytes KeepWhere(Lanes where, Bytes a) { return And(a, Bytes{{where.v[0], where.v[1]}}); }
ZVM_INLINE Bytes AddWhere(Bytes a, Lanes where, Bytes b) { return Add(a, KeepWhere(where, b)); }
ZVM_INLINE Bytes AddWhere(Bytes a, Lanes where, int value) {
  return AddWhere(a, where, Splat(value));
}

// (a & 7) | (b & 8): a three-bit register field and its REX bit.
ZVM_INLINE Bytes RegisterNumber(Bytes a, Bytes b) { return Or(And(a, 7), And(b, 8)); }
// ModRM's `rm | mod << 3`.
ZVM_INLINE Bytes ModAndRm(Bytes a) { return Or(And(a, 7), And(BitsRight<3>(a), 0x18)); }

ZVM_INLINE __m256i Row(const uint8_t* row) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
}
// Looks up `rows` rows of a RowTable, for indices that are negative (those give 0) or below
// 16 * rows: a row counts for every index not below its first entry.
template <int rows>
ZVM_INLINE __m256i LookupRows(const uint8_t* table, __m256i index) {
  __m256i found = _mm256_shuffle_epi8(Row(table), index);
  for (int row = 1; row < rows; ++row) {
    index = _mm256_subs_epi8(index, _mm256_set1_epi8(16));
    found = _mm256_xor_si256(found, _mm256_shuffle_epi8(Row(table + 16 * row), index));
  }
  return found;
}
ZVM_INLINE Bytes Lookup32(const LaneArray& table, Bytes index) {
  return {{LookupRows<2>(table.value, index.v[0]), LookupRows<2>(table.value, index.v[1])}};
}
ZVM_INLINE Bytes Lookup64(const uint8_t* table, Bytes index) {
  return {{LookupRows<4>(table, index.v[0]), LookupRows<4>(table, index.v[1])}};
}
ZVM_INLINE Bytes Lookup256(const uint8_t* table, Bytes index) {
  const Bytes upper = Xor(index, Splat(0x80));
  return Or({{LookupRows<8>(table, index.v[0]), LookupRows<8>(table, index.v[1])}},
            {{LookupRows<8>(table + 128, upper.v[0]), LookupRows<8>(table + 128, upper.v[1])}});
}

// 1 << (index & 7), for indices below 128.
ZVM_INLINE Bytes PowerOfTwo(Bytes index) {
  const __m256i powers = _mm256_set1_epi64x(static_cast<long long>(0x8040'2010'0804'0201));
  return {{_mm256_shuffle_epi8(powers, index.v[0]), _mm256_shuffle_epi8(powers, index.v[1])}};
}

// Position phase: lane i takes lane i + n; nothing where that is behind the bundle.
template <int n>
ZVM_INLINE __m256i Ahead(__m256i a) {
  return _mm256_alignr_epi8(_mm256_permute2x128_si256(a, a, 0x81), a, n);
}
template <int n>
ZVM_INLINE Lanes Ahead(Lanes a) {
  return {{Ahead<n>(a.v[0]), Ahead<n>(a.v[1])}};
}
// The same for n = 1 and bytes; the last lane of a bundle takes its 17th.
ZVM_INLINE __m256i FromNextPosition(__m256i a) {
  return _mm256_alignr_epi8(_mm256_permute2x128_si256(a, a, 0x11), a, 1);
}
ZVM_INLINE Bytes FromNextPosition(Bytes a) {
  return {{FromNextPosition(a.v[0]), FromNextPosition(a.v[1])}};
}

// Entry `index & 31` of a table of 32, given as two halves for each 128-bit part. Bit 7 of the
// index must be clear for an entry to be found.
ZVM_INLINE __m256i LookupHalves(__m256i first, __m256i second, __m256i index) {
  const __m256i in_second = _mm256_slli_epi16(index, 3);
  return _mm256_blendv_epi8(_mm256_shuffle_epi8(first, index), _mm256_shuffle_epi8(second, index),
                            in_second);
}
// One bundle's positions as the table for 32 indices.
ZVM_INLINE __m256i LookupBundle(__m256i bundle, __m256i index) {
  return LookupHalves(_mm256_permute2x128_si256(bundle, bundle, 0x00),
                      _mm256_permute2x128_si256(bundle, bundle, 0x11), index);
}
// Two bundles' positions as tables for 16 indices each.
ZVM_INLINE __m256i LookupTwoBundles(Bytes bundles, __m256i index) {
  return LookupHalves(_mm256_permute2x128_si256(bundles.v[0], bundles.v[1], 0x20),
                      _mm256_permute2x128_si256(bundles.v[0], bundles.v[1], 0x31), index);
}

// Lane i takes lane i + header bytes of its bundle, of `two` where the header has the 0F, else of
// `one`.
ZVM_INLINE Bytes EndsBehindHeaders(Bytes headers, Bytes one, Bytes two) {
  static_assert(kHeader0f == 64);
  const Bytes index = Add(And(Load(kLowOffset), 31), And(headers, kHeaderBytes));
  const Bytes map_0f = BitsLeft<1>(headers);
  Bytes ends;
  for (int i = 0; i < 2; ++i) {
    ends.v[i] = _mm256_blendv_epi8(LookupBundle(one.v[i], index.v[i]),
                                   LookupBundle(two.v[i], index.v[i]), map_0f.v[i]);
  }
  return ends;
}

// List phase: lane i takes the value at offset index[i] & 31 of its bundle. Means nothing for an
// index of 128 or more: only instructions that are not `used` have it.
ZVM_INLINE Bytes GatherPositions(Bytes low, Bytes high, Bytes index) {
  return {{LookupTwoBundles(low, index.v[0]), LookupTwoBundles(high, index.v[1])}};
}
ZVM_INLINE Bytes StepWhere(Lanes where, Bytes low, Bytes high, Bytes at) {
  return Select(where, GatherPositions(low, high, And(at, 127)), at);
}
ZVM_INLINE Bytes DoubleSteps(Bytes ends) {
  const Bytes index = And(ends, 127);
  return {{LookupBundle(ends.v[0], index.v[0]), LookupBundle(ends.v[1], index.v[1])}};
}
// The pointers from each position lead twice as far.
ZVM_INLINE void DoubleSteps(Bytes& low, Bytes& high) {
  low = DoubleSteps(low);
  high = DoubleSteps(high);
}
// The neighbour lane of the same bundle, nothing at the bundle's ends.
ZVM_INLINE Bytes FromPreviousLane(Bytes a) {
  return {{_mm256_bslli_epi128(a.v[0], 1), _mm256_bslli_epi128(a.v[1], 1)}};
}
ZVM_INLINE Bytes FromNextLane(Bytes a) {
  return {{_mm256_bsrli_epi128(a.v[0], 1), _mm256_bsrli_epi128(a.v[1], 1)}};
}
ZVM_INLINE Lanes FromPreviousLane(Lanes a) {
  return {{_mm256_bslli_epi128(a.v[0], 1), _mm256_bslli_epi128(a.v[1], 1)}};
}
ZVM_INLINE Lanes FromNextLane(Lanes a) {
  return {{_mm256_bsrli_epi128(a.v[0], 1), _mm256_bsrli_epi128(a.v[1], 1)}};
}

// One word for each bundle: bit n = some lane of `lanes` starts at n. A lane contributes one bit to
// one of four bytes; eight lanes with distinct bits are or-ed by adding them up.
ZVM_INLINE __m128i TargetWords(Bytes relative, Lanes lanes) {
  const Bytes bits = KeepWhere(lanes, PowerOfTwo(relative));
  const Bytes which_byte = And(relative, 0x18);
  __m128i words[4];
  for (int i = 0; i < 2; ++i) {
    __m256i pair = _mm256_setzero_si256();
    for (int n = 0; n < 4; ++n) {
      const __m256i here =
          _mm256_cmpeq_epi8(which_byte.v[i], _mm256_set1_epi8(static_cast<char>(8 * n)));
      const __m256i sums =
          _mm256_sad_epu8(_mm256_and_si256(bits.v[i], here), _mm256_setzero_si256());
      pair = _mm256_or_si256(pair, _mm256_slli_epi64(sums, 8 * n));
    }
    pair = _mm256_or_si256(pair, _mm256_bsrli_epi128(pair, 8));
    words[2 * i] = _mm256_castsi256_si128(pair);
    words[2 * i + 1] = _mm256_extracti128_si256(pair, 1);
  }
  return _mm_unpacklo_epi64(_mm_unpacklo_epi32(words[0], words[1]),
                            _mm_unpacklo_epi32(words[2], words[3]));
}

ZVM_INLINE void StoreWords(uint32_t* to, uint32_t which, __m128i words) {
  if (which == 15) [[likely]] {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), words);
    return;
  }
  alignas(16) uint32_t all[4];
  _mm_store_si128(reinterpret_cast<__m128i*>(all), words);
  for (uint32_t bundle = 0; bundle < 4; ++bundle) {
    if ((which >> bundle) & 1) {
      to[bundle] = all[bundle];
    }
  }
}

// Appends the ends of the lanes in `jumps`. End 0 stands for 128.
ZVM_INLINE void AppendJumps(Bytes ends, uint64_t jumps, uint64_t wide, uint32_t first_offset,
                            ScanOutput& output) {
  LaneArray end;
  Store(end, ends);
  uint32_t* to = output.jumps + output.jump_count;
  output.jump_count += static_cast<size_t>(__builtin_popcountll(jumps));
  for (; jumps != 0; jumps &= jumps - 1) {
    const uint32_t lane = static_cast<uint32_t>(__builtin_ctzll(jumps));
    const uint32_t end_offset = ((end.value[lane] - 1u) & 127) + 1;
    *to++ = (first_offset + end_offset) | (((wide >> lane) & 1) != 0 ? kJumpIs32Bit : 0);
  }
}

#include "validator/accept_filter_core.h"

}  // namespace

AcceptFilter Avx2AcceptFilter(Profile profile) {
  return profile == Profile::kZvm ? FilterFourBundles<true> : FilterFourBundles<false>;
}

}  // namespace zvm

#pragma clang attribute pop
