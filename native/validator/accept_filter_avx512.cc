// The accept filter for CPUs with AVX-512 VBMI and VBMI2: four bundles at once, without a branch for
// the common instructions. It never refuses: a bundle that it does not accept is judged by the exact
// path (scan_exact.cc). Tables: accept_filter_tables.h. Rules: docs/validator.md.
//
// Two phases, two meanings of a byte lane:
//
//   position phase   lane = byte offset in the 128 bytes (two vectors). For every offset: "where would
//                    an instruction end that started here?" Following these pointers from the start
//                    of each bundle gives its instructions.
//   list phase       lane = instruction (one vector): 16 lanes a bundle, in order.
//
//       lane   0 .. 14   15 | 16 .. 30   31 | 32 .. 46   47 | 48 .. 62   63
//              bundle 0   - | bundle 1    - | bundle 2    - | bundle 3    -
//
//     Each bundle is one 128-bit part of the vector, so "the previous instruction of the same bundle"
//     is a byte shift within the part, which brings in 0 at the part's ends. The 16th lane is never
//     an instruction: it takes what the 15th shifts out, so that no mask shift leaves a bundle.
//
// SAFETY: why a bundle accepted here is accepted by the exact path, with the same targets and jumps.
//  1. Same instructions. Both phases split an instruction in the one order that the exact path knows:
//     [65 67] [66|F2|F3] [REX] [0F] opcode, where each part is there once at most. An opcode that is
//     not in the tables has length 0, so the walk stays on it and never reaches the bundle's end; a
//     bundle is accepted only if its walk ends exactly there. Lengths are those of the exact tables.
//  2. Bytes behind the bundle. An instruction whose ModRM, SIB or digit byte lies behind the bundle is
//     longer than the bundle whatever that byte is (each of these bytes counts in the length), so it
//     is never accepted. A prefix as last byte takes its opcode from the byte behind (or from itself
//     in the last lane of a vector); its end can equal the bundle's end only if that opcode has
//     length 0, and then its class is 0, which accepts nothing.
//  3. Every instruction is accepted on its own account: the class tables say yes only where each
//     allow-list cell that they stand for says yes, for prefix, REX.W, digit and operand form.
//  4. Each fact that forbids is claimed where any cell claims it: register written, memory checked.
//     Each fact that allows is claimed only where all do: zero-extension, 8-bit register.
//     A zero-extension that is not claimed costs two things and both refuse: the next instruction's
//     index is then "not restricted", and a write of esp or ebp is then an error at once.
//  5. State passes from one instruction to the next only, and its whole effect is one comparison with
//     the previous lane: index equals the restricted register; esp (ebp) written if and only if the
//     next instruction is a re-base. The latter is compared for all lanes including the one behind
//     the last instruction and including nops, which are otherwise exempt from checks.
//  6. Forms left out are only refused here: lock, branch hints, VEX, 0F38, 0F3A, x87, string
//     sequences, most re-base encodings, more than 15 instructions.
#include "validator/accept_filter.h"

#include <immintrin.h>

#include <bit>
#include <cstring>

#include "validator/accept_filter_tables.h"

// Applies to this file's functions only, so that no inline function of a shared header is compiled
// with instructions that the CPU may lack.
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt"))), \
    apply_to = function)

