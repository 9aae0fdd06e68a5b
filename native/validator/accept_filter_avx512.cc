// The accept filter for CPUs with AVX-512 VBMI and VBMI2: its vector types and operations. The
// filter itself, and why it is sound, is in accept_filter_core.h. Needs no fact about any rule.
#include "validator/accept_filter.h"

#include <immintrin.h>

#include <cstring>

#include "validator/accept_filter_lanes.h"
#include "validator/accept_filter_tables.h"

#define ZVM_INLINE [[gnu::always_inline]] inline

// Applies to the functions below only, so that no inline function of a shared header is compiled
// with instructions that the CPU may lack.
#pragma clang attribute push(                                                               \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,bmi,bmi2," \
                          "popcnt"))),                                                      \
    apply_to = function)

namespace zvm {
namespace {

constexpr const FilterTables& kTables = kFilterTables;
constexpr LaneArray kPrefixBitTable = kPrefixBits;
constexpr LaneArray kModRmLengthTable = kModRmLengths;

using Bytes = __m512i;   // 64 byte lanes
using Lanes = uint64_t;  // a set of byte lanes, bit n = lane n

ZVM_INLINE Bytes Splat(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
ZVM_INLINE Bytes Load(const LaneArray& lanes) { return _mm512_load_si512(lanes.value); }
ZVM_INLINE Bytes LoadCode(const uint8_t* code) { return _mm512_loadu_si512(code); }
ZVM_INLINE void Store(LaneArray& to, Bytes a) { _mm512_store_si512(to.value, a); }

ZVM_INLINE Lanes NoLanes() { return 0; }
ZVM_INLINE uint64_t ToBits(Lanes lanes) { return lanes; }
ZVM_INLINE Lanes FromBits(uint64_t bits) { return bits; }

ZVM_INLINE Bytes And(Bytes a, int value) { return _mm512_and_si512(a, Splat(value)); }
ZVM_INLINE Bytes Or(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
ZVM_INLINE Bytes Xor(Bytes a, Bytes b) { return _mm512_xor_si512(a, b); }
ZVM_INLINE Bytes Add(Bytes a, Bytes b) { return _mm512_add_epi8(a, b); }
// Shifts of pairs of lanes: the bits that come from the neighbour mean nothing.
template <int n>
ZVM_INLINE Bytes BitsRight(Bytes a) {
  return _mm512_srli_epi16(a, n);
}
template <int n>
ZVM_INLINE Bytes BitsLeft(Bytes a) {
  return _mm512_slli_epi16(a, n);
}

ZVM_INLINE Lanes Equal(Bytes a, Bytes b) { return _mm512_cmpeq_epi8_mask(a, b); }
ZVM_INLINE Lanes Equal(Bytes a, int value) { return Equal(a, Splat(value)); }
ZVM_INLINE Lanes AtLeast(Bytes a, int value) { return _mm512_cmpge_epu8_mask(a, Splat(value)); }
ZVM_INLINE Lanes AnyCommon(Bytes a, Bytes b) { return _mm512_test_epi8_mask(a, b); }
ZVM_INLINE Lanes AnySet(Bytes a, int bits) { return AnyCommon(a, Splat(bits)); }
ZVM_INLINE Lanes NoneSet(Bytes a, int bits) { return _mm512_testn_epi8_mask(a, Splat(bits)); }
ZVM_INLINE Lanes TopBit(Bytes a) { return _mm512_movepi8_mask(a); }

ZVM_INLINE Bytes Select(Lanes where, Bytes a, Bytes otherwise) {
  return _mm512_mask_mov_epi8(otherwise, where, a);
}
ZVM_INLINE Bytes KeepWhere(Lanes where, Bytes a) { return _mm512_maskz_mov_epi8(where, a); }
ZVM_INLINE Bytes AddWhere(Bytes a, Lanes where, Bytes b) {
  return _mm512_mask_add_epi8(a, where, a, b);
}
ZVM_INLINE Bytes AddWhere(Bytes a, Lanes where, int value) {
  return AddWhere(a, where, Splat(value));
}

// (a & 7) | (b & 8): a three-bit register field and its REX bit.
ZVM_INLINE Bytes RegisterNumber(Bytes a, Bytes b) {
  return And(_mm512_ternarylogic_epi64(Splat(7), a, b, 0xca), 15);
}
// ModRM's `rm | mod << 3` in the low five bits, garbage above.
ZVM_INLINE Bytes ModAndRm(Bytes a) {
  return _mm512_ternarylogic_epi64(Splat(7), a, BitsRight<3>(a), 0xca);
}
// 1 << (index & 7), for indices below 128.
ZVM_INLINE Bytes PowerOfTwo(Bytes index) {
  const Bytes powers = _mm512_set1_epi64(static_cast<long long>(0x8040'2010'0804'0201));
  return _mm512_shuffle_epi8(powers, index);
}

// Tables of 32 (twice), 64 and 256 entries.
ZVM_INLINE Bytes Lookup32(const LaneArray& table, Bytes index) {
  return _mm512_permutexvar_epi8(index, Load(table));
}
ZVM_INLINE Bytes Lookup64(const uint8_t* table, Bytes index) {
  return _mm512_permutexvar_epi8(index, _mm512_load_si512(table));
}
ZVM_INLINE Bytes Lookup256(const uint8_t* table, Bytes index) {
  const Bytes low = _mm512_permutex2var_epi8(_mm512_load_si512(table), index,
                                             _mm512_load_si512(table + 64));
  const Bytes high = _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), index,
                                              _mm512_load_si512(table + 192));
  return Select(TopBit(index), high, low);
}

// Position phase: lane i takes lane i + n; nothing where that is outside of the vector.
template <int n>
ZVM_INLINE Lanes Ahead(Lanes lanes) {
  return lanes >> n;
}
// The same for n = 1 and bytes; the last lane takes itself.
constexpr LaneArray kNextPosition =
    MakeLaneArray([](uint32_t lane) { return lane < 63 ? lane + 1 : lane; });
ZVM_INLINE Bytes FromNextPosition(Bytes a) {
  return _mm512_permutexvar_epi8(Load(kNextPosition), a);
}
// Lane i takes lane i + header bytes, of `two` where the header has the 0F, else of `one`.
ZVM_INLINE Bytes EndsBehindHeaders(Bytes headers, Bytes one, Bytes two) {
  static_assert(kHeader0f == 64);
  const Bytes index = Add(Load(kLowOffset), And(headers, kHeaderBytes | kHeader0f));
  return _mm512_permutex2var_epi8(one, index, two);
}

// List phase: lane i takes the value at offset index[i]; bit 7 of the index means nothing.
ZVM_INLINE Bytes GatherPositions(Bytes low, Bytes high, Bytes index) {
  return _mm512_permutex2var_epi8(low, index, high);
}
ZVM_INLINE Bytes StepWhere(Lanes where, Bytes low, Bytes high, Bytes at) {
  return _mm512_mask2_permutex2var_epi8(low, at, where, high);
}
// The pointers from each position lead twice as far.
ZVM_INLINE void DoubleSteps(Bytes& low, Bytes& high) {
  const Bytes low_twice = GatherPositions(low, high, low);
  high = GatherPositions(low, high, high);
  low = low_twice;
}
// The neighbour lane of the same bundle, nothing at the bundle's ends.
ZVM_INLINE Bytes FromPreviousLane(Bytes a) { return _mm512_bslli_epi128(a, 1); }
ZVM_INLINE Bytes FromNextLane(Bytes a) { return _mm512_bsrli_epi128(a, 1); }
// SAFETY: only for sets without lane 15 (or lane 0) of a bundle; these would change bundles.
ZVM_INLINE Lanes FromPreviousLane(Lanes lanes) { return lanes << 1; }
ZVM_INLINE Lanes FromNextLane(Lanes lanes) { return lanes >> 1; }

// One word for each bundle: bit n = some lane of `lanes` starts at n. A lane contributes one bit to
// one of four bytes; eight lanes with distinct bits are or-ed by adding them up.
ZVM_INLINE __m128i TargetWords(Bytes relative, Lanes lanes) {
  const Bytes bits = PowerOfTwo(relative);
  const Bytes which_byte = And(relative, 0x18);
  Bytes words = _mm512_setzero_si512();
  for (int n = 0; n < 4; ++n) {
    const Lanes here = _mm512_mask_cmpeq_epi8_mask(lanes, which_byte, Splat(8 * n));
    const Bytes sums = _mm512_sad_epu8(KeepWhere(here, bits), _mm512_setzero_si512());
    words = Or(words, _mm512_slli_epi64(sums, static_cast<unsigned>(8 * n)));
  }
  words = Or(words, _mm512_bsrli_epi128(words, 8));
  const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_castsi512_si128(_mm512_permutexvar_epi32(firsts, words));
}

ZVM_INLINE void StoreWords(uint32_t* to, uint32_t which, __m128i words) {
  _mm_mask_storeu_epi32(to, static_cast<__mmask8>(which), words);
}

// Appends the ends of the lanes in `jumps`, sixteen at a time. End 0 stands for 128.
ZVM_INLINE void AppendJumps(Bytes ends, uint64_t jumps, uint64_t wide, uint32_t first_offset,
                            ScanOutput& output) {
  ends = Select(Equal(ends, 0), Splat(128), ends);
  const size_t count = static_cast<size_t>(__builtin_popcountll(jumps));
  Bytes packed = _mm512_maskz_compress_epi8(jumps, ends);
  uint64_t packed_wide = _pext_u64(wide, jumps);
  uint32_t* to = output.jumps + output.jump_count;
  output.jump_count += count;
  for (size_t done = 0;;) {
    Bytes entries = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed));
    entries = _mm512_add_epi32(entries, _mm512_set1_epi32(static_cast<int>(first_offset)));
    entries = _mm512_mask_or_epi32(entries, static_cast<__mmask16>(packed_wide), entries,
                                   _mm512_set1_epi32(static_cast<int>(kJumpIs32Bit)));
    _mm512_storeu_si512(to + done, entries);
    done += 16;
    if (done >= count) [[likely]] {
      return;
    }
    packed = _mm512_shuffle_i64x2(packed, packed, 0x39);
    packed_wide >>= 16;
  }
}

#include "validator/accept_filter_core.h"

}  // namespace

AcceptFilter Avx512AcceptFilter(Profile profile) {
  return profile == Profile::kZvm ? FilterFourBundles<true> : FilterFourBundles<false>;
}

}  // namespace zvm

#pragma clang attribute pop
