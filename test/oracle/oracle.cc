// The rules of state: bundles, restricted registers, addresses, writes, jump targets. What a single
// instruction is comes from listing.cc and form.cc, exact byte sequences from idioms.cc.
#include "oracle.h"

#include "form.h"
#include "idioms.h"
#include "mnemonics.h"

namespace zvm::oracle {
namespace {

constexpr size_t kBundle = 32;
constexpr int kNone = -1;
constexpr int kRsp = 4, kRbp = 5, kR15 = 15;

bool IsStackRegister(int number) { return number == kRsp || number == kRbp; }

// The forms within an allowed mnemonic that are other instructions than the rules mean.
bool FormIsAllowed(const Line& line) {
  if ((line.traits & kAllowed) == 0 || line.has_other_address) return false;
  if ((line.traits & kBranches) != 0 && !line.has_target) return false;
  if ((line.traits & kBitString) != 0 && !line.last_is_immediate) return false;
  if ((line.traits & kNoImmediate) != 0 && line.immediate_count != 0) return false;
  if ((line.traits & kOnlyMemory) != 0 && !line.has_address) return false;
  if ((line.traits & kNeedsOperand) != 0 && line.operand_count == 0) return false;
  for (size_t i = 0; i < line.register_count; ++i) {
    if (line.registers[i].kind == Register::Kind::kSystem) return false;
  }
  return true;
}

}  // namespace

bool Oracle::Refuse(size_t at, const char* reason) {
  reason_ = std::to_string(at) + ": " + reason;
  return false;
}

bool Oracle::Accepts(std::span<const uint8_t> code, Rules rules) {
  code_ = code;
  rules_ = rules;
  may_be_target_.assign(code.size(), false);
  jumps_.clear();
  reason_.clear();
  if (code.size() % kBundle != 0) return Refuse(0, "size");
  for (size_t start = 0; start < code.size(); start += kBundle) {
    if (!ScanBundle(start)) return false;
  }
  return CheckTargets();
}

bool Oracle::ScanBundle(size_t start) {
  restricted_ = kNone;
  for (size_t at = start; at < start + kBundle;) {
    size_t size = 0;
    if (!ScanInstruction(at, code_.subspan(at, start + kBundle - at), size)) return false;
    at += size;
  }
  if (IsStackRegister(restricted_)) return Refuse(start + kBundle, "stack register not re-based");
  return true;
}

bool Oracle::ScanInstruction(size_t at, std::span<const uint8_t> rest, size_t& size) {
  at_ = at;
  Idiom idiom = FindIdiom(rest, rules_ == Rules::kZvm);
  if (idiom.kind != Idiom::Kind::kNone) {
    size = idiom.size_bytes;
    int awaited = kNone;
    if (idiom.kind == Idiom::Kind::kRebaseStack) awaited = kRsp;
    if (idiom.kind == Idiom::Kind::kRebaseFrame) awaited = kRbp;
    if (awaited != kNone && restricted_ != awaited) return Refuse(at, "re-base out of place");
    if (awaited == kNone && IsStackRegister(restricted_)) return Refuse(at, "no re-base");
    may_be_target_[at] = awaited == kNone;
    restricted_ = kNone;
    return true;
  }

  if (IsStackRegister(restricted_)) return Refuse(at, "no re-base");
  Prefixes prefixes;
  Line line;
  if (!ReadPrefixes(rest, rules_ == Rules::kZvm, prefixes)) return Refuse(at, "prefixes");
  if (!ReadLine(listing_, rest, prefixes, line)) return Refuse(at, "not listed");
  if (prefixes.is_vex != ((line.traits & kVexOnly) != 0)) return Refuse(at, "VEX");
  if (!FormIsAllowed(line)) return Refuse(at, "instruction not allowed");
  if (!CheckForm(listing_, rest, prefixes, line)) return Refuse(at, "form");
  bool uses_restricted = false;
  int restricts = kNone;
  if (!CheckAddress(line, prefixes.gs_relative, uses_restricted)) return false;
  if (!CheckWrites(line, restricts)) return false;

  size = line.size_bytes;
  may_be_target_[at] = !uses_restricted;
  restricted_ = restricts;
  if (line.has_target) {
    jumps_.push_back({at, static_cast<int64_t>(at + size) + line.target_distance});
  }
  return true;
}

bool Oracle::CheckAddress(const Line& line, bool gs_relative, bool& uses_restricted) {
  using Kind = Register::Kind;
  const Address& address = line.address;
  if (gs_relative) {
    // The address unit itself adds 32-bit parts to the gs base: any base, any index.
    if (!line.has_address) return Refuse(at_, "gs prefix without memory operand");
    if ((line.traits & (kNoAccess | kNonTemporal)) != 0) return Refuse(at_, "gs: not for this");
    if (!address.segment.is_gs) return Refuse(at_, "gs: other segment");
    for (const Register& part : {address.base, address.index}) {
      bool is_known = part.kind == Kind::kNone || (part.IsGeneral() && part.width_bits == 32);
      if (!is_known) return Refuse(at_, "gs: operand");
    }
    return true;
  }
  if (!line.has_address || (line.traits & kNoAccess) != 0) return true;
  const Register& base = address.base;
  bool base_is_safe = base.kind == Kind::kInstructionPointer ||
                      (base.IsGeneral() && base.width_bits == 64 &&
                       (base.number == kR15 || IsStackRegister(base.number)));
  if (!base_is_safe || address.segment.kind != Kind::kNone) return Refuse(at_, "base");
  const Register& index = address.index;
  if (index.kind == Kind::kNone) return true;
  if (!index.IsGeneral() || index.width_bits != 64 || index.number != restricted_) {
    return Refuse(at_, "index");
  }
  uses_restricted = true;
  return true;
}

bool Oracle::CheckWrites(const Line& line, int& restricts) {
  restricts = kNone;
  std::span<const Register> written(line.written.data(), line.written_count);
  if ((line.traits & kWritesAll) != 0) {
    written = std::span<const Register>(line.registers.data(), line.register_count);
  }
  // The result that may restrict. An exchange restricts what ModRM.rm or the opcode names, and
  // nothing when one side is in memory.
  size_t final = (line.traits & kRestrictsLast) != 0 ? written.size() - 1 : 0;
  bool restricts_any = (line.traits & kZeroExtends) != 0 &&
                       !((line.traits & kExchanges) != 0 && line.has_address);
  for (size_t i = 0; i < written.size(); ++i) {
    const Register& result = written[i];
    if (!result.IsGeneral()) continue;
    if (result.number == kR15) return Refuse(at_, "writes r15");
    if (restricts_any && i == final && result.width_bits == 32) {
      restricts = result.number;
    } else if (IsStackRegister(result.number)) {
      return Refuse(at_, "writes a stack register");
    }
  }
  return true;
}

bool Oracle::CheckTargets() {
  for (const Jump& jump : jumps_) {
    if (jump.to % static_cast<int64_t>(kBundle) == 0) continue;
    if (jump.to < 0 || jump.to >= static_cast<int64_t>(code_.size())) {
      return Refuse(jump.from, "jump out of range");
    }
    if (!may_be_target_[static_cast<size_t>(jump.to)]) return Refuse(jump.from, "jump target");
  }
  return true;
}

}  // namespace zvm::oracle
