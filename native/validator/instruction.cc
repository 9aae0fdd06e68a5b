// Decoding of one instruction against the allow-list. Rules: docs/validator.md, "Encodings".
#include "validator/instruction.h"

#include <algorithm>
#include <cstring>

namespace zvm {
namespace {

// Legacy prefixes seen, one bit each; every one at most once.
enum PrefixBit : uint32_t { k66 = 1, kF3 = 2, kF2 = 4, kLock = 8, kHint2e = 16, kHint3e = 32 };

uint32_t PrefixBitOf(uint8_t byte) {
  switch (byte) {
    case 0x66: return k66;
    case 0xf3: return kF3;
    case 0xf2: return kF2;
    case 0xf0: return kLock;
    case 0x2e: return kHint2e;
    case 0x3e: return kHint3e;
    default: return 0;
  }
}

// The window holds the bytes that may be read, then zeros, so that no read needs a check; the
// length is compared with what was available at the end.
class Decoder {
 public:
  Decoder(const uint8_t* code, size_t available)
      : available_(std::min(available, kInstructionMax)) {
    std::memcpy(bytes_, code, available_);
  }

  Instruction Run();

 private:
  bool DecodeLegacy();
  bool DecodeVex();
  bool FindLegacyWord(OpcodeMap map);
  bool ApplyPrefixRules();
  bool ApplyVexRules(uint32_t raw_r, uint32_t raw_x, uint32_t raw_b, uint32_t vvvv);
  bool ApplyKind();
  bool ApplyGsRules();
  void ReadOperands(uint16_t index);
  void ReadWrites();

  WordKind kind() const { return static_cast<WordKind>((word_ >> kWordKindShift) & 7); }
  uint32_t SibFollow() const { return (sib_ >> kSibFollowShift) & kSibFollowMask; }
  bool memory() const { return (modrm_ & kModRmMemory) != 0 && (word_ & kWordModRm) != 0; }

