// Form checks by comparison: change the doubtful byte or leave it out, list again, and refuse when
// the listing is the same. Neighbours: listing.cc (LLVM), oracle.cc (the rules of state).
#include "form.h"

#include <algorithm>
#include <vector>

#include "mnemonics.h"

namespace zvm::oracle {
namespace {

constexpr size_t kInstructionBytesMax = 15;
constexpr uint8_t kGs = 0x65, kAddressSize = 0x67, kOperandSize = 0x66, kLock = 0xF0;
constexpr uint8_t kRepeatNotEqual = 0xF2, kRepeat = 0xF3;
constexpr uint8_t kPushImm8 = 0x6A, kTwoByteMap = 0x0F, kPrefetch = 0x0D, kLongNop = 0x1F;
constexpr size_t kPauseBytes = 2;  // F3 90
constexpr uint8_t kVex2 = 0xC5, kVex3 = 0xC4, kEvex = 0x62, kXop = 0x8F;

constexpr int kW = 0x80, kVvvv = 0x78, kL = 0x04;  // in the last VEX byte

constexpr bool IsRefusedPrefix(uint8_t byte) {
  return byte == 0x26 || byte == 0x36 || byte == 0x64 || byte == kGs || byte == kAddressSize;
}
constexpr bool IsPrefix(uint8_t byte) {
  return IsRefusedPrefix(byte) || byte == 0x2E || byte == 0x3E || byte == kOperandSize ||
         byte == kLock || byte == 0xF2 || byte == 0xF3;
}
constexpr int DigitOf(uint8_t modrm) { return modrm >> 3 & 7; }
constexpr bool IsRex(uint8_t byte) { return (byte & 0xF0) == 0x40; }

// The bytes of one instruction, to be changed and listed again.
class Variant {
 public:
  Variant(Listing& listing, std::span<const uint8_t> bytes)
      : listing_(listing), bytes_(bytes.begin(), bytes.end()) {}

  Variant& Drop(uint8_t byte) {
    auto found = std::find(bytes_.begin(), bytes_.end(), byte);
    if (found != bytes_.end()) bytes_.erase(found);
    return *this;
  }
  Variant& Put(size_t at, int value) {
    bytes_[at] = static_cast<uint8_t>(value);
    return *this;
  }
  // Whether the changed bytes, all of them, are listed exactly like `line`.
  bool ReadsLike(const Line& line) { return Read() && again_.SaysTheSameAs(line); }
  // Whether they are at least listed with the same mnemonic.
  bool IsCalledLike(const Line& line) { return Read() && again_.mnemonic == line.mnemonic; }

 private:
  bool Read() { return listing_.Read(bytes_, again_) && again_.size_bytes == bytes_.size(); }

