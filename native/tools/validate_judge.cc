// Calls the validator and renders its verdict.
#include "tools/validate_judge.h"

#include <algorithm>
#include <cstdio>

#include "validator/compare_paths.h"

namespace zvm {

std::string_view ProfileName(Profile profile) { return profile == Profile::kZvm ? "zvm" : "nacl"; }

Verdict ChunkJudge::Judge(std::span<uint8_t> code, size_t violations_max) {
  const size_t needed = ValidatorScratchBytes(code.size());
  if (scratch_.size() < needed) {
    scratch_.resize(needed);
  }
  if (violations_.size() < violations_max) {
    violations_.resize(violations_max);
  }
  const std::span<Violation> room(violations_.data(), violations_max);
  const Verdict verdict =
      arguments_.load ? RewriteAndValidate(code, arguments_.policy, scratch_, room)
                      : Validate(code, arguments_.policy, scratch_, room);
  kept_ = static_cast<size_t>(std::min<uint64_t>(verdict.violation_count, violations_max));
  std::stable_sort(violations_.begin(), violations_.begin() + static_cast<ptrdiff_t>(kept_),
                   [](const Violation& a, const Violation& b) { return a.offset < b.offset; });
  difference_ = -1;
  if (arguments_.path == ValidatePath::kBoth) {
    const PathComparison comparison = ComparePaths(code, arguments_.policy);
    if (comparison.differences != 0) {
      difference_ = comparison.first_difference;
    }
  }
  return verdict;
}

void AppendVerdictJson(const Verdict& verdict, std::span<const Violation> violations,
                       const std::string_view* rewritten_hex, std::string& out) {
  out += verdict.valid ? "{\"valid\":true,\"profile\":\"" : "{\"valid\":false,\"profile\":\"";
  out += ProfileName(verdict.needed);
  out += "\",\"violation_count\":" + std::to_string(verdict.violation_count) + ",\"violations\":[";
  for (size_t i = 0; i < violations.size(); ++i) {
    out += i == 0 ? "{\"offset\":" : ",{\"offset\":";
    out += std::to_string(violations[i].offset) + ",\"rule\":\"";
    out += RuleName(violations[i].rule);
    out += "\",\"reason\":\"";
    out += RuleReason(violations[i].rule);
    out += "\"}";
  }
  out += ']';
  if (rewritten_hex != nullptr) {
    out += ",\"code\":\"";
    out += *rewritten_hex;
    out += '"';
  }
  out += '}';
}

}  // namespace zvm