  uint8_t bytes_[kInstructionMax + 17] = {};
  size_t available_;
  size_t at_ = 0;  // next byte to read
  size_t modrm_at_ = 0;
  uint32_t prefixes_ = 0;
  uint32_t word_ = 0;
  uint32_t modrm_ = 0;  // kModRm entry
  uint16_t sib_ = kSibAbsent;
  bool rip_relative_ = false;
  Instruction out_;
};

Instruction Decoder::Run() {
  if (bytes_[0] == 0x65 && bytes_[1] == 0x67) {
    out_.gs_relative = true;
    at_ = 2;
  }
  while (const uint32_t bit = PrefixBitOf(bytes_[at_])) {
    if ((prefixes_ & bit) != 0) {
      return {};
    }
    prefixes_ |= bit;
    ++at_;
  }
  const uint8_t next = bytes_[at_];
  const bool vex = next == 0xc4 || next == 0xc5;
  if (!(vex ? DecodeVex() : DecodeLegacy()) || !ApplyKind() || !ApplyGsRules() ||
      at_ > available_) {
    return {};
  }
  ReadWrites();
  out_.length = static_cast<uint8_t>(at_);
  return out_;
}

bool Decoder::DecodeLegacy() {
  if ((bytes_[at_] & 0xf0) == 0x40) {
    out_.rex = bytes_[at_];
    out_.rex_offset = static_cast<uint8_t>(at_++);
  }
  OpcodeMap map = OpcodeMap::kOne;
  if (bytes_[at_] == 0x0f) {
    ++at_;
    map = OpcodeMap::k0f;
    if (bytes_[at_] == 0x38 || bytes_[at_] == 0x3a) {
      map = bytes_[at_++] == 0x38 ? OpcodeMap::k0f38 : OpcodeMap::k0f3a;
    }
  }
  return FindLegacyWord(map) && ApplyPrefixRules();
}

bool Decoder::FindLegacyWord(OpcodeMap map) {
  PrefixClass prefix;
  switch (prefixes_ & (k66 | kF3 | kF2)) {
    case 0: prefix = PrefixClass::kNone; break;
    case k66: prefix = PrefixClass::k66; break;
    case kF3: prefix = PrefixClass::kF3; break;
    case kF2: prefix = PrefixClass::kF2; break;
    case k66 | kF2: prefix = PrefixClass::k66F2; break;
    default: return false;
  }
  out_.opcode_offset = static_cast<uint8_t>(at_);
  out_.opcode = bytes_[at_++];
  ReadOperands(kLegacyIndex[LegacyCell(map, prefix, (out_.rex >> 3) & 1, out_.opcode)]);
  return (word_ & kWordValid) != 0;
}

bool Decoder::ApplyPrefixRules() {
  if ((prefixes_ & kLock) != 0 && (word_ & kWordLock) == 0) {
    return false;
  }
  const uint32_t hints = prefixes_ & (kHint2e | kHint3e);
  if (hints != 0 && ((word_ & kWordHint) == 0 || hints == (kHint2e | kHint3e))) {
    return false;
  }
  return out_.rex == 0 || (word_ & kWordNoRex) == 0;
}

bool Decoder::DecodeVex() {
  if (prefixes_ != 0) {
    return false;
  }
  out_.vex = true;
  const bool long_form = bytes_[at_] == 0xc4;
  const uint32_t first = bytes_[at_ + 1];
  const uint32_t second = long_form ? bytes_[at_ + 2] : first & 0x7f;  // the short form has W = 0
  const uint32_t raw_r = first >> 7;
  const uint32_t raw_x = long_form ? (first >> 6) & 1 : 1;
  const uint32_t raw_b = long_form ? (first >> 5) & 1 : 1;
  const uint32_t map = long_form ? first & 31 : 1;
  if (map < 1 || map > 3) {
    return false;
  }
  at_ += long_form ? 3 : 2;
  out_.rex = static_cast<uint8_t>(0x40 | (raw_r ^ 1) << 2 | (raw_x ^ 1) << 1 | (raw_b ^ 1));
  out_.opcode_offset = static_cast<uint8_t>(at_);
  out_.opcode = bytes_[at_++];
  ReadOperands(
      kVexIndex[VexCell(map, second & 3, second >> 7, (second >> 2) & 1, out_.opcode)]);
  return (word_ & kWordValid) != 0 && ApplyVexRules(raw_r, raw_x, raw_b, (second >> 3) & 15);
}

// Unlike in a REX prefix, a bit that selects nothing must keep its inverted default, 1.
bool Decoder::ApplyVexRules(uint32_t raw_r, uint32_t raw_x, uint32_t raw_b, uint32_t vvvv) {
  if ((word_ & kWordVvvvUnused) != 0 && vvvv != 15) {
    return false;
  }
  if ((word_ & kWordModRm) == 0) {
    return (raw_r & raw_x & raw_b) != 0;
  }
  const bool sib = (modrm_ & kModRmSib) != 0;
  const bool no_base = rip_relative_ || (sib && SibFollow() != 0);
  return (raw_r == 1 || (word_ & kWordRUnused) == 0) && (raw_x == 1 || sib) &&
         (raw_b == 1 || !no_base);
}

// Reads ModRM, SIB, displacement and immediate; leaves word_ 0 when the cell is not allowed.
void Decoder::ReadOperands(uint16_t index) {
  const uint32_t* group = kGroupWords + (index & kIndexMask);
  const uint32_t rex = out_.rex;
  if ((index & kIndexModRm) == 0) {
    modrm_ = kModRm[(0xc0u | out_.opcode) | (rex & 5) << 8];
    word_ = group[8];
    at_ += (word_ >> kTailShift) & kTailMask;
    return;
  }
  modrm_at_ = at_;
  const uint32_t byte = bytes_[at_];
  modrm_ = kModRm[byte | (rex & 5) << 8];
  word_ = group[modrm_ & 15];
  rip_relative_ = (byte & 0xc7) == 5;
  if ((modrm_ & kModRmSib) != 0) {
    const uint32_t mod0 = (modrm_ & kModRmMod0) != 0;
    sib_ = kSib[bytes_[at_ + 1] | (rex & 3) << 8 | mod0 << 10];
  }
  out_.base_ok = (modrm_ & kModRmBaseOk) != 0 && (sib_ & kSibBaseOk) != 0;
  out_.index = sib_ & kSibIndexMask;
  at_ += ((modrm_ >> kModRmFollowShift) & kModRmFollowMask) + SibFollow() +
         ((word_ >> kTailShift) & kTailMask);
}

// The forms whose legality or need lies in a further byte.
bool Decoder::ApplyKind() {
  out_.need = static_cast<uint8_t>((word_ >> kNeedShift) & kNeedMask);
  const uint8_t modrm_byte = bytes_[modrm_at_];
  const uint8_t last = bytes_[at_ - 1];
  switch (kind()) {
    case WordKind::kX87:
      out_.need = kX87Need[(out_.opcode & 7) * 64 + (modrm_byte & 63)];
      return out_.need != 0;
    case WordKind::k3dNow:
      out_.need = kSuffixNeed[last];
      return out_.need != 0;
    case WordKind::kFence: return (modrm_byte & 7) == 0;
    case WordKind::kIs4: return (last & 15) == 0;
    case WordKind::kPlain:
    case WordKind::kNop90: return true;
  }
  return false;
}

// E1, an operand relative to gs with 32-bit address arithmetic (profile zvm).
// SAFETY: with the address-size prefix the processor reduces base + index * scale + displacement
// modulo 2^32 and adds the gs base afterwards, so any registers at all reach only the 4 GiB from
// the gs base on, plus the 107 bytes that the largest operand extends: inside the window or its
// guard, provided gs base = window base (the runtime's condition). The form must be one whose whole
// access starts at the ModRM address: a memory operand that the classic rules check. Excluded:
// rip-relative (no use), unchecked operands (no access), non-temporal ones (never rewritten).
bool Decoder::ApplyGsRules() {
  if (!out_.gs_relative) {
    return true;
  }
  if (!memory() || (word_ & kWordChecked) == 0 || rip_relative_ || kNeeds[out_.need].non_temporal) {
    return false;
  }
  out_.base_ok = true;
  out_.index = kNoRegister;
  return true;
}

void Decoder::ReadWrites() {
  out_.checked = (word_ & kWordChecked) != 0;
  out_.jump8 = (word_ & kWordJump8) != 0;
  out_.jump32 = (word_ & kWordJump32) != 0;
  out_.byte_dest = (word_ & kWordByte) != 0;
  out_.zext = (word_ & kWordZext) != 0;
  out_.dest = static_cast<uint8_t>((modrm_ >> (word_ & kDestMask)) & 31);
  if ((word_ & kWordAlsoReg) != 0) {
    out_.also_dest = static_cast<uint8_t>((modrm_ >> kDestReg) & 31);
  }
  if (kind() == WordKind::kNop90 && (out_.rex & 1) != 0) {  // xchg r8, rax
    out_.dest = 8;
    out_.zext = (out_.rex & 8) == 0 && (prefixes_ & k66) == 0;
  }
}

}  // namespace

Instruction DecodeInstruction(const uint8_t* code, size_t available) {
  return Decoder(code, available).Run();
}

}  // namespace zvm
