// Which rule treats an instruction; see translator.h.
#include "guest/rewriter/translator.h"

namespace zvm::guest {
namespace {

constexpr std::string_view kReserved =
    "r11 and r15 belong to the sandbox and cannot be named (wrap sandboxed code in .zvm_raw)";

bool NamesReserved(std::string_view statement) {
  size_t at = 0;
  while ((at = statement.find("%r1", at)) != std::string_view::npos) {
    const char c = at + 3 < statement.size() ? statement[at + 3] : ' ';
    if (c == '1' || c == '5') return true;
    at += 3;
  }
  return false;
}

void EraseAll(std::string* text, std::string_view part) {
  size_t at = 0;
  while ((at = text->find(part, at)) != std::string::npos) text->erase(at, part.size());
}

}  // namespace

std::string_view Translator::Translate(std::string_view statement) {
  refusal_ = {};
  if (NamesReserved(statement)) return kReserved;
  if (statement.find("tpoff") != std::string_view::npos) {
    // One thread: a thread-local variable is an ordinary one, at offset sym from thread pointer 0.
    scratch_.assign(statement);
    EraseAll(&scratch_, "%fs:");
    EraseAll(&scratch_, "@ntpoff");
    EraseAll(&scratch_, "@tpoff");
    statement = scratch_;
  }
  Instruction ins;
  if (!ParseInstruction(statement, &ins)) return "instruction not understood";
  if (ins.prefixes.find("data16") != std::string_view::npos) return "prefix data16 is refused";
  const Opcode opcode = FindOpcode(ins.mnemonic);
  const size_t start = out_->size();

  switch (opcode.op) {
    case Op::kOrdinary:
    case Op::kReadsLast:
    case Op::kNonTemporal:
    case Op::kExchange:
    case Op::kPush: Ordinary(ins, opcode); break;
    case Op::kNoAccess: NoAccess(ins); break;
    case Op::kAddressOnly:
      if (ParseRegister(ins.Last()).IsStack()) {
        StackWrite(ins, ParseRegister(ins.Last()));
      } else {
        AddressOnly(ins);
      }
      break;
    case Op::kPop: Pop(ins, opcode); break;
    case Op::kCall: Call(ins); break;
    case Op::kJump: Jump(ins); break;
    case Op::kBranch: Branch(ins); break;
    case Op::kReturn: Return(ins); break;
    case Op::kLeave:
      Emit("\tmovq\t%rbp,%rsp");
      PopFramePointer();
      break;
    case Op::kBitTest: BitTest(ins, opcode); break;
    case Op::kStringSource:
    case Op::kStringTarget:
    case Op::kStringBoth: StringOp(ins, opcode.op); break;
    case Op::kDrop: break;
    case Op::kRefused: Refuse(opcode.note); break;
  }

  // A plain 32-bit computation can serve the next access as its zero-extension.
  fusible_bits_ = 0;
  const Register last = ParseRegister(ins.Last());
  const bool plain = out_->compare(start, 2, "\t.") != 0;
  if (profile_ == Profile::kNacl && plain && last.bits == 32 && !last.IsStack() &&
      ZeroExtends(ins.mnemonic) && out_->find('\n', start) + 1 == out_->size()) {
    fusible_bits_ = 32;
    fusible_register_ = last.number;
    fusible_at_ = start;
  }
  return refusal_;
}

}  // namespace zvm::guest
