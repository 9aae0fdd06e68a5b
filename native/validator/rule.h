// Rule: every reason for which the validator refuses code, with a stable name and a sentence for
// the person who reads it. Explained one by one in docs/validator.md ("Rule codes").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zvm {

enum class Rule : uint8_t {
  kChunkSize,
  kUnrecognized,
  kBadBase,
  kBadIndex,
  kR15Modified,
  kSpModified,
  kBpModified,
  kRspUnprocessed,
  kRbpUnprocessed,
  kRspUnrestricted,
  kRbpUnrestricted,
  kBadJumpTarget,
  kJumpOutOfRange,
  kCpuFeatureMissing,
  kNonTemporal,
  kRdtsc,
  kCpuid,
  kNeedsZvm,
};

struct RuleText {
  Rule rule;
  std::string_view name;    // stable, kebab-case; clients and tests compare it
  std::string_view reason;  // one line; may be reworded at any time
};

// In the order of the enum, so that kRules[rule] is the entry of `rule`.
inline constexpr RuleText kRules[] = {
    {Rule::kChunkSize, "chunk-size", "the size is no multiple of 32 or above 1 GiB"},
    {Rule::kUnrecognized, "unrecognized",
     "no instruction of the allow-list starts here, or it crosses the end of its bundle"},
    {Rule::kBadBase, "bad-base", "a memory operand must be based on rip, r15, rsp or rbp"},
    {Rule::kBadIndex, "bad-index",
     "an index register must be zero-extended by the instruction right before, in the same bundle"},
    {Rule::kR15Modified, "r15-modified", "r15 holds the sandbox base and may not be written"},
    {Rule::kSpModified, "sp-modified", "rsp may only be written by its sandboxing sequences"},
    {Rule::kBpModified, "bp-modified", "rbp may only be written by its sandboxing sequences"},
    {Rule::kRspUnprocessed, "rsp-unprocessed",
     "esp was written and is not rebased by the very next instruction"},
    {Rule::kRbpUnprocessed, "rbp-unprocessed",
     "ebp was written and is not rebased by the very next instruction"},
    {Rule::kRspUnrestricted, "rsp-unrestricted",
     "rsp is rebased although esp was not written right before"},
    {Rule::kRbpUnrestricted, "rbp-unrestricted",
     "rbp is rebased although ebp was not written right before"},
    {Rule::kBadJumpTarget, "bad-jump-target",
     "a direct jump leads into an instruction or into a sandboxing sequence"},
    {Rule::kJumpOutOfRange, "jump-out-of-range",
     "a direct jump leaves the chunk for an address that is no multiple of 32"},
    {Rule::kCpuFeatureMissing, "cpu-feature-missing",
     "the instruction needs a CPU feature that is not offered"},
    {Rule::kNonTemporal, "non-temporal-refused",
     "non-temporal accesses are refused, or this form cannot be rewritten"},
    {Rule::kRdtsc, "rdtsc-refused", "rdtsc is refused by policy"},
    {Rule::kCpuid, "cpuid-refused", "cpuid is refused by policy"},
    {Rule::kNeedsZvm, "needs-zvm-profile", "only profile zvm allows this instruction"},
};
inline constexpr size_t kRuleCount = sizeof kRules / sizeof kRules[0];

constexpr bool RulesAreInOrder() {
  for (size_t i = 0; i < kRuleCount; ++i) {
    if (static_cast<size_t>(kRules[i].rule) != i) {
      return false;
    }
  }
  return static_cast<size_t>(Rule::kNeedsZvm) + 1 == kRuleCount;
}
static_assert(RulesAreInOrder());

constexpr std::string_view RuleName(Rule rule) { return kRules[static_cast<size_t>(rule)].name; }
constexpr std::string_view RuleReason(Rule rule) {
  return kRules[static_cast<size_t>(rule)].reason;
}

}  // namespace zvm
