// BundleWalk: the definition of the verdict on one bundle. Steps through it instruction by
// instruction, keeps the little state that the rules need, and says which rules each step breaks.
#pragma once

#include <cstdint>

#include "validator/instruction.h"
#include "validator/rule.h"
#include "validator/scan.h"

namespace zvm {

// A set of rules, one bit each.
using RuleSet = uint32_t;
constexpr RuleSet RuleBit(Rule rule) { return RuleSet{1} << static_cast<unsigned>(rule); }

// One instruction, or the tail of a superinstruction.
struct WalkStep {
  RuleSet broken = 0;       // empty = accepted
  uint8_t start = 0;        // offset in the bundle
  uint8_t length = 0;       // 0 = unrecognised, the walk has ended
  uint8_t whole_start = 0;  // start of the superinstruction that it ends, else `start`
  bool zvm = false;         // only profile zvm allows it
  Instruction instruction;  // length 0 for sequences and long nops
};

struct BundleWalk {
  const uint8_t* bundle;  // 32 readable bytes
  const ScanPolicy* policy;
  uint32_t position = 0;
  uint32_t restricted = kNoRegister;  // zero-extended by the instruction right before
  uint32_t targets = 0;               // legal jump targets so far

  bool AtEnd() const { return position == kBundleSize; }
  // esp or ebp was written and must be rebased by the very next instruction.
  bool RebasePending() const { return restricted == 4 || restricted == 5; }

  // Judges the instruction at `position` and moves on. Not to be called at the end, nor after a
  // step of length 0.
  WalkStep Step();
  // What is wrong with ending here.
  RuleSet AtEndBroken() const;

 private:
  void Accept(uint32_t length, bool jump_target);
  RuleSet CheckWrites(const Instruction& instruction, uint32_t& restricted_next) const;
  RuleSet CheckNeed(uint32_t need) const;
  bool StepSequence(WalkStep& step);
  void StepInstruction(WalkStep& step);
};

}  // namespace zvm
