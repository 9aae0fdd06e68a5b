// Byte patterns of the sandboxing sequences. Rules: docs/validator.md, "Sequences".
#include "validator/sequence.h"

#include <cstring>

#include "validator/decode_tables.h"
#include "validator/features.h"
#include "validator/scan.h"

namespace zvm {
namespace {

// Up to ten literal bytes.
struct Pattern {
  uint8_t size;
  uint8_t bytes[10];

  bool Matches(const uint8_t* code, size_t available) const {
    return size <= available && std::memcmp(code, bytes, size) == 0;
  }
};

template <size_t N>
unsigned MatchAny(const Pattern (&patterns)[N], const uint8_t* code, size_t available) {
  for (const Pattern& pattern : patterns) {
    if (pattern.Matches(code, available)) {
      return pattern.size;
    }
  }
  return 0;
}

// SAFETY: esp has just been zero-extended and r15 is a multiple of 2^32, so add and or both give
// base + 32 bits. Only these encodings; none for rbp with or, as in the published rules.
constexpr Pattern kRspRebase[] = {
    {3, {0x4c, 0x01, 0xfc}}, {3, {0x4e, 0x01, 0xfc}},  // add %r15,%rsp
    {3, {0x49, 0x03, 0xe7}}, {3, {0x4b, 0x03, 0xe7}},
    {3, {0x4c, 0x09, 0xfc}}, {3, {0x4e, 0x09, 0xfc}},  // or %r15,%rsp
    {3, {0x49, 0x0b, 0xe7}}, {3, {0x4b, 0x0b, 0xe7}},
    {4, {0x4a, 0x8d, 0x24, 0x3c}},                     // lea (%rsp,%r15),%rsp
    {5, {0x4a, 0x8d, 0x64, 0x3c, 0}}, {8, {0x4a, 0x8d, 0xa4, 0x3c, 0, 0, 0, 0}}};

constexpr Pattern kRbpRebase[] = {
    {3, {0x4c, 0x01, 0xfd}}, {3, {0x4e, 0x01, 0xfd}},  // add %r15,%rbp
    {3, {0x49, 0x03, 0xef}}, {3, {0x4b, 0x03, 0xef}},
    {5, {0x4a, 0x8d, 0x6c, 0x3d, 0}},                  // lea (%rbp,%r15),%rbp
    {8, {0x4a, 0x8d, 0xac, 0x3d, 0, 0, 0, 0}}};

// SAFETY: both registers hold sandbox addresses between any two instructions, so copying one to the
// other does too.
constexpr Pattern kStackCopies[] = {
    {3, {0x48, 0x89, 0xe5}}, {3, {0x4a, 0x89, 0xe5}},  // mov %rsp,%rbp
    {3, {0x48, 0x8b, 0xec}}, {3, {0x4a, 0x8b, 0xec}},
    {3, {0x48, 0x89, 0xec}}, {3, {0x4a, 0x89, 0xec}},  // mov %rbp,%rsp
    {3, {0x48, 0x8b, 0xe5}}, {3, {0x4a, 0x8b, 0xe5}}};

constexpr uint8_t kLongNopTail[] = {0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};

constexpr uint8_t kLeaRdi[] = {0x49, 0x8d, 0x3c, 0x3f};  // lea (%r15,%rdi),%rdi
constexpr uint8_t kLeaRsi[] = {0x49, 0x8d, 0x34, 0x37};

// E2, the return of profile zvm: and $-32,%r11d; add %r15,%r11; push %r11; ret.
// SAFETY: the address that ret takes is the one that push has just stored, masked to a multiple of
// 32 and based on r15, as in the masked jump. Nothing runs between the two, and by the runtime's
// condition nothing but the guest's one thread writes guest memory. rsp moves by 0. All inner
// starts stop being targets, so ret cannot be reached without its mask.
constexpr uint8_t kReturn[] = {0x41, 0x83, 0xe3, 0xe0, 0x4d, 0x01, 0xfb, 0x41, 0x53, 0xc3};

constexpr uint32_t Bit(unsigned offset) { return uint32_t{1} << offset; }

// Where "mov %edi,%edi" or its rsi twin begins when it ends at `end`: 89 or 8B with `modrm`, after
// REX 40, 42 or none. kBundleSize when it is not there or not at an instruction start.
unsigned FindMove(const uint8_t* bundle, unsigned end, uint8_t modrm, uint32_t starts) {
  if (end < 2 || bundle[end - 1] != modrm || (bundle[end - 2] != 0x89 && bundle[end - 2] != 0x8b)) {
    return kBundleSize;
  }
  if ((starts & Bit(end - 2)) != 0) {
    return end - 2;
  }
  const bool rex = end >= 3 && (bundle[end - 3] == 0x40 || bundle[end - 3] == 0x42);
  return rex && (starts & Bit(end - 3)) != 0 ? end - 3 : kBundleSize;
}

// The prologue that makes rdi (or rsi) a sandbox address and ends at `end`. Returns its start, or
// kBundleSize; adds the start of its lea to `inner`.
unsigned FindPrologue(const uint8_t* bundle, unsigned end, bool rdi, uint32_t starts,
                      uint32_t& inner) {
  const uint8_t* lea = rdi ? kLeaRdi : kLeaRsi;
  if (end < 4 || std::memcmp(bundle + end - 4, lea, 4) != 0) {
    return kBundleSize;
  }
  inner |= Bit(end - 4);
  return FindMove(bundle, end - 4, rdi ? 0xff : 0xf6, starts);
}

// Length of a string instruction at `code` with the prefixes it may carry, 0 if it is none.
unsigned StringLength(const uint8_t* code, size_t available, uint8_t& opcode) {
  unsigned at = 0;
  uint8_t repeat = 0;
  bool size = false;
  if (at < available && (code[at] == 0xf2 || code[at] == 0xf3)) {
    repeat = code[at++];
  } else if (at < available && code[at] == 0x66) {
    size = true;
    ++at;
  }
  const bool wide = at < available && code[at] == 0x48 && !size;
  at += wide;
  if (at >= available) {
    return 0;
  }
  opcode = code[at++];
  const bool known = (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
  const bool compares = (opcode & 0xfe) == 0xa6 || (opcode & 0xfe) == 0xae;
  const bool bytewise = (opcode & 1) == 0;
  if (!known || (bytewise && (wide || size)) || (repeat == 0xf2 && !compares)) {
    return 0;
  }
  return at;
}

// SAFETY: each address register has just been zero-extended and based on r15. A repeated string
// instruction walks on from there element by element, so it faults in the guard before it could
// reach anything behind; nothing trusts the register afterwards.
SequenceTail MatchString(const uint8_t* bundle, unsigned position, uint32_t starts) {
  SequenceTail tail;
  uint8_t opcode = 0;
  const unsigned length = StringLength(bundle + position, kBundleSize - position, opcode);
  if (length == 0) {
    return tail;
  }
  const uint8_t pair = opcode & 0xfe;
  const bool both = pair == 0xa4 || pair == 0xa6;  // movs, cmps
  uint32_t inner = Bit(position);
  unsigned start = FindPrologue(bundle, position, pair != 0xac, starts, inner);
  if (both && start != kBundleSize) {
    inner |= Bit(start);
    start = FindPrologue(bundle, start, false, starts, inner);
  }
  if (start != kBundleSize) {
    tail = {length, start, 0, false, inner};
  }
  return tail;
}

// A masked store through rdi: maskmovq, maskmovdqu, vmaskmovdqu, register forms only.
unsigned MaskMoveLength(const uint8_t* code, size_t available, CpuFeature& feature) {
  unsigned at = 0;
  if (available >= 5 && code[0] == 0xc4 && (code[1] & 0x5f) == 0x41 && code[2] == 0x79) {
    at = 3;
    feature = CpuFeature::kAvx;
  } else if (available >= 4 && code[0] == 0xc5 && (code[1] & 0x7f) == 0x79) {
    at = 2;
    feature = CpuFeature::kAvx;
  } else {
    feature = code[0] == 0x66 ? CpuFeature::kSse2 : CpuFeature::kEmmx;
    at += code[0] == 0x66;
    at += at < available && (code[at] & 0xf0) == 0x40;
    if (at >= available || code[at++] != 0x0f) {
      return 0;
    }
  }
  return at + 2 <= available && code[at] == 0xf7 && code[at + 1] >= 0xc0 ? at + 2 : 0;
}

uint8_t MaskMoveNeed(CpuFeature feature) {
  const uint32_t bit = 1u << static_cast<unsigned>(feature);
  for (uint32_t i = 0; i < kNeedCount; ++i) {
    const bool either = feature == CpuFeature::kEmmx;  // EMMX or SSE
    if (!kNeeds[i].non_temporal && (either ? (kNeeds[i].any_of & bit) != 0
                                           : kNeeds[i].all_of == bit && kNeeds[i].any_of == 0)) {
      return static_cast<uint8_t>(i);
    }
  }
  return 0;
}

SequenceTail MatchMaskMove(const uint8_t* bundle, unsigned position, uint32_t starts) {
  CpuFeature feature = CpuFeature::kEmmx;
  const unsigned length = MaskMoveLength(bundle + position, kBundleSize - position, feature);
  uint32_t inner = Bit(position);
  if (length == 0) {
    return {};
  }
  const unsigned start = FindPrologue(bundle, position, true, starts, inner);
  return start == kBundleSize ? SequenceTail{}
                              : SequenceTail{length, start, MaskMoveNeed(feature), false, inner};
}

// and $-32,%eXX; add %r15,%rXX; jmp or call *%rXX.
// SAFETY: the register is a multiple of 32 below 2^32 after the first part and based on r15 after
// the second; every multiple of 32 is an instruction start or outside the text, where nothing runs.
SequenceTail MatchMaskedJump(const uint8_t* bundle, unsigned position, uint32_t starts) {
  const uint8_t* code = bundle + position;
  const size_t available = kBundleSize - position;
  const bool jump_rex = (code[0] & 0xf0) == 0x40;
  const unsigned length = jump_rex ? 3 : 2;
  if (length > available || code[length - 2] != 0xff || position < 6) {
    return {};
  }
  const uint8_t modrm = code[length - 1];
  const unsigned high = jump_rex ? code[0] & 1 : 0;
  const unsigned low = modrm & 7;
  if (((modrm & 0xf8) != 0xe0 && (modrm & 0xf8) != 0xd0) || (high == 1 && low == 7)) {
    return {};
  }
  const uint8_t* add = code - 3;
  const uint8_t rex_01 = add[0] & 0xfd;  // REX.X is free
  const uint8_t rex_03 = add[0] & 0xfd;
  const bool form_01 =
      add[1] == 0x01 && add[2] == (0xf8 | low) && rex_01 == (high != 0 ? 0x4d : 0x4c);
  const bool form_03 =
      add[1] == 0x03 && add[2] == (0xc7 | low << 3) && rex_03 == (high != 0 ? 0x4d : 0x49);
  const uint8_t* mask = add - 3;
  if ((!form_01 && !form_03) || mask[0] != 0x83 || mask[1] != (0xe0 | low) || mask[2] != 0xe0) {
    return {};
  }
  unsigned start = position - 6;
  if (high != 0 || (starts & Bit(start)) == 0) {
    // REX.R and REX.X mean nothing here; W is not allowed and B selects the register.
    if (start == 0 || (mask[-1] & 0xf9) != (0x40 | high)) {
      return {};
    }
    --start;
  }
  if ((starts & Bit(start)) == 0) {
    return {};
  }
  return {length, start, 0, false, Bit(position) | Bit(position - 3)};
}

SequenceTail MatchReturn(const uint8_t* bundle, unsigned position, uint32_t starts) {
  constexpr unsigned kBefore = sizeof kReturn - 1;
  if (position < kBefore ||
      std::memcmp(bundle + position - kBefore, kReturn, sizeof kReturn) != 0 ||
      (starts & Bit(position - kBefore)) == 0) {
    return {};
  }
  const unsigned start = position - kBefore;
  return {1, start, 0, true, Bit(start + 4) | Bit(start + 7) | Bit(position)};
}

}  // namespace

unsigned MatchLongNop(const uint8_t* code, size_t available) {
  constexpr Pattern kShort = {6, {0x66, 0x0f, 0x1f, 0x44, 0, 0}};
  constexpr Pattern kMiddle = {9, {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}};
  if (kShort.Matches(code, available)) {
    return kShort.size;
  }
  if (kMiddle.Matches(code, available)) {
    return kMiddle.size;
  }
  unsigned prefixes = 0;
  while (prefixes < available && prefixes < 7 && code[prefixes] == 0x66) {
    ++prefixes;
  }
  if (prefixes < 1 || prefixes > 6 || available - prefixes < sizeof kLongNopTail ||
      std::memcmp(code + prefixes, kLongNopTail, sizeof kLongNopTail) != 0) {
    return 0;
  }
  return prefixes + static_cast<unsigned>(sizeof kLongNopTail);
}

unsigned MatchRebase(const uint8_t* code, size_t available, unsigned reg) {
  return reg == 4 ? MatchAny(kRspRebase, code, available) : MatchAny(kRbpRebase, code, available);
}

unsigned MatchStackUpdate(const uint8_t* code, size_t available) {
  const unsigned copy = MatchAny(kStackCopies, code, available);
  if (copy != 0) {
    return copy;
  }
  // and $imm8,%rsp with a negative immediate.
  // SAFETY: it clears low bits only, never one of the upper 32.
  constexpr Pattern kAlign = {3, {0x48, 0x83, 0xe4}};
  return available >= 4 && kAlign.Matches(code, available) && code[3] >= 0x80 ? 4 : 0;
}

SequenceTail MatchSequenceTail(const uint8_t* bundle, unsigned position, uint32_t starts) {
  for (auto* match : {MatchMaskedJump, MatchReturn, MatchString, MatchMaskMove}) {
    const SequenceTail tail = match(bundle, position, starts);
    if (tail.length != 0) {
      return tail;
    }
  }
  return {};
}

}  // namespace zvm