  Listing& listing_;
  Line again_;
  std::vector<uint8_t> bytes_;
};

// Offset of the opcode once the lock prefix is gone.
size_t OpcodeAt(const Prefixes& prefixes) { return prefixes.opcode_at - (prefixes.lock ? 1 : 0); }

// Offset of the byte with vvvv, L and pp.
size_t LastVexByte(std::span<const uint8_t> code, size_t vex_at) {
  return vex_at + (code[vex_at] == kVex3 ? 2 : 1);
}

// LLVM refuses a vvvv that means nothing where the rules take it: lists the code without it.
bool ReadWithoutVvvv(Listing& listing, std::span<const uint8_t> bytes, size_t vex_at,
                     Line& line) {
  size_t last_at = LastVexByte(bytes, vex_at);
  if (last_at >= bytes.size()) return false;
  std::vector<uint8_t> code(bytes.begin(), bytes.end());
  code[last_at] |= kVvvv;
  return listing.Read(code, line) && (line.traits & kIgnoresVvvv) != 0;
}

// `code` is the whole instruction, `vex_at` where C4 or C5 is.
bool CheckVexBits(Listing& listing, std::vector<uint8_t> code, size_t vex_at, const Line& line) {
  constexpr int kExtensions[] = {0x80, 0x40, 0x20};  // R, X, B: inverted, 1 = not used
  constexpr int kReservedNibble = 0x0F;
  auto is_useless = [&](size_t at, int value) {
    return value != code[at] && Variant(listing, code).Put(at, value).ReadsLike(line);
  };
  bool is_long = code[vex_at] == kVex3;
  size_t last_at = LastVexByte(code, vex_at);
  bool is_256 = (code[last_at] & kL) != 0;
  bool is_register_256 = (line.traits & kRegisterOnly256) != 0 && !line.has_address;
  if (is_256 && (line.traits & kOnly128) != 0) return false;
  if (is_register_256 && !is_256) return false;
  Line as_is;
  if (!listing.Read(code, as_is)) code[last_at] |= kVvvv;  // kIgnoresVvvv, see ReadWithoutVvvv

  for (int bit : kExtensions) {
    if (!is_long && bit != kExtensions[0]) continue;
    if (is_useless(vex_at + 1, code[vex_at + 1] | bit)) return false;
  }
  if (is_long && is_useless(last_at, code[last_at] & ~kW)) return false;
  if (is_useless(last_at, code[last_at] | kVvvv)) return false;
  if (!is_register_256 && is_useless(last_at, code[last_at] & ~kL)) return false;
  // A register in the upper half of an immediate: the lower half means nothing.
  return !is_useless(code.size() - 1, code.back() & ~kReservedNibble);
}

bool CheckLock(const Line& line) {
  bool memory_is_written = line.address_is_first || (line.traits & kExchanges) != 0;
  return (line.traits & kLockable) != 0 && line.has_address && memory_is_written;
}

bool CheckOperandSize(Listing& listing, std::span<const uint8_t> code, const Prefixes& prefixes,
                      const Line& line) {
  if (line.has_target || (line.traits & kNo16Bit) != 0) return false;
  bool is_plain_nop = line.operand_count == 0 && code.back() == 0x90;
  if (is_plain_nop) return !prefixes.rex_w && !prefixes.repeat;
  if (prefixes.rex_w && !line.has_vector) return false;  // two operand sizes
  if (code[OpcodeAt(prefixes)] == kPushImm8) return false;
  return !Variant(listing, code).Drop(kOperandSize).ReadsLike(line);
}

// The bytes in a spelling that LLVM lists as one instruction: no lock (for LLVM an instruction of
// its own) and prefetchw 0F 0D /3 as /1.
std::vector<uint8_t> MakeListable(std::span<const uint8_t> bytes, const Prefixes& prefixes) {
  std::vector<uint8_t> code(bytes.begin(), bytes.end());
  if (prefixes.lock) code.erase(std::find(code.begin(), code.end(), kLock));
  size_t at = OpcodeAt(prefixes);
  bool is_prefetch = code.size() - at > 2 && code[at] == kTwoByteMap && code[at + 1] == kPrefetch;
  if (is_prefetch && DigitOf(code[at + 2]) == 3) code[at + 2] ^= (3 ^ 1) << 3;
  return code;
}

}  // namespace

bool ReadPrefixes(std::span<const uint8_t> bytes, bool allow_gs, Prefixes& out) {
  out = Prefixes();
  size_t at = 0;
  if (allow_gs && bytes.size() > 2 && bytes[0] == kGs && bytes[1] == kAddressSize) {
    out.gs_relative = true;
    at = 2;
  }
  size_t first = at;
  for (; at < bytes.size() && IsPrefix(bytes[at]); ++at) {
    uint8_t byte = bytes[at];
    if (IsRefusedPrefix(byte)) return false;
    if (std::find(bytes.begin() + first, bytes.begin() + at, byte) != bytes.begin() + at) {
      return false;
    }
    out.operand_size |= byte == kOperandSize;
    out.lock |= byte == kLock;
    out.repeat |= byte == 0xF2 || byte == 0xF3;
    out.hints += byte == 0x2E || byte == 0x3E;
  }
  if (at < bytes.size() && IsRex(bytes[at])) {
    out.has_rex = true;
    out.rex_w = (bytes[at] & 0x08) != 0;
    ++at;
  }
  if (at >= bytes.size() || IsPrefix(bytes[at]) || IsRex(bytes[at])) return false;
  out.opcode_at = at;
  if (bytes[at] == kEvex) return false;
  if (bytes[at] == kXop && at + 1 < bytes.size() && (bytes[at + 1] & 0x38) != 0) return false;
  out.is_vex = bytes[at] == kVex2 || bytes[at] == kVex3;
  return !out.is_vex || at == first;
}

bool ReadLine(Listing& listing, std::span<const uint8_t> bytes, const Prefixes& prefixes,
              Line& line) {
  bytes = bytes.first(std::min(bytes.size(), kInstructionBytesMax));
  if (prefixes.is_vex) {
    return listing.Read(bytes, line) || ReadWithoutVvvv(listing, bytes, prefixes.opcode_at, line);
  }
  if (!listing.Read(MakeListable(bytes, prefixes), line)) return false;
  line.size_bytes += prefixes.lock ? 1 : 0;
  return true;
}

bool CheckForm(Listing& listing, std::span<const uint8_t> bytes, const Prefixes& prefixes,
               const Line& line) {
  std::vector<uint8_t> code = MakeListable(bytes.first(line.size_bytes), prefixes);
  size_t opcode_at = OpcodeAt(prefixes);
  if (prefixes.lock && !CheckLock(line)) return false;
  if (prefixes.hints > ((line.traits & kHinted) != 0 ? 1 : 0)) return false;
  if (prefixes.repeat && (line.traits & kNoRepeat) != 0) return false;
  if (prefixes.has_rex && (line.traits & kRexForbidden) != 0) return false;
  if (prefixes.is_vex) {
    return CheckVexBits(listing, code, prefixes.opcode_at, line);
  }
  bool is_two_byte = code[opcode_at] == kTwoByteMap;
  if (is_two_byte && code[opcode_at + 1] == kLongNop) {
    // Seven of eight digits are reserved; with 66 only the exact forms of idioms.cc.
    return !prefixes.operand_size && !prefixes.repeat && DigitOf(code[opcode_at + 2]) == 0;
  }
  if (prefixes.operand_size && !CheckOperandSize(listing, code, prefixes, line)) return false;
  for (uint8_t repeat : {kRepeatNotEqual, kRepeat}) {
    auto end = code.begin() + static_cast<ptrdiff_t>(opcode_at);
    if (std::find(code.begin(), end, repeat) == end) continue;
    if (code[opcode_at] != kTwoByteMap && code.size() != kPauseBytes) return false;
    Variant variant(listing, code);
    variant.Drop(repeat);
    if (line.has_vector ? variant.ReadsLike(line) : variant.IsCalledLike(line)) return false;
  }
  // The fences and their like: one ModRM byte, not eight.
  if (line.operand_count == 0 && (code.back() & 7) != 0 && !prefixes.repeat) {
    return !Variant(listing, code).Put(code.size() - 1, code.back() & ~7).ReadsLike(line);
  }
  return true;
}

}  // namespace zvm::oracle
