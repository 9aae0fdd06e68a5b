// String instructions, whose implicit rsi and rdi have to be window addresses, and bit tests with a
// register index, which the validator refuses.
#include "guest/rewriter/translator.h"

namespace zvm::guest {

void Translator::StringOp(const Instruction& ins, Op op) {
  // "movsw %ax,%rbx" is a sign extension that shares the name.
  for (int i = 0; i < ins.operand_count; ++i) {
    const Register reg = ParseRegister(ins.operands[static_cast<size_t>(i)]);
    if (op == Op::kStringBoth && reg.ok()) return Ordinary(ins, {});
  }
  const bool source = op != Op::kStringTarget;
  const bool target = op != Op::kStringSource;
  // With 32-bit addresses the count is ecx; without the prefix it would be rcx.
  const bool repeated = ins.prefixes.find("rep") != std::string_view::npos;
  if (repeated) Emit("\tmovl\t%ecx,%ecx");
  Instruction bare = ins;
  bare.operand_count = 0;
  Lock();
  if (source) Emit("\tmovl\t%esi,%esi\n\tleaq\t(%r15,%rsi),%rsi");
  if (target) Emit("\tmovl\t%edi,%edi\n\tleaq\t(%r15,%rdi),%rdi");
  EmitCopy(bare, bare.mnemonic, -1, {});
  Unlock();
  // The program sees 32-bit pointers again, zero-extended as GCC may assume.
  if (source) Emit("\tmovl\t%esi,%esi");
  if (target) Emit("\tmovl\t%edi,%edi");
}

void Translator::BitTest(const Instruction& ins, Opcode opcode) {
  if (ins.operand_count == 2 && ins.operands[0][0] == '$') {
    opcode.op = ins.mnemonic.substr(0, 3) == "bts" || ins.mnemonic.substr(0, 3) == "btr" ||
                        ins.mnemonic.substr(0, 3) == "btc"
                    ? Op::kOrdinary
                    : Op::kReadsLast;
    return Ordinary(ins, opcode);
  }
  const Register bit = ParseRegister(ins.operands[0]);
  const Register value = ParseRegister(ins.Last());
  const bool test = ins.mnemonic == "bt" || ins.mnemonic == "btl" || ins.mnemonic == "btq";
  if (!test || !bit.ok() || !value.ok() || value.bits < 32 || bit.high_byte) {
    return Refuse("bit instructions with a register index are refused in the sandbox");
  }
  const bool move = !bit.Is(kRcx);
  const std::string_view whole_bit = RegisterName(bit.number, 64);
  Emit("\tmovq\t", RegisterName(value.number, 64), ",%r11");
  if (move) Emit("\txchgq\t", whole_bit, ",%rcx");
  Emit(value.bits == 64 ? "\tshrq\t%cl,%r11" : "\tshrl\t%cl,%r11d");
  if (move) Emit("\txchgq\t", whole_bit, ",%rcx");
  Emit("\tbtq\t$0,%r11");
}

}  // namespace zvm::guest
