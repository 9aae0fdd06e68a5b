// See soup.h.
#include "soup.h"

namespace zvm::differential {
namespace {

constexpr int kRsp = 4, kRbp = 5, kR15 = 15, kRip = -1, kNoIndex = -1;

// The operand bytes: often a register or an address that the rules may accept.
Bytes MakeOperand(Random& random, int& rex_bits) {
  constexpr int kBases[] = {kR15, kR15, kRsp, kRbp, kRip, 0, 3, 12, 13, 14};
  int reg = static_cast<int>(random.Below(16));
  if (random.OneIn(2)) reg &= 7;
  if (random.OneIn(3)) {
    int rm = static_cast<int>(random.Below(16));
    if (random.OneIn(2)) rm &= 7;
    rex_bits |= (reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0);
    return {static_cast<uint8_t>(0xC0 | (reg & 7) << 3 | (rm & 7))};
  }
  if (random.OneIn(10)) {
    Bytes out;
    AppendNumber(out, random.Next(), 6);
    rex_bits |= static_cast<int>(random.Below(8));
    return out;
  }
  int index = random.OneIn(4) ? static_cast<int>(random.Below(16)) : kNoIndex;
  return MakeMemoryOperand(random, reg, random.Pick(kBases), index, rex_bits);
}

void AppendImmediate(Random& random, Bytes& out) {
  constexpr int kSizes[] = {0, 0, 0, 0, 1, 1, 2, 4, 8};
  uint64_t value = random.Next();
  if (random.OneIn(3)) value = random.Below(4);
  if (random.OneIn(4)) value &= ~uint64_t{15};
  AppendNumber(out, value, random.Pick(kSizes));
}

Bytes MakeVex(Random& random) {
  int rex_bits = 0;
  Bytes operand = MakeOperand(random, rex_bits);
  if (random.OneIn(6)) rex_bits ^= 1 << random.Below(3);
  int vvvv = random.OneIn(2) ? 15 : static_cast<int>(random.Below(16));
  int last = vvvv << 3 | static_cast<int>(random.Below(2)) << 2 |
             static_cast<int>(random.Below(4));
  if (random.OneIn(4)) last |= 0x80;
  Bytes out;
  if (random.OneIn(3)) {
    bool has_r = (rex_bits & 4) != 0;
    out = {0xC5, static_cast<uint8_t>((last & 0x7F) | (has_r ? 0 : 0x80))};
  } else {
    int map = random.OneIn(20) ? static_cast<int>(random.Below(32))
                               : 1 + static_cast<int>(random.Below(3));
    out = {0xC4, static_cast<uint8_t>((~rex_bits & 7) << 5 | map), static_cast<uint8_t>(last)};
  }
  out.push_back(random.Byte());
  Append(out, operand);
  AppendImmediate(random, out);
  return out;
}

void AppendPrefixes(Random& random, Bytes& out) {
  constexpr uint8_t kPrefixes[] = {0x66, 0x66, 0x66, 0x66, 0xF2, 0xF2, 0xF3, 0xF3, 0xF0, 0xF0,
                                   0x2E, 0x3E, 0x65, 0x67, 0x64, 0x26, 0x36};
  while (random.OneIn(3)) out.push_back(random.Pick(kPrefixes));
}

}  // namespace

void AppendFiller(Random& random, Bytes& out, size_t count) {
  const Bytes kFillers[] = {{0x66, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0},
                            {0x48, 0xC7, 0xC0, 1, 2, 3, 4},  // mov $imm,%rax
                            {0x66, 0x0F, 0x1F, 0x44, 0, 0},
                            {0xB9, 1, 2, 3, 4},  // mov $imm,%ecx
                            {0x48, 0x83, 0xC2, 1},  // add $1,%rdx
                            {0x0F, 0x1F, 0x00},
                            {0x66, 0x90},
                            {0x90}};
  bool is_short = random.OneIn(6);
  while (count > 0) {
    size_t first = is_short ? std::size(kFillers) - 2 : 0;
    const Bytes& filler = kFillers[first + random.Below(std::size(kFillers) - first)];
    if (filler.size() > count) continue;
    if (!is_short && filler.size() < 3 && count > 4 && !random.OneIn(4)) continue;
    Append(out, filler);
    count -= filler.size();
  }
}

Bytes MakeMemoryOperand(Random& random, int reg, int base, int index, int& rex_bits) {
  rex_bits |= reg >= 8 ? 4 : 0;
  int digit = (reg & 7) << 3;
  Bytes out;
  if (base == kRip) {
    out.push_back(static_cast<uint8_t>(digit | 5));
    AppendNumber(out, random.Next(), 4);
    return out;
  }
  rex_bits |= base >= 8 ? 1 : 0;
  int mod = static_cast<int>(random.Below(3));
  if (mod == 0 && (base & 7) == kRbp) mod = 1;
  bool needs_sib = index != kNoIndex || (base & 7) == kRsp || random.OneIn(8);
  if (needs_sib) {
    int index_bits = index == kNoIndex ? 4 : index & 7;
    if (index >= 8) rex_bits |= 2;
    out.push_back(static_cast<uint8_t>(mod << 6 | digit | 4));
    int scale = static_cast<int>(random.Below(4)) << 6;
    out.push_back(static_cast<uint8_t>(scale | index_bits << 3 | (base & 7)));
  } else {
    out.push_back(static_cast<uint8_t>(mod << 6 | digit | (base & 7)));
  }
  if (mod == 1) AppendNumber(out, random.Next(), 1);
  if (mod == 2) AppendNumber(out, random.Next(), 4);
  return out;
}

Bytes MakeInstruction(Random& random) {
  Bytes out;
  if (random.OneIn(6)) out = {0x65, 0x67};
  if (random.OneIn(3)) {
    if (random.OneIn(12)) AppendPrefixes(random, out);
    Append(out, MakeVex(random));
    return out;
  }
  AppendPrefixes(random, out);
  int rex_bits = 0;
  Bytes operand = MakeOperand(random, rex_bits);
  if (random.OneIn(4)) rex_bits |= static_cast<int>(random.Below(16));
  if (rex_bits != 0 || random.OneIn(6)) out.push_back(static_cast<uint8_t>(0x40 | rex_bits));
  if (random.OneIn(30)) out.push_back(random.Pick(Bytes{0x66, 0xF3, 0x48, 0x41}));
  switch (random.Below(8)) {
    case 0: case 1: case 2: break;
    case 3: case 4: case 5: out.push_back(0x0F); break;
    case 6: Append(out, {0x0F, 0x38}); break;
    default: Append(out, {0x0F, 0x3A}); break;
  }
  out.push_back(random.Byte());
  Append(out, operand);
  AppendImmediate(random, out);
  return out;
}

}  // namespace zvm::differential
