#include "properties.h"

#include <cstring>

#include "validator/bundle_walk.h"
#include "validator/compare_paths.h"

namespace zvm::test {
namespace {

constexpr size_t kViolationsMax = 256;

struct Outcome {
  Verdict verdict;
  std::vector<Violation> violations = std::vector<Violation>(kViolationsMax);
};

Outcome Run(const std::vector<uint8_t>& code, ValidatorPolicy policy, ValidatorPath path) {
  policy.path = path;
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()), 0xa5);
  Outcome outcome;
  outcome.verdict = Validate(code, policy, scratch, outcome.violations);
  return outcome;
}

bool SameVerdict(const Verdict& a, const Verdict& b) {
  return a.valid == b.valid && a.needed == b.needed && a.violation_count == b.violation_count;
}

// Targets of an accepted bundle.
uint32_t TargetsOf(const uint8_t* bundle, const ScanPolicy& policy) {
  uint32_t targets = 0;
  uint32_t jumps[kMaxJumpsPerBundle];
  ScanOutput output{&targets, jumps, 0, false};
  ScanBundleExact(bundle, 0, policy, output);
  return targets;
}

bool IsLegalEntry(const uint8_t* bundle, uint32_t offset, uint32_t targets,
                  const ScanPolicy& policy) {
  BundleWalk walk{bundle, &policy};
  walk.position = offset;
  while (!walk.AtEnd()) {
    if (walk.Step().broken != 0) {
      return false;
    }
  }
  return walk.AtEndBroken() == 0 && walk.targets == (targets & (~uint32_t{0} << offset));
}

// Decodes the jumps anew and checks each.
bool JumpsAreLegal(const std::vector<uint8_t>& code, const std::vector<uint32_t>& targets,
                   const ScanPolicy& policy) {
  for (size_t bundle = 0; bundle < code.size(); bundle += kBundleSize) {
    BundleWalk walk{code.data() + bundle, &policy};
    while (!walk.AtEnd()) {
      const WalkStep step = walk.Step();
      const size_t end = bundle + walk.position;
      int64_t displacement = 0;
      if (step.instruction.jump32) {
        int32_t value;
        std::memcpy(&value, code.data() + end - 4, 4);
        displacement = value;
      } else if (step.instruction.jump8) {
        displacement = static_cast<int8_t>(code[end - 1]);
      } else {
        continue;
      }
      const int64_t target = static_cast<int64_t>(end) + displacement;
      const bool inside = target >= 0 && target < static_cast<int64_t>(code.size());
      if (target % 32 != 0 && !(inside && ((targets[target / 32] >> (target % 32)) & 1) != 0)) {
        return false;
      }
    }
  }
  return true;
}

const char* BrokenByValidCode(const std::vector<uint8_t>& code, const ValidatorPolicy& policy) {
  const ScanPolicy scan = MakeScanPolicy(policy);
  std::vector<uint32_t> targets;
  for (size_t bundle = 0; bundle < code.size(); bundle += kBundleSize) {
    targets.push_back(TargetsOf(code.data() + bundle, scan));
    for (uint32_t offset = 0; offset < kBundleSize; ++offset) {
      if (((targets.back() >> offset) & 1) != 0 &&
          !IsLegalEntry(code.data() + bundle, offset, targets.back(), scan)) {
        return "a legal target is no legal entry";
      }
    }
  }
  return JumpsAreLegal(code, targets, scan) ? nullptr : "a jump of valid code is not legal";
}

const char* BrokenByRewriting(const std::vector<uint8_t>& code, const ValidatorPolicy& policy) {
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()), 0x5a);
  std::vector<uint8_t> once = code;
  if (!RewriteAndValidate(once, policy, scratch, {}).valid) {
    return nullptr;
  }
  ValidatorPolicy strict = policy;
  strict.refuse_non_temporal = true;
  if (!Validate(once, strict, scratch, {}).valid) {
    return "rewritten code is not valid as it stands";
  }
  std::vector<uint8_t> twice = once;
  if (!RewriteAndValidate(twice, policy, scratch, {}).valid || once != twice) {
    return "rewriting is not idempotent";
  }
  return nullptr;
}

}  // namespace

const char* BrokenProperty(std::vector<uint8_t> code, const ValidatorPolicy& policy) {
  code.resize((code.size() + kBundleSize - 1) / kBundleSize * kBundleSize, 0xf4);
  const Outcome exact = Run(code, policy, ValidatorPath::kExact);
  const Outcome fast = Run(code, policy, ValidatorPath::kFast);
  if (!SameVerdict(exact.verdict, fast.verdict) ||
      ComparePaths(code, policy).differences != 0) {
    return "the paths disagree";
  }
  if (exact.verdict.valid != (exact.verdict.violation_count == 0)) {
    return "valid with violations";
  }
  for (size_t i = 0; i < exact.violations.size() && i < exact.verdict.violation_count; ++i) {
    if (exact.violations[i].offset > code.size() ||
        static_cast<size_t>(exact.violations[i].rule) >= kRuleCount) {
      return "a violation outside the chunk";
    }
  }
  if (exact.verdict.valid) {
    if (const char* broken = BrokenByValidCode(code, policy)) {
      return broken;
    }
  }
  return BrokenByRewriting(code, policy);
}

}  // namespace zvm::test
