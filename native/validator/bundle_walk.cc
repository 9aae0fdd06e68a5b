// The rules that tie instructions together. Every rule: docs/validator.md, "Rules".
#include "validator/bundle_walk.h"

#include "validator/sequence.h"

namespace zvm {
namespace {

constexpr unsigned kRsp = 4;
constexpr unsigned kRbp = 5;
constexpr unsigned kR15 = 15;

RuleSet UnprocessedRule(uint32_t reg) {
  return RuleBit(reg == kRsp ? Rule::kRspUnprocessed : Rule::kRbpUnprocessed);
}

}  // namespace

void BundleWalk::Accept(uint32_t length, bool jump_target) {
  targets |= (jump_target ? 1u : 0u) << position;
  position += length;
}

RuleSet BundleWalk::AtEndBroken() const {
  // SAFETY: the next bundle can be entered by a jump, so nothing may be left half done at the end.
  return RebasePending() ? UnprocessedRule(restricted) : 0;
}

RuleSet BundleWalk::CheckNeed(uint32_t need) const {
  RuleSet broken = 0;
  if (((policy->allowed_needs >> need) & 1) != 0) {
    return broken;
  }
  const Need& wanted = kNeeds[need];
  if (wanted.non_temporal && policy->refuse_non_temporal) {
    broken |= RuleBit(Rule::kNonTemporal);
  }
  if (wanted.rdtsc && policy->refuse_rdtsc) {
    broken |= RuleBit(Rule::kRdtsc);
  }
  if (wanted.cpuid && policy->refuse_cpuid) {
    broken |= RuleBit(Rule::kCpuid);
  }
  if (!policy->HasFeatures(wanted)) {
    broken |= RuleBit(Rule::kCpuFeatureMissing);
  }
  return broken;
}

// The fixed forms around the allow-list. True when one of them was here.
bool BundleWalk::StepSequence(WalkStep& step) {
  const uint8_t* code = bundle + position;
  const size_t available = kBundleSize - position;
  if (RebasePending()) {
    // SAFETY: a jump to the second half would add the base to a register that still has it.
    const unsigned length = MatchRebase(code, available, restricted);
    if (length != 0) {
      step.length = static_cast<uint8_t>(length);
      Accept(length, false);
      restricted = kNoRegister;
      return true;
    }
    step.broken |= UnprocessedRule(restricted);
  }
  unsigned length = MatchStackUpdate(code, available);
  if (length == 0) {
    length = MatchLongNop(code, available);
  }
  if (length != 0) {
    step.length = static_cast<uint8_t>(length);
    Accept(length, true);
    restricted = kNoRegister;
    return true;
  }
  const SequenceTail tail = MatchSequenceTail(bundle, position, targets);
  if (tail.length != 0) {
    step.length = static_cast<uint8_t>(tail.length);
    step.whole_start = static_cast<uint8_t>(tail.start);
    step.zvm = tail.zvm;
    step.broken |= CheckNeed(tail.need);
    Accept(tail.length, false);
    // SAFETY: entered in the middle, the tail would use a register that nobody has confined.
    targets &= ~tail.inner;
    restricted = kNoRegister;
    return true;
  }
  return false;
}

// Registers 4 and 5 in a byte form without REX are ah and ch.
RuleSet BundleWalk::CheckWrites(const Instruction& instruction, uint32_t& restricted_next) const {
  RuleSet broken = 0;
  const bool high_byte = instruction.byte_dest && instruction.rex == 0;
  for (const uint32_t reg : {uint32_t{instruction.dest}, uint32_t{instruction.also_dest}}) {
    const bool main = reg == instruction.dest && reg != instruction.also_dest;
    if (reg == kR15) {
      // SAFETY: r15 is the sandbox base; every address and jump is confined relative to it.
      broken |= RuleBit(Rule::kR15Modified);
    } else if ((reg == kRsp || reg == kRbp) && !high_byte) {
      if (!instruction.zext) {
        const bool unrestricted = MatchRebase(bundle + position, kBundleSize - position, reg) != 0;
        broken |= reg == kRsp ? RuleBit(unrestricted ? Rule::kRspUnrestricted : Rule::kSpModified)
                              : RuleBit(unrestricted ? Rule::kRbpUnrestricted : Rule::kBpModified);
      } else if (!main) {
        broken |= UnprocessedRule(reg);  // only one register can be rebased next
      }
    }
  }
  restricted_next = instruction.zext ? instruction.dest : kNoRegister;
  return broken;
}

void BundleWalk::StepInstruction(WalkStep& step) {
  const Instruction& instruction = step.instruction;
  bool uses_index = false;
  if (instruction.checked) {
    if (!instruction.base_ok) {
      step.broken |= RuleBit(Rule::kBadBase);
    }
    if (instruction.index != kNoRegister) {
      // SAFETY: only a register that the instruction right before has zero-extended is known to be
      // below 2^32, so a jump may not land between the two.
      uses_index = true;
      if (instruction.index != restricted || RebasePending()) {
        step.broken |= RuleBit(Rule::kBadIndex);
      }
    }
  }
  uint32_t restricted_next = kNoRegister;
  step.broken |= CheckWrites(instruction, restricted_next);
  step.broken |= CheckNeed(instruction.need);
  step.length = instruction.length;
  step.zvm = instruction.gs_relative;
  Accept(instruction.length, !uses_index);
  restricted = restricted_next;
}

WalkStep BundleWalk::Step() {
  WalkStep step;
  step.start = step.whole_start = static_cast<uint8_t>(position);
  if (!StepSequence(step)) {
    step.instruction = DecodeInstruction(bundle + position, kBundleSize - position);
    if (step.instruction.length == 0) {
      step.broken |= RuleBit(Rule::kUnrecognized);
      return step;
    }
    StepInstruction(step);
  }
  if (step.zvm && !policy->zvm) {
    step.broken |= RuleBit(Rule::kNeedsZvm);
  }
  return step;
}

}  // namespace zvm
