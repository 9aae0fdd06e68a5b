// Memory operands. Profile zvm: a gs-relative operand with 32-bit registers, confined by the
// address unit. Profile nacl: r15 + a register that the preceding instruction of the bundle
// zero-extended. Operands based on rsp, rbp and rip without index need nothing in either profile.
#include "guest/rewriter/translator.h"

namespace zvm::guest {
namespace {

// A displacement this small may be added outside the 32-bit mask: the guards catch what it reaches.
constexpr int64_t kFreeDisplacement = 0x10000;

void AppendRegisters(const MemoryOperand& memory, uint8_t bits, std::string* out) {
  out->append(memory.displacement);
  out->push_back('(');
  if (memory.base.ok()) out->append(RegisterName(memory.base.number, bits));
  if (memory.index.ok()) {
    out->push_back(',');
    out->append(RegisterName(memory.index.number, bits));
    if (!memory.scale.empty() && memory.scale != "1") {
      out->push_back(',');
      out->append(memory.scale);
    }
  }
  out->push_back(')');
}

bool IsHighByte(std::string_view operand) {
  return operand.size() == 3 && operand[0] == '%' && ParseRegister(operand).high_byte;
}

}  // namespace

void Translator::EmitCopy(const Instruction& ins, std::string_view mnemonic, int replaced_at,
                          std::string_view replacement) {
  out_->push_back('\t');
  if (ins.prefixes.find("lock") != std::string_view::npos) out_->append("lock ");
  if (ins.prefixes.find("repn") != std::string_view::npos) {
    out_->append("repne ");
  } else if (ins.prefixes.find("rep") != std::string_view::npos) {
    out_->append("rep ");
  }
  out_->append(mnemonic);
  for (int i = 0; i < ins.operand_count; ++i) {
    out_->push_back(i == 0 ? '\t' : ',');
    out_->append(i == replaced_at ? replacement : ins.operands[static_cast<size_t>(i)]);
  }
  out_->push_back('\n');
}

// Absolute addresses: below 2 GiB they are reached from r15 or rip, the rest needs a register.
bool Translator::FormAbsolute(const MemoryOperand& memory, Access* access) {
  int64_t value = 0;
  if (!ParseNumber(memory.displacement, &value)) {
    access->operand.append(memory.displacement).append("(%rip)");
    return true;
  }
  const auto address = static_cast<uint32_t>(value);
  if (value != address && value != static_cast<int32_t>(address)) return false;
  const std::string number = std::to_string(address);
  if (address < 0x80000000u) {
    access->operand.append(number).append("(%r15)");
  } else if (profile_ == Profile::kZvm) {
    access->operand.append("%gs:").append(std::to_string(static_cast<int32_t>(address)));
    access->operand.append("(,%eiz)");
  } else {
    access->before.append("\tmovl\t$").append(number).append(",%r11d");
    access->operand.append("(%r15,%r11)");
  }
  return true;
}

void Translator::FormNaclAccess(const MemoryOperand& memory, Access* access) {
  int64_t displacement = 0;
  const bool small = memory.displacement.empty() ||
                     (ParseNumber(memory.displacement, &displacement) &&
                      displacement > -kFreeDisplacement && displacement < kFreeDisplacement);
  if (!memory.base.ok() || memory.HasIndex() || !small) {
    access->before.append("\tleal\t");
    AppendRegisters(memory, 64, &access->before);
    access->before.append(",%r11d");
    access->operand.append("(%r15,%r11)");
    return;
  }
  access->operand.append(memory.displacement).append("(%r15,");
  if (fusible_bits_ == 32 && fusible_register_ == memory.base.number) {
    access->fused = true;
    access->operand.append(RegisterName(memory.base.number, 64)).append(")");
    return;
  }
  access->before.append("\tmovl\t").append(RegisterName(memory.base.number, 32)).append(",%r11d");
  access->operand.append("%r11)");
}

bool Translator::FormAccess(std::string_view operand, Access* access) {
  access->before.clear();
  access->operand.clear();
  access->fused = false;
  MemoryOperand memory;
  if (!ParseMemory(operand, &memory)) {
    Refuse("operand not understood");
    return false;
  }
  if (memory.segment == "%gs" || (memory.segment == "%fs" && memory.displacement == "0")) {
    Refuse("segment registers belong to the sandbox");
    return false;
  }
  if (memory.IsRip()) {
    access->operand.append(memory.displacement).append("(%rip)");
  } else if (!memory.HasIndex() && memory.base.IsStack()) {
    access->operand.append(memory.displacement).append("(");
    access->operand.append(RegisterName(memory.base.number, 64)).append(")");
  } else if (!memory.HasIndex() && !memory.base.ok()) {
    if (!FormAbsolute(memory, access)) {
      Refuse("address outside the sandbox");
      return false;
    }
  } else if (profile_ == Profile::kZvm) {
    access->operand.append("%gs:");
    AppendRegisters(memory, 32, &access->operand);
  } else {
    FormNaclAccess(memory, access);
  }
  return true;
}

void Translator::EmitAccess(const Instruction& ins, int memory_at, const Access& access) {
  if (access.fused) {
    out_->insert(fusible_at_, "\t.bundle_lock\n");
    EmitCopy(ins, ins.mnemonic, memory_at, access.operand);
    Unlock();
    return;
  }
  if (access.before.empty()) {
    EmitCopy(ins, ins.mnemonic, memory_at, access.operand);
    return;
  }
  Lock();
  Emit(access.before);
  EmitCopy(ins, ins.mnemonic, memory_at, access.operand);
  Unlock();
}

// The REX prefix that r15 needs makes %ah, %bh, %ch and %dh unencodable: swap with the low byte.
void Translator::HighByteAccess(const Instruction& ins, int memory_at, Access* access) {
  const auto other = static_cast<size_t>(1 - memory_at);
  const Register high = ParseRegister(ins.operands[other]);
  const std::string_view low = RegisterName(high.number, 8);
  if (access->fused) {  // the swap would stand between the two
    Barrier();
    if (!FormAccess(ins.operands[static_cast<size_t>(memory_at)], access)) return;
  }
  // The swap may touch the address register: compute the address first, then mask it again.
  if (!access->before.empty()) Emit(access->before);
  Emit("\txchgb\t", low, ",", ins.operands[other]);
  Lock();
  if (!access->before.empty()) Emit("\tmovl\t%r11d,%r11d");
  Instruction swapped = ins;
  swapped.operands[other] = low;
  EmitCopy(swapped, ins.mnemonic, memory_at, access->operand);
  Unlock();
  Emit("\txchgb\t", low, ",", ins.operands[other]);
}

void Translator::AddressOnly(const Instruction& ins) {
  MemoryOperand memory;
  if (ins.operand_count != 2 || !IsMemory(ins.operands[0]) ||
      !ParseMemory(ins.operands[0], &memory)) {
    return Refuse("operand not understood");
  }
  const Register target = ParseRegister(ins.operands[1]);
  const bool short_address = (memory.base.ok() && memory.base.bits == 32) ||
                             (memory.index.ok() && memory.index.bits == 32);
  const bool widened = short_address && target.bits == 64;
  std::string& text = access_.operand;
  text.clear();
  if (memory.base.ok() || memory.HasIndex()) {
    AppendRegisters(memory, 64, &text);
  } else {
    text.append(ins.operands[0]);
  }
  const std::string_view to = widened ? RegisterName(target.number, 32) : ins.operands[1];
  Emit("\t", widened ? std::string_view("leal") : ins.mnemonic, "\t", text, ",", to);
}

// Prefetches and long nops: the validator does not look at the address, but takes no 32-bit one.
void Translator::NoAccess(const Instruction& ins) {
  MemoryOperand memory;
  if (ins.operand_count != 1 || !IsMemory(ins.operands[0])) {
    return EmitCopy(ins, ins.mnemonic, -1, {});
  }
  if (!ParseMemory(ins.operands[0], &memory)) return Refuse("operand not understood");
  std::string& text = access_.operand;
  text.clear();
  if (!memory.base.ok() && !memory.HasIndex()) {
    return EmitCopy(ins, ins.mnemonic, -1, {});
  }
  AppendRegisters(memory, 64, &text);
  if (memory.IsRip() || ins.mnemonic.substr(0, 3) == "nop") {
    return EmitCopy(ins, ins.mnemonic, 0, text);
  }
  Emit("\tleal\t", text, ",%r11d");
  EmitCopy(ins, ins.mnemonic, 0, "(%r15,%r11)");
}

void Translator::Ordinary(const Instruction& ins, Opcode opcode) {
  const Register last = ParseRegister(ins.Last());
  const bool writes_last = opcode.op != Op::kReadsLast && opcode.op != Op::kNoAccess &&
                           opcode.op != Op::kPush;
  if (writes_last && last.IsStack()) return StackWrite(ins, last);
  if (opcode.op == Op::kExchange && ParseRegister(ins.operands[0]).IsStack()) {
    return Refuse("the stack and frame pointer cannot be exchanged");
  }
  Instruction edited = ins;
  if (opcode.op == Op::kNonTemporal) edited.mnemonic = opcode.note;
  int memory_at = -1;
  for (int i = 0; i < ins.operand_count; ++i) {
    const std::string_view operand = ins.operands[static_cast<size_t>(i)];
    if (!IsMemory(operand)) continue;
    if (operand == "%fs:0") {  // the thread pointer of the only thread is 0
      edited.operands[static_cast<size_t>(i)] = "$0";
      continue;
    }
    if (memory_at >= 0) return Refuse("two memory operands");
    memory_at = i;
  }
  if (memory_at < 0) return EmitCopy(edited, edited.mnemonic, -1, {});
  if (!FormAccess(ins.operands[static_cast<size_t>(memory_at)], &access_)) return;
  const bool high = profile_ == Profile::kNacl && ins.operand_count == 2 &&
                    IsHighByte(ins.operands[static_cast<size_t>(1 - memory_at)]) &&
                    (access_.operand.find("%r15") != std::string::npos);
  if (high) return HighByteAccess(edited, memory_at, &access_);
  EmitAccess(edited, memory_at, access_);
}

}  // namespace zvm::guest