namespace zvm {
namespace {

using Bytes = __m512i;     // 64 byte lanes
using Lanes = uint64_t;  // a mask of byte lanes, bit n = lane n

#define ZVM_INLINE [[gnu::always_inline]] inline

constexpr Lanes kFirstOfBundle = 0x0001'0001'0001'0001;
constexpr Lanes kLastOfBundle = 0x8000'8000'8000'8000;

ZVM_INLINE Bytes Splat(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
ZVM_INLINE Lanes Equal(Bytes a, int value) { return _mm512_cmpeq_epi8_mask(a, Splat(value)); }
ZVM_INLINE Bytes And(Bytes a, int value) { return _mm512_and_si512(a, Splat(value)); }
ZVM_INLINE Lanes AnySet(Bytes a, int bits) { return _mm512_test_epi8_mask(a, Splat(bits)); }
ZVM_INLINE Bytes AddWhere(Bytes a, Lanes where, Bytes b) {
  return _mm512_mask_add_epi8(a, where, a, b);
}
ZVM_INLINE Bytes AddWhere(Bytes a, Lanes where, int value) {
  return AddWhere(a, where, Splat(value));
}
// (a & 7) | (b & 8), lane by lane: a three-bit register field and its REX bit.
ZVM_INLINE Bytes RegisterNumber(Bytes a, Bytes b) {
  return And(_mm512_ternarylogic_epi64(Splat(7), a, b, 0xca), 15);
}

// table[lane] for a table of 256, 128 (two vectors) or 64 entries. The latter two ignore high bits.
ZVM_INLINE Bytes Lookup128(Bytes low, Bytes high, Bytes index) {
  return _mm512_permutex2var_epi8(low, index, high);
}
ZVM_INLINE Bytes Lookup64(const uint8_t* table, Bytes index) {
  return _mm512_permutexvar_epi8(index, _mm512_load_si512(table));
}
ZVM_INLINE Bytes Lookup256(const uint8_t* table, Bytes index) {
  const Bytes low = Lookup128(_mm512_load_si512(table), _mm512_load_si512(table + 64), index);
  const Bytes high = Lookup128(_mm512_load_si512(table + 128), _mm512_load_si512(table + 192), index);
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
}

// 0, 1, 2 … 63 plus `first`, at most 63 plus `first - first % 64`.
struct LaneNumbers {
  alignas(64) uint8_t value[64];
};
constexpr LaneNumbers MakeLaneNumbers(uint32_t first, uint32_t limit) {
  LaneNumbers lanes = {};
  for (uint32_t i = 0; i < 64; ++i) {
    lanes.value[i] = static_cast<uint8_t>(first + i < limit ? first + i : limit);
  }
  return lanes;
}
constexpr LaneNumbers kLane = MakeLaneNumbers(0, 63);
constexpr LaneNumbers kUpperLane = MakeLaneNumbers(64, 127);
constexpr LaneNumbers kNextLane = MakeLaneNumbers(1, 63);

// For lane n of the list phase.
constexpr LaneNumbers MakeBundleBase() {
  LaneNumbers lanes = {};
  for (uint32_t i = 0; i < 64; ++i) {
    lanes.value[i] = static_cast<uint8_t>(i / 16 * 32);
  }
  return lanes;
}
// The end of the lane's bundle, in the 7-bit offsets of the walk (128 = 0), relative by exclusive or.
constexpr LaneNumbers MakeBundleEnd() {
  LaneNumbers lanes = {};
  for (uint32_t i = 0; i < 64; ++i) {
    const uint32_t base = i / 16 * 32;
    lanes.value[i] = static_cast<uint8_t>((base ^ (base + 32)) & 127);
  }
  return lanes;
}
constexpr LaneNumbers kBundleBase = MakeBundleBase();
constexpr LaneNumbers kBundleEnd = MakeBundleEnd();

ZVM_INLINE Bytes Load(const LaneNumbers& lanes) { return _mm512_load_si512(lanes.value); }
// Lane n takes lane n + 1; the last lane takes itself.
ZVM_INLINE Bytes FromNext(Bytes a) { return _mm512_permutexvar_epi8(Load(kNextLane), a); }

// ---- Position phase ---------------------------------------------------------------------------

// A header byte says what comes before the opcode of the instruction that starts at a lane.
//
//     bit   7      6     5 4                  3     2 1 0
//         65 67   0F    prefix, as in        REX   bytes before the opcode, 0..5
//                       PrefixClass
constexpr int kHeaderBytes = 7;
constexpr int kHeaderRex = 1 << 3;
constexpr int kHeaderPrefixShift = 4;
constexpr int kHeaderPrefix = 3 << kHeaderPrefixShift;
constexpr int kHeader0f = 1 << 6;
constexpr int kHeaderGs = 1 << 7;

// The flag in bit 7 of an end offset: the instruction that ends there is a long nop with prefix 66.
constexpr int kNopFlag = 0x80;

struct Position {
  Bytes bytes;    // 64 bytes of code
  Bytes headers;  // for each lane: header of the instruction that starts there
  Bytes ends;     // where it ends, 7 bits, and kNopFlag
};

// ModRM length by `rm | mod << 3`; bit 5 of the index means nothing.
constexpr LaneNumbers MakeModRmLengths() {
  LaneNumbers lengths = {};
  for (uint32_t i = 0; i < 64; ++i) {
    lengths.value[i] = ModRmLength(((i & 0x18) << 3) | (i & 7));
  }
  return lengths;
}
constexpr LaneNumbers kModRmLengths = MakeModRmLengths();

// Bytes of ModRM, SIB and displacement if the lane held a ModRM byte.
ZVM_INLINE Bytes ModRmLengths(Bytes bytes) {
  const Bytes mod_rm = _mm512_ternarylogic_epi64(Splat(7), bytes, _mm512_srli_epi16(bytes, 3), 0xca);
  const Bytes length = _mm512_permutexvar_epi8(mod_rm, Load(kModRmLengths));
  const Lanes sib_without_displacement = Equal(And(bytes, 0xc7), 0x04);
  const Lanes sib_base_5 = Equal(And(bytes, 7), 5);
  return AddWhere(length, sib_without_displacement & (sib_base_5 >> 1), 4);
}

// Where an instruction ends if the lane held its opcode.
struct OpcodeEnds {
  Bytes one;        // opcode of the one-byte map
  Bytes two;        // opcode of map 0F
  Lanes wide_imm;   // REX.W adds four bytes of immediate
  Lanes short_imm;  // prefix 66 takes two bytes of immediate away
};

ZVM_INLINE OpcodeEnds FindOpcodeEnds(Bytes bytes, Bytes lane) {
  const Bytes modrm_length = FromNext(ModRmLengths(bytes));
  const Lanes next_digit_0 = _mm512_testn_epi8_mask(bytes, Splat(0x38)) >> 1;

  const Bytes one = Lookup256(kFilterTables.one_length, bytes);
  const Lanes digit_imm8 = AnySet(one, kLengthDigit0Imm8);
  const Lanes digit_imm32 = _mm512_movepi8_mask(one);
  static_assert(kLengthDigit0Imm32 == 0x80);
  OpcodeEnds ends;
  ends.one = _mm512_add_epi8(lane, And(one, kLengthBytes));
  ends.one = AddWhere(ends.one, AnySet(one, kLengthModRm), modrm_length);
  ends.one = AddWhere(ends.one, digit_imm8 & next_digit_0, 1);
  ends.one = AddWhere(ends.one, digit_imm32 & next_digit_0, 4);
  ends.wide_imm = AnySet(one, kLengthWideImm);
  ends.short_imm = AnySet(one, kLength66Imm) & (~digit_imm32 | next_digit_0);

  const Bytes two = Lookup256(kFilterTables.two_length, bytes);
  ends.two = _mm512_add_epi8(lane, And(two, kLengthBytes));
  ends.two = AddWhere(ends.two, AnySet(two, kLengthModRm), modrm_length);
  return ends;
}

// Bytes that may come before an opcode, as lane masks. No byte is in two of them.
struct HeaderLanes {
  Lanes gs;  // 65 and the next byte is 67
  Lanes p66;
  Lanes pf3;
  Lanes pf2;
  Lanes rex;
  Lanes map_0f;
};

// The part is at the lane itself, or behind the optional part `before` of `size` bytes there.
ZVM_INLINE Lanes Behind(Lanes before, uint32_t size, Lanes part) {
  return part | (before & (part >> size));
}

template <bool kZvm>
ZVM_INLINE Bytes MakeHeaders(const HeaderLanes& at) {
  const Lanes prefix = at.p66 | at.pf3 | at.pf2;
  Lanes map_0f = Behind(prefix, 1, Behind(at.rex, 1, at.map_0f));
  Lanes rex = Behind(prefix, 1, at.rex);
  Lanes p66 = at.p66;
  Lanes pf3 = at.pf3;
  Lanes pf2 = at.pf2;
  if constexpr (kZvm) {
    map_0f = Behind(at.gs, 2, map_0f);
    rex = Behind(at.gs, 2, rex);
    p66 = Behind(at.gs, 2, p66);
    pf3 = Behind(at.gs, 2, pf3);
    pf2 = Behind(at.gs, 2, pf2);
  }
  Bytes headers = _mm512_maskz_mov_epi8(map_0f, Splat(1 | kHeader0f));
  headers = AddWhere(headers, rex, 1 | kHeaderRex);
  headers = AddWhere(headers, p66, 1 | (1 << kHeaderPrefixShift));
  headers = AddWhere(headers, pf3, 1 | (2 << kHeaderPrefixShift));
  headers = AddWhere(headers, pf2, 1 | (3 << kHeaderPrefixShift));
  return kZvm ? AddWhere(headers, at.gs, 2 | kHeaderGs) : headers;
}

// The end of the instruction that starts at each lane: that of its opcode, corrected for the two
// prefixes that change the size of an immediate.
//
// SAFETY: where `lane + header bytes` leaves the vector, the index wraps to its first lanes. The end
// found there is 62 or more below the end of the bundle, so the walk does not end at it.
template <bool kZvm>
ZVM_INLINE Bytes ApplyHeaders(Bytes headers, const OpcodeEnds& opcode, const HeaderLanes& at,
                              Lanes rex_w) {
  const Bytes index = _mm512_add_epi8(Load(kLane), And(headers, kHeaderBytes | kHeader0f));
  Bytes ends = Lookup128(opcode.one, opcode.two, index);
  // No prefix goes with an immediate of eight bytes, so the REX is the first byte.
  ends = AddWhere(ends, rex_w & (opcode.wide_imm >> 1), 4);
  const Lanes short_imm = opcode.short_imm | (at.rex & (opcode.short_imm >> 1));
  Lanes shortened = at.p66 & (short_imm >> 1);
  if constexpr (kZvm) {
    shortened = Behind(at.gs, 2, shortened);
  }
  return AddWhere(ends, shortened, -2);
}

// The long nops with prefix 66 are accepted byte for byte only:
//   66 0F1F44 00 00   66 0F1F84 00 00000000   66 (one to six) 2E 0F1F84 00 00000000
ZVM_INLINE Bytes MarkNops(Bytes bytes, Bytes lane, Bytes ends, const HeaderLanes& at) {
  const Lanes zero = _mm512_testn_epi8_mask(bytes, bytes);
  const Lanes zero2 = zero & (zero >> 1);
  const Lanes zero5 = zero2 & (zero2 >> 2) & (zero >> 4);
  const Lanes nop = at.map_0f & (Equal(bytes, 0x1f) >> 1);
  const Lanes nop5 = nop & (Equal(bytes, 0x44) >> 2) & (zero2 >> 3);
  const Lanes nop8 = nop & (Equal(bytes, 0x84) >> 2) & (zero5 >> 3);
  const Lanes nop9 = Equal(bytes, 0x2e) & (nop8 >> 1);

  Lanes nops = at.p66 & ((nop5 | nop8) >> 1);
  Lanes run = nop9;
  for (int prefixes = 1; prefixes <= 6; ++prefixes) {
    run = at.p66 & (run >> 1);
    nops |= run;
    ends = _mm512_mask_add_epi8(ends, run, lane, Splat(9 + prefixes));
  }
  return AddWhere(And(ends, 127), nops, kNopFlag);
}

template <bool kZvm>
ZVM_INLINE Position FindEnds(Bytes bytes, Bytes lane) {
  HeaderLanes at;
  at.gs = kZvm ? Equal(bytes, 0x65) & (Equal(bytes, 0x67) >> 1) : 0;
  at.p66 = Equal(bytes, 0x66);
  at.pf3 = Equal(bytes, 0xf3);
  at.pf2 = Equal(bytes, 0xf2);
  at.rex = Equal(And(bytes, 0xf0), 0x40);
  at.map_0f = Equal(bytes, 0x0f);
  Position position;
  position.bytes = bytes;
  position.headers = MakeHeaders<kZvm>(at);
  const Bytes ends = ApplyHeaders<kZvm>(position.headers, FindOpcodeEnds(bytes, lane), at,
                                        at.rex & AnySet(bytes, 8));
  position.ends = MarkNops(bytes, lane, ends, at);
  return position;
}

// The runs of F4 (hlt) that end a bundle: padding behind functions and behind the text. One by one
// they would overflow the lists, so from any byte of the run one step leads to the bundle's end.
// Returned as target words, one bit a byte of each bundle, because each halt is a legal target.
[[gnu::noinline]] __m128i ShortenHaltTails(Position& low, Position& high) {
  uint32_t tails[4];
  for (uint32_t bundle = 0; bundle < 4; ++bundle) {
    const Lanes halts = Equal(bundle < 2 ? low.bytes : high.bytes, 0xf4);
    const uint32_t others = static_cast<uint32_t>(~halts >> (bundle % 2 * 32));
    tails[bundle] =
        static_cast<uint32_t>(~(uint64_t{0xffff'ffff} >> std::countl_zero(others)));
  }
  const Lanes low_tails = tails[0] | Lanes{tails[1]} << 32;
  const Lanes high_tails = tails[2] | Lanes{tails[3]} << 32;
  const Bytes second_half = _mm512_inserti64x4(Splat(64), _mm256_set1_epi8(32), 0);
  low.ends = _mm512_mask_mov_epi8(low.ends, low_tails, second_half);
  high.ends = _mm512_mask_mov_epi8(high.ends, high_tails,
                                   And(_mm512_add_epi8(second_half, Splat(64)), 127));
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(tails));
}

ZVM_INLINE bool EndsWithHalt(const uint8_t* code) {
  return code[31] == 0xf4 || code[63] == 0xf4 || code[95] == 0xf4 || code[127] == 0xf4;
}

// ---- The walk: from ends to lists --------------------------------------------------------------

struct Walk {
  Bytes starts;    // offset of the lane's instruction, 7 bits
  Bytes relative;  // the same from the start of the bundle; meaningful for `used` lanes
  Bytes ends;      // offset of its end, 1..128; meaningful for `used` lanes
  Lanes used;      // the lane holds an instruction that starts inside its bundle
  Lanes nops;      // it is a long nop with prefix 66
  Lanes bad;       // a bit in the lane group of every bundle whose walk does not end exactly at its end
};

// Lane k takes k steps from its bundle's start: one, two, four and eight steps by pointer doubling.
ZVM_INLINE Bytes WalkBundles(Bytes low, Bytes high) {
  Bytes at = Load(kBundleBase);
  constexpr Lanes kWithStep[] = {0xaaaa'aaaa'aaaa'aaaa, 0xcccc'cccc'cccc'cccc,
                                 0xf0f0'f0f0'f0f0'f0f0, 0xff00'ff00'ff00'ff00};
  for (int step = 0; step < 4; ++step) {
    if (step > 0) {
      const Bytes low_twice = Lookup128(low, high, low);
      high = Lookup128(low, high, high);
      low = low_twice;
    }
    at = _mm512_mask2_permutex2var_epi8(low, at, kWithStep[step], high);
  }
  return at;
}

ZVM_INLINE Walk MakeWalk(Bytes low_ends, Bytes high_ends) {
  const Bytes at = WalkBundles(low_ends, high_ends);
  Walk walk;
  walk.starts = And(at, 127);
  walk.relative = _mm512_xor_si512(walk.starts, Load(kBundleBase));
  // The first lane of each bundle that is outside of it stops the list; lane 15 always does.
  const Lanes outside = AnySet(walk.relative, 0x60) | kLastOfBundle;
  const Lanes below_first = outside - kFirstOfBundle;
  const Lanes first_outside = outside & ~below_first;
  walk.used = ~outside & below_first;
  const Lanes at_end = _mm512_cmpeq_epi8_mask(walk.relative, Load(kBundleEnd));
  walk.bad = first_outside & ~at_end;
  // The flag came along with the step that led out of the instruction.
  walk.nops = _mm512_movepi8_mask(at) >> 1;
  const Bytes ends = _mm512_bsrli_epi128(walk.starts, 1);
  walk.ends = _mm512_mask_mov_epi8(ends, _mm512_testn_epi8_mask(ends, ends), Splat(128));
  return walk;
}

// ---- List phase --------------------------------------------------------------------------------

// What each instruction consists of.
struct Fields {
  Bytes opcode;
  Bytes modrm;
  Bytes sib;  // or whatever comes after ModRM
  Bytes rex;  // 0 or 40..4F
  Bytes prefix_bit;  // 1, 2, 4, 8: none, 66, F3, F2
  Lanes has_rex;
  Lanes rex_w;
  Lanes map_0f;
  Lanes prefixed;  // 66, F3 or F2
  Lanes gs;        // 65 67
};

// 1 << prefix, by the low six bits of the header.
constexpr LaneNumbers MakePrefixBits() {
  LaneNumbers bits = {};
  for (uint32_t i = 0; i < 64; ++i) {
    bits.value[i] = static_cast<uint8_t>(1u << (i >> kHeaderPrefixShift));
  }
  return bits;
}
constexpr LaneNumbers kPrefixBits = MakePrefixBits();

ZVM_INLINE Fields Split(const Position& low, const Position& high, Bytes starts) {
  const Bytes header = Lookup128(low.headers, high.headers, starts);
  Fields f;
  f.gs = _mm512_movepi8_mask(header);
  static_assert(kHeaderGs == 0x80);
  f.map_0f = AnySet(header, kHeader0f);
  f.prefixed = AnySet(header, kHeaderPrefix);
  f.has_rex = AnySet(header, kHeaderRex);
  f.prefix_bit = _mm512_permutexvar_epi8(header, Load(kPrefixBits));

  const Bytes at = _mm512_add_epi8(starts, And(header, kHeaderBytes));
  f.opcode = Lookup128(low.bytes, high.bytes, at);
  f.modrm = Lookup128(low.bytes, high.bytes, _mm512_add_epi8(at, Splat(1)));
  f.sib = Lookup128(low.bytes, high.bytes, _mm512_add_epi8(at, Splat(2)));
  const Bytes rex_at = AddWhere(_mm512_add_epi8(at, Splat(-1)), f.map_0f, -1);
  f.rex = _mm512_maskz_mov_epi8(f.has_rex, Lookup128(low.bytes, high.bytes, rex_at));
  f.rex_w = AnySet(f.rex, 8);
  return f;
}

// What the tables say about each instruction.
struct Facts {
  Lanes accepted;  // by prefix, REX.W, digit and operand form
  Bytes digit;     // ModRM.reg in the low three bits, garbage above
  Bytes facts;     // kFact…
  Lanes register_form;
  Lanes zero_extends;  // if it writes at all
};

ZVM_INLINE Facts LookUpFacts(const Fields& f) {
  const Bytes one = Lookup256(kFilterTables.one_class, f.opcode);
  const Bytes two = Lookup256(kFilterTables.two_class, f.opcode);
  const Bytes id = _mm512_mask_mov_epi8(one, f.map_0f, two);

  Facts facts;
  facts.facts = Lookup64(kFilterTables.facts, id);
  facts.register_form = _mm512_cmpge_epu8_mask(f.modrm, Splat(0xc0));
  // 1 << digit; the shift drags in bits of the neighbour, which the shuffle ignores but for bit 7.
  const Bytes kBitOf = _mm512_set1_epi64(static_cast<long long>(0x8040'2010'0804'0201));
  facts.digit = _mm512_srli_epi16(f.modrm, 3);
  const Bytes digit_bit = _mm512_shuffle_epi8(kBitOf, And(facts.digit, 7));

  const Bytes prefixes = Lookup64(kFilterTables.prefixes, id);
  static_assert(kFilterPrefixes == 4);
  const Bytes of_this_w =
      _mm512_mask_mov_epi8(prefixes, f.rex_w, _mm512_srli_epi16(prefixes, 4));
  const Bytes digits =
      _mm512_mask_mov_epi8(Lookup64(kFilterTables.memory_digits, id), facts.register_form,
                           Lookup64(kFilterTables.register_digits, id));
  facts.accepted = _mm512_test_epi8_mask(of_this_w, f.prefix_bit) &
                   _mm512_test_epi8_mask(digits, digit_bit);
  facts.zero_extends = _mm512_test_epi8_mask(Lookup64(kFilterTables.zero_extending_digits, id),
                                             digit_bit) &
                       ~f.prefixed & ~f.rex_w;
  return facts;
}

// Register numbers 0..15 of the operands and of the one that is written.
struct Registers {
  Bytes reg;
  Bytes rm;
  Bytes written;
  Lanes writes;
  Bytes rex_b_as_8;  // REX.B in bit 3, garbage elsewhere
};

ZVM_INLINE Registers FindRegisters(const Fields& f, const Facts& facts) {
  Registers r;
  r.rex_b_as_8 = _mm512_slli_epi16(f.rex, 3);
  r.reg = RegisterNumber(facts.digit, _mm512_slli_epi16(f.rex, 1));
  r.rm = RegisterNumber(f.modrm, r.rex_b_as_8);
  const Bytes op = RegisterNumber(f.opcode, r.rex_b_as_8);
  const Lanes writes_reg = AnySet(facts.facts, kFactWritesReg);
  const Lanes writes_rm = AnySet(facts.facts, kFactWritesRm) & facts.register_form;
  const Lanes writes_op = AnySet(facts.facts, kFactWritesOp);
  const Lanes writes_acc = AnySet(facts.facts, kFactWritesAcc);
  r.written = _mm512_maskz_mov_epi8(~writes_acc, r.rm);
  r.written = _mm512_mask_mov_epi8(r.written, writes_reg, r.reg);
  r.written = _mm512_mask_mov_epi8(r.written, writes_op, op);
  r.writes = writes_reg | writes_rm | writes_op | writes_acc;
  return r;
}

// Lanes with an unacceptable memory operand, and lanes that lean on the previous instruction.
struct Memory {
  Lanes bad;
  Lanes uses_restricted;
};

template <bool kZvm>
ZVM_INLINE Memory CheckMemory(const Fields& f, const Facts& facts, const Registers& r,
                              Lanes zero_extended) {
  const Lanes checked = AnySet(facts.facts, kFactChecked) & ~facts.register_form;
  const Bytes rm_field = And(f.modrm, 7);
  const Lanes mod_0 = _mm512_testn_epi8_mask(f.modrm, Splat(0xc0));
  const Lanes has_sib = Equal(rm_field, 4);
  const Lanes rip = mod_0 & Equal(rm_field, 5);

  const Bytes base =
      RegisterNumber(_mm512_mask_mov_epi8(f.modrm, has_sib, f.sib), r.rex_b_as_8);
  const Lanes base_ok = Equal(base, 4) | Equal(base, 15) | (Equal(base, 5) & ~mod_0) | rip;

  // The restricted register is kept as 16 + number, so that "none" (0) equals no index.
  const Bytes restricted =
      _mm512_or_si512(r.written, Splat(16));
  const Bytes previous = _mm512_bslli_epi128(_mm512_maskz_mov_epi8(zero_extended, restricted), 1);
  const Bytes index = RegisterNumber(_mm512_srli_epi16(f.sib, 3), _mm512_slli_epi16(f.rex, 2));
  const Lanes has_index = has_sib & ~Equal(index, 4);
  const Lanes index_ok = _mm512_cmpeq_epi8_mask(_mm512_or_si512(index, Splat(16)), previous);

  Memory memory;
  memory.bad = checked & (~base_ok | (has_index & ~index_ok));
  memory.uses_restricted = checked & has_index;
  if constexpr (kZvm) {
    // SAFETY: 65 67 replaces the check of base and index, and is allowed on nothing but a checked
    // operand that is not relative to rip.
    memory.bad = (memory.bad & ~f.gs) | (f.gs & (~checked | rip));
    memory.uses_restricted &= ~f.gs;
  }
  return memory;
}

// `add %r15,%rsp` (4C|4E 01 FC), `lea (%rsp,%r15),%rsp` (4A 8D 24 3C), `add %r15,%rbp`: the forms
// that the compiler driver emits. `bad` has a bit wherever writes and re-bases do not pair up.
struct Rebase {
  Lanes lanes;
  Lanes bad;
};

ZVM_INLINE Rebase CheckRebase(const Fields& f, const Registers& r, Lanes plain, Lanes used,
                              Lanes zero_extended) {
  const Lanes add = plain & Equal(And(f.rex, 0x4d), 0x4c) & Equal(f.opcode, 0x01);
  const Lanes lea = plain & Equal(f.rex, 0x4a) & Equal(f.opcode, 0x8d) & Equal(f.modrm, 0x24) &
                    Equal(f.sib, 0x3c);
  const Lanes rsp = used & ((add & Equal(f.modrm, 0xfc)) | lea);
  const Lanes rbp = used & add & Equal(f.modrm, 0xfd);
  // SAFETY: equality both ways over all lanes: a write without its re-base, also at the end of the
  // bundle (one bit behind the last lane), and a re-base without its write.
  const Lanes esp_written = used & zero_extended & Equal(r.written, 4);
  const Lanes ebp_written = used & zero_extended & Equal(r.written, 5);
  return {rsp | rbp, ((esp_written << 1) ^ rsp) | ((ebp_written << 1) ^ rbp)};
}

// The last lanes of `and $-32,%eX; add %r15,%rX; jmp|call *%rX`.
ZVM_INLINE Lanes FindMaskedJumps(const Fields& f, const Registers& r, Lanes plain, Lanes used,
                                 Lanes register_form) {
  // SAFETY: all three must be instructions of this bundle. Behind the last one a lane holds some
  // instruction of a later bundle, and the shifts below lead from there into the next lane group.
  const Lanes candidates = plain & used;
  const Bytes without_rm = And(f.modrm, 0xf8);
  const Lanes digit_4 = Equal(without_rm, 0xe0);
  const Lanes mask = candidates & ~f.rex_w & Equal(f.opcode, 0x83) & digit_4 & Equal(f.sib, 0xe0);
  const Lanes add =
      candidates & f.rex_w & register_form & Equal(f.opcode, 0x01) & Equal(r.reg, 15);
  const Lanes jump = candidates & Equal(f.opcode, 0xff) & (digit_4 | Equal(without_rm, 0xd0));
  const Lanes same_register = _mm512_cmpeq_epi8_mask(r.rm, _mm512_bslli_epi128(r.rm, 1));
  return jump & same_register & (((add & same_register) & (mask << 1)) << 1);
}

// The last lanes of the predicted return, profile zvm only: ten exact bytes. Out of line: rare.
[[gnu::noinline]] Lanes FindReturns(const uint8_t* code, const Walk& walk, Lanes candidates) {
  static constexpr uint8_t kReturn[] = {0x41, 0x83, 0xe3, 0xe0, 0x4d, 0x01, 0xfb, 0x41, 0x53, 0xc3};
  uint8_t relative[64];
  _mm512_storeu_si512(relative, walk.relative);
  Lanes found = 0;
  for (; candidates != 0; candidates &= candidates - 1) {
    const uint32_t lane = static_cast<uint32_t>(__builtin_ctzll(candidates));
    const uint32_t at = relative[lane];
    const uint8_t* bundle = code + lane / 16 * 32;
    // SAFETY: the four instructions are decoded at +0, +4, +7, +9 of the ten bytes, in one bundle.
    if (lane % 16 >= 3 && at >= 9 && relative[lane - 1] == at - 2 &&
        relative[lane - 2] == at - 5 && relative[lane - 3] == at - 9 &&
        std::memcmp(bundle + at - 9, kReturn, sizeof kReturn) == 0) {
      found |= Lanes{1} << lane;
    }
  }
  return found;
}

// What the list phase finds out about the four bundles.
struct Judgement {
  Lanes bad;      // any bit in a bundle's lane group: not accepted
  Lanes targets;  // lanes whose start is a legal jump target
  Lanes jumps;
  Lanes wide_jumps;
  Lanes needs_zvm;
};

template <bool kZvm>
ZVM_INLINE Judgement Judge(const uint8_t* code, const Position& low, const Position& high,
                           const Walk& walk) {
  const Fields f = Split(low, high, walk.starts);
  const Facts facts = LookUpFacts(f);
  const Registers r = FindRegisters(f, facts);
  const Lanes plain = ~(f.prefixed | f.map_0f | f.gs);
  const Lanes zero_extended = r.writes & facts.zero_extends;

  const Memory memory = CheckMemory<kZvm>(f, facts, r, zero_extended);
  const Rebase rebase = CheckRebase(f, r, plain, walk.used, zero_extended);
  const Lanes masked_jumps = FindMaskedJumps(f, r, plain, walk.used, facts.register_form);

  // AH and CH have the numbers of rsp and rbp, without REX.
  const Lanes high_byte = AnySet(facts.facts, kFactByte) & ~f.has_rex;
  const Lanes stack_written =
      r.writes & Equal(And(r.written, 14), 4) & ~high_byte & ~zero_extended & ~rebase.lanes;
  const Lanes r15_written = r.writes & Equal(r.written, 15);

  Judgement judgement;
  Lanes accepted = facts.accepted | walk.nops | masked_jumps;
  Lanes inner = memory.uses_restricted | rebase.lanes | masked_jumps | (masked_jumps >> 1);
  judgement.needs_zvm = f.gs;
  if constexpr (kZvm) {
    const Lanes candidates = walk.used & plain & ~f.has_rex & Equal(f.opcode, 0xc3);
    if (candidates != 0) [[unlikely]] {
      const Lanes returns = FindReturns(code, walk, candidates);
      accepted |= returns;
      inner |= returns | (returns >> 1) | (returns >> 2);
      judgement.needs_zvm |= returns;
    }
  }
  const Lanes lane_bad = ~accepted | memory.bad | stack_written | r15_written;
  judgement.bad = walk.bad | (walk.used & lane_bad) | rebase.bad;
  judgement.targets = walk.used & ~inner;
  judgement.wide_jumps = _mm512_movepi8_mask(facts.facts);
  static_assert(kFactJump32 == 0x80);
  judgement.jumps = walk.used & (AnySet(facts.facts, kFactJump8) | judgement.wide_jumps);
  return judgement;
}

// ---- Output ------------------------------------------------------------------------------------

// One word for each bundle: bit n = some lane of `lanes` starts at n. A lane contributes one bit to
// one of four bytes; eight lanes with distinct bits are or-ed by adding them up.
ZVM_INLINE __m128i TargetWords(Bytes relative, Lanes lanes) {
  const Bytes kBitOf = _mm512_set1_epi64(static_cast<long long>(0x8040'2010'0804'0201));
  const Bytes which_byte = And(relative, 0x18);
  Bytes words = _mm512_setzero_si512();
  for (int n = 0; n < 4; ++n) {
    const Lanes here = _mm512_mask_cmpeq_epi8_mask(lanes, which_byte, Splat(8 * n));
    const Bytes bits = _mm512_maskz_shuffle_epi8(here, kBitOf, relative);
    const Bytes sums = _mm512_sad_epu8(bits, _mm512_setzero_si512());
    words = _mm512_or_si512(words, _mm512_slli_epi64(sums, 8 * n));
  }
  words = _mm512_or_si512(words, _mm512_bsrli_epi128(words, 8));
  return _mm512_castsi512_si128(
      _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                               words));
}

// Appends the ends of the lanes in `jumps`, sixteen at a time.
ZVM_INLINE void AppendJumps(Bytes ends, Lanes jumps, Lanes wide, uint32_t first_offset,
                            ScanOutput& output) {
  const size_t count = static_cast<size_t>(__builtin_popcountll(jumps));
  Bytes packed = _mm512_maskz_compress_epi8(jumps, ends);
  Lanes packed_wide = _pext_u64(wide, jumps);
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

// Bit n = no bit of `lanes` lies in bundle n's group.
ZVM_INLINE uint32_t BundlesWithout(Lanes lanes) {
  const __m128i groups = _mm_cvtsi64_si128(static_cast<long long>(lanes));
  return _mm_cmpeq_epi16_mask(groups, _mm_setzero_si128()) & 15;
}

// All lanes of the bundles in `bundles`.
ZVM_INLINE Lanes LanesOf(uint32_t bundles) {
  return _pdep_u64(bundles, kFirstOfBundle) * 0xffff;
}

template <bool kZvm>
uint32_t FilterFourBundles(const uint8_t* code, uint32_t first_offset, ScanOutput& output) {
  Position low = FindEnds<kZvm>(_mm512_loadu_si512(code), Load(kLane));
  Position high = FindEnds<kZvm>(_mm512_loadu_si512(code + 64), Load(kUpperLane));
  __m128i halts = _mm_setzero_si128();
  if (EndsWithHalt(code)) [[unlikely]] {
    halts = ShortenHaltTails(low, high);
  }
  const Walk walk = MakeWalk(low.ends, high.ends);
  const Judgement judgement = Judge<kZvm>(code, low, high, walk);

  const uint32_t accepted = BundlesWithout(judgement.bad);
  const Lanes kept = LanesOf(accepted);
  __m128i words = TargetWords(walk.relative, judgement.targets);
  // The one instruction that starts in the run stands for all halts from there on.
  const __m128i first_halt = _mm_and_si128(words, halts);
  words = _mm_or_si128(words,
                       _mm_and_si128(halts, _mm_sub_epi32(_mm_setzero_si128(), first_halt)));
  _mm_mask_storeu_epi32(output.targets + first_offset / kBundleSize,
                        static_cast<__mmask8>(accepted), words);
  AppendJumps(walk.ends, judgement.jumps & kept, judgement.wide_jumps, first_offset, output);
  if constexpr (kZvm) {
    output.needs_zvm |= (judgement.needs_zvm & walk.used & kept) != 0;
  }
  return accepted;
}

}  // namespace

AcceptFilter Avx512AcceptFilter(Profile profile) {
  return profile == Profile::kZvm ? FilterFourBundles<true> : FilterFourBundles<false>;
}

}  // namespace zvm

#pragma clang attribute pop
