// What the loader does to text that is still writable: non-temporal accesses become ordinary ones,
// instructions that lack a CPU feature become halts. Rules: docs/validator.md, "Rewriting".
#include <cstring>

#include "validator/chunk_scan.h"
#include "validator/validator.h"

namespace zvm {
namespace {

constexpr uint8_t kHalt = 0xf4;
constexpr uint8_t kNop = 0x90;

// Turns one non-temporal access into its ordinary twin. False when this form has none. Only forms
// with a REX prefix are rewritten, but for prefetchnta, which simply goes.
bool RewriteNonTemporal(uint8_t* code, const Instruction& instruction, bool uses_index) {
  if (instruction.vex || instruction.opcode_offset < 1 ||
      code[instruction.opcode_offset - 1] != 0x0f) {
    return false;
  }
  uint8_t* const opcode = code + instruction.opcode_offset;
  const bool only_rex = instruction.rex != 0 && instruction.rex_offset == 0;
  const bool rex_after_66 = instruction.rex != 0 && instruction.rex_offset == 1 && code[0] == 0x66;
  switch (instruction.opcode) {
    case 0x18:  // prefetchnta
      std::memset(code, kNop, instruction.length);
      return true;
    case 0xe7:  // movntq, movntdq
      if (!only_rex && !rex_after_66) {
        return false;
      }
      *opcode = 0x7f;
      return true;
    case 0x2b:  // movntps
      if (!only_rex) {
        return false;
      }
      *opcode = 0x29;
      return true;
    case 0xc3: {  // movnti: one byte shorter as mov, so a nop fills up
      if (!only_rex) {
        return false;
      }
      const uint8_t rex = code[0];
      const size_t rest = instruction.length - 3u;  // ModRM and what follows
      // SAFETY: with an index, the zero-extending instruction must stay right before the access.
      if (uses_index) {
        code[1] = 0x89;
        std::memmove(code + 2, code + 3, rest);
        code[instruction.length - 1] = kNop;
      } else {
        code[0] = kNop;
        code[1] = rex;
        code[2] = 0x89;
      }
      return true;
    }
    default: return false;
  }
}

constexpr RuleSet kNonTemporalOnly = RuleBit(Rule::kNonTemporal);
constexpr RuleSet kFeatureOnly = RuleBit(Rule::kCpuFeatureMissing);

// Rewrites one refused bundle and judges it again.
class BundleRewriter {
 public:
  BundleRewriter(const ScanPolicy& policy, bool keep_non_temporal_rule, ScanOutput& output,
                 ViolationList& violations)
      : policy_(policy),
        keep_non_temporal_rule_(keep_non_temporal_rule),
        output_(output),
        violations_(violations) {}

  void Rewrite(uint8_t* bundle, uint32_t bundle_offset);

 private:
  bool Cure(uint8_t* bundle, const WalkStep& step) const;
  bool CureAll(uint8_t* bundle, uint32_t bundle_offset, uint32_t& original_targets);

  const ScanPolicy& policy_;
  const bool keep_non_temporal_rule_;
  ScanOutput& output_;
  ViolationList& violations_;
};

bool BundleRewriter::Cure(uint8_t* bundle, const WalkStep& step) const {
  if (step.broken == kFeatureOnly) {
    // SAFETY: a halt at every offset of the instruction ends the guest wherever it is entered.
    std::memset(bundle + step.whole_start, kHalt, step.start + step.length - step.whole_start);
    return true;
  }
  const bool uses_index = step.instruction.index != kNoRegister;
  return step.broken == kNonTemporalOnly && !keep_non_temporal_rule_ &&
         RewriteNonTemporal(bundle + step.start, step.instruction, uses_index);
}

// False when a violation is left that no rewriting cures; it has been reported then.
bool BundleRewriter::CureAll(uint8_t* bundle, uint32_t bundle_offset, uint32_t& original_targets) {
  uint8_t original[kBundleSize];
  std::memcpy(original, bundle, kBundleSize);
  BundleWalk walk{original, &policy_};
  bool cured = true;
  while (!walk.AtEnd()) {
    const WalkStep step = walk.Step();
    if (step.broken != 0 && (step.length == 0 || !Cure(bundle, step))) {
      violations_.AddAll(bundle_offset + step.start, step.broken);
      cured = false;
    }
    if (step.length == 0) {
      return false;
    }
  }
  violations_.AddAll(bundle_offset + kBundleSize, walk.AtEndBroken());
  original_targets = walk.targets | 1;
  return cured && walk.AtEndBroken() == 0;
}

void BundleRewriter::Rewrite(uint8_t* bundle, uint32_t bundle_offset) {
  uint32_t& targets = output_.targets[bundle_offset / kBundleSize];
  uint32_t original_targets = 0;
  if (!CureAll(bundle, bundle_offset, original_targets)) {
    targets = ~uint32_t{0};  // refused already: no further complaint about jumps to here
    return;
  }
  // SAFETY: the rewritten bytes are judged like any others; whatever the rewriting broke (an index
  // whose zero-extension is gone, a stack update without its first half) is found here.
  if (!ScanBundleExact(bundle, bundle_offset, policy_, output_)) {
    ReportBundle(bundle, bundle_offset, policy_, output_, violations_);
    return;
  }
  // Jumps were written for the original code: they may not use starts that only rewriting made.
  targets &= original_targets;
}

}  // namespace

Verdict RewriteAndValidate(std::span<uint8_t> code, const ValidatorPolicy& policy,
                           std::span<uint8_t> scratch, std::span<Violation> violations) {
  ViolationList list(violations);
  if (!IsChunkSize(code.size())) {
    list.Add(0, Rule::kChunkSize);
    return {false, Profile::kNacl, list.count()};
  }
  if (!policy.features.Has(CpuFeature::kLongMode)) {
    list.Add(0, Rule::kCpuFeatureMissing);  // such a processor cannot run the program at all
    return {false, Profile::kNacl, list.count()};
  }
  // Scanned as if non-temporal accesses were refused, so that every one of them comes up.
  ValidatorPolicy strict = policy;
  strict.refuse_non_temporal = true;
  const ScanPolicy scan = MakeScanPolicy(strict);
  ScanOutput output = MakeScanOutput(code.size(), scratch);
  BundleRewriter rewriter(scan, policy.refuse_non_temporal, output, list);
  ScanChunk(code, strict, scan, output,
            [&](uint32_t offset) { rewriter.Rewrite(code.data() + offset, offset); });
  CheckJumps(code, scan, output, list);
  return {list.count() == 0, output.needs_zvm ? Profile::kZvm : Profile::kNacl, list.count()};
}

}  // namespace zvm
