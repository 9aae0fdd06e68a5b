// The rewriting rules as methods over one output. One instance for each text; used by rewriter.cc,
// which owns lines, labels and directives. A method that refuses calls Refuse() and emits nothing
// more. Groups of instructions that must not be split are emitted as locked bundles.
#pragma once

#include <string>
#include <string_view>

#include "guest/rewriter/asm_text.h"
#include "guest/rewriter/opcodes.h"
#include "guest/rewriter/rewriter.h"

namespace zvm::guest {

class Translator {
 public:
  Translator(Profile profile, std::string* out) : profile_(profile), out_(out) {}

  // Emits the sandboxed form of one instruction. Returns a reason when it is refused, else empty.
  // `statement` has no label and no comment.
  std::string_view Translate(std::string_view statement);

  // Something stands between the last instruction and the next that a jump may reach.
  void Barrier() { fusible_bits_ = 0; }

  // True when the next access may pull the last instruction into its own bundle group.
  bool LastMayMove() const { return fusible_bits_ != 0; }

 private:
  // What a memory operand becomes: the operand's new text, and an instruction that has to stand
  // directly before the access, in the same bundle (empty when none is needed).
  struct Access {
    std::string before;
    std::string operand;
    bool fused = false;  // the preceding instruction takes the place of `before`
  };

  // memory_rules.cc
  bool FormAccess(std::string_view operand, Access* access);
  void FormNaclAccess(const MemoryOperand& memory, Access* access);
  bool FormAbsolute(const MemoryOperand& memory, Access* access);
  void Ordinary(const Instruction& ins, Opcode opcode);
  void AddressOnly(const Instruction& ins);
  void NoAccess(const Instruction& ins);
  void HighByteAccess(const Instruction& ins, int memory_at, Access* access);
  void EmitAccess(const Instruction& ins, int memory_at, const Access& access);

  // control_rules.cc
  void Call(const Instruction& ins);
  void Jump(const Instruction& ins);
  void Branch(const Instruction& ins);
  void Return(const Instruction& ins);
  bool LoadTarget(std::string_view operand, bool keep_register, std::string_view* low,
                  std::string_view* whole);

  // stack_rules.cc
  void StackWrite(const Instruction& ins, Register target);
  void Pop(const Instruction& ins, Opcode opcode);
  void PopFramePointer();

  // string_rules.cc
  void StringOp(const Instruction& ins, Op op);
  void BitTest(const Instruction& ins, Opcode opcode);

  void Refuse(std::string_view reason) {
    if (refusal_.empty()) refusal_ = reason;
  }

  template <class... Parts>
  void Emit(Parts... parts) {
    (out_->append(parts), ...);
    out_->push_back('\n');
  }
  // Copies the instruction with operand `replaced_at` (or none: -1) replaced.
  void EmitCopy(const Instruction& ins, std::string_view mnemonic, int replaced_at,
                std::string_view replacement);
  void Lock() { Emit("\t.bundle_lock"); }
  void LockToEnd() { Emit("\t.bundle_lock align_to_end"); }
  void Unlock() { Emit("\t.bundle_unlock"); }

  const Profile profile_;
  std::string* const out_;
  std::string_view refusal_;
  std::string scratch_;  // text of the statement being translated when it had to be edited
  Access access_;        // reused, so that the common case does not allocate

  // The last instruction emitted, when the next access through its 32-bit result may lean on it.
  uint8_t fusible_register_ = 0;
  uint8_t fusible_bits_ = 0;  // 0: none
  size_t fusible_at_ = 0;     // offset of its text in *out_
};

}  // namespace zvm::guest
