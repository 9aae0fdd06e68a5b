// Writes to rsp and rbp: both always hold window base + 32-bit value, so a 32-bit write is followed
// in its bundle by adding r15 again.
#include "guest/rewriter/translator.h"

namespace zvm::guest {
namespace {

// `mnemonic` with the suffix of a 32-bit operation; empty when it is none that zero-extends.
std::string_view Narrow(std::string_view mnemonic) {
  static constexpr struct {
    std::string_view stem, narrow;
  } kOperations[] = {{"mov", "movl"}, {"add", "addl"}, {"sub", "subl"}, {"and", "andl"},
                     {"or", "orl"},   {"xor", "xorl"}, {"lea", "leal"}};
  if (!mnemonic.empty() && (mnemonic.back() == 'q' || mnemonic.back() == 'l')) {
    mnemonic.remove_suffix(1);
  }
  for (const auto& operation : kOperations) {
    if (operation.stem == mnemonic) return operation.narrow;
  }
  return {};
}

}  // namespace

void Translator::StackWrite(const Instruction& ins, Register target) {
  const std::string_view operation = Narrow(ins.mnemonic);
  if (target.bits < 32 || operation.empty() || ins.operand_count != 2) {
    return Refuse("this instruction cannot write the stack or frame pointer in the sandbox");
  }
  const std::string_view whole = RegisterName(target.number, 64);
  const Register source = ParseRegister(ins.operands[0]);
  if (operation == "movl" && source.IsStack()) {
    return Emit("\tmovq\t", RegisterName(source.number, 64), ",", whole);
  }
  int64_t mask = 0;
  if (operation == "andl" && target.Is(kRsp) && ins.operands[0][0] == '$' &&
      ParseNumber(ins.operands[0].substr(1), &mask) && mask >= -128 && mask < 0) {
    return Emit("\tandq\t", ins.operands[0], ",%rsp");
  }
  Instruction narrow = ins;
  narrow.mnemonic = operation;
  narrow.operands[1] = RegisterName(target.number, 32);
  access_.before.clear();
  access_.operand.clear();
  Barrier();
  if (source.ok()) {
    narrow.operands[0] = RegisterName(source.number, 32);
  } else if (operation != "leal" && IsMemory(ins.operands[0])) {
    if (!FormAccess(ins.operands[0], &access_)) return;
    narrow.operands[0] = access_.operand;
  }
  Lock();
  if (!access_.before.empty()) Emit(access_.before);
  if (operation == "leal") {
    AddressOnly(narrow);
  } else {
    EmitCopy(narrow, operation, -1, {});
  }
  // The flags stay those of the 32-bit operation, or of before it.
  if (target.Is(kRsp)) {
    Emit("\tleaq\t(%rsp,%r15),%rsp");
  } else {
    Emit("\tleaq\t0(%rbp,%r15),%rbp");
  }
  Unlock();
}

void Translator::PopFramePointer() {
  Emit("\tpopq\t%r11");
  Lock();
  Emit("\tmovl\t%r11d,%ebp");
  Emit("\tleaq\t0(%rbp,%r15),%rbp");
  Unlock();
}

void Translator::Pop(const Instruction& ins, Opcode opcode) {
  const Register target = ParseRegister(ins.Last());
  if (target.Is(kRbp) && target.bits == 64) return PopFramePointer();
  if (target.IsStack()) return Refuse("popping the stack pointer is refused in the sandbox");
  if (target.ok()) return EmitCopy(ins, ins.mnemonic, -1, {});
  opcode.op = Op::kPush;  // a memory operand that is accessed like that of push
  Ordinary(ins, opcode);
}

}  // namespace zvm::guest
