// Calls, jumps and returns. A call ends its bundle, so that the masked return address is the next
// bundle; an indirect target is masked to a bundle start inside the window.
#include "guest/rewriter/translator.h"

namespace zvm::guest {
namespace {

std::string_view WithoutPlt(std::string_view target) {
  const size_t at = target.find("@PLT");
  return at == std::string_view::npos ? target : target.substr(0, at);
}

}  // namespace

// Brings an indirect target's low half into a register whose upper half may be lost. `low` and
// `whole` get its 32- and 64-bit names.
bool Translator::LoadTarget(std::string_view operand, bool keep_register, std::string_view* low,
                            std::string_view* whole) {
  const Register target = ParseRegister(operand);
  *low = "%r11d";
  *whole = "%r11";
  if (target.ok()) {
    if (target.bits < 32 || target.Is(kR15)) {
      Refuse("indirect jump through this register");
      return false;
    }
    if (target.Is(0) && !keep_register) {
      *low = "%eax";
      *whole = "%rax";
      return true;
    }
    Emit("\tmovl\t", RegisterName(target.number, 32), ",%r11d");
    return true;
  }
  if (!IsMemory(operand)) {
    Refuse("indirect jump operand not understood");
    return false;
  }
  if (!FormAccess(operand, &access_)) return false;
  Instruction load;
  load.mnemonic = "movl";
  load.operands[0] = access_.operand;
  load.operands[1] = "%r11d";
  load.operand_count = 2;
  EmitAccess(load, 0, access_);
  return true;
}

void Translator::Call(const Instruction& ins) {
  if (ins.operand_count != 1) return Refuse("call needs one operand");
  const std::string_view operand = ins.operands[0];
  if (operand[0] != '*') {
    LockToEnd();
    Emit("\tcall\t", WithoutPlt(operand));
    return Unlock();
  }
  // A call's target in %rax is dead afterwards: no argument lives there.
  std::string_view low, whole;
  if (!LoadTarget(Trim(operand.substr(1)), false, &low, &whole)) return;
  LockToEnd();
  Emit("\tandl\t$-32,", low);
  Emit("\taddq\t%r15,", whole);
  Emit("\tcall\t*", whole);
  Unlock();
}

void Translator::Jump(const Instruction& ins) {
  if (ins.operand_count != 1) return Refuse("jmp needs one operand");
  if (ins.operands[0][0] != '*') return Branch(ins);
  // Behind a computed goto the register may still be in use as a zero-extended pointer: copy.
  std::string_view low, whole;
  if (!LoadTarget(Trim(ins.operands[0].substr(1)), true, &low, &whole)) return;
  Lock();
  Emit("\tandl\t$-32,%r11d");
  Emit("\taddq\t%r15,%r11");
  Emit("\tjmp\t*%r11");
  Unlock();
}

void Translator::Branch(const Instruction& ins) {
  if (ins.operand_count != 1) return Refuse("branch needs one operand");
  Emit("\t", ins.mnemonic, "\t", WithoutPlt(ins.operands[0]));
}

void Translator::Return(const Instruction& ins) {
  if (ins.operand_count != 0) return Refuse("ret with an operand is refused in the sandbox");
  Emit("\tpopq\t%r11");
  Lock();
  Emit("\tandl\t$-32,%r11d");
  Emit("\taddq\t%r15,%r11");
  if (profile_ == Profile::kZvm) {
    Emit("\tpushq\t%r11");
    Emit("\tret");
  } else {
    Emit("\tjmp\t*%r11");
  }
  Unlock();
}

}  // namespace zvm::guest
