// See judges.h.
#include "judges.h"

#include <array>
#include <bit>

#include "hex.h"
#include "validator/scan.h"
#include "validator/validator.h"

namespace zvm::differential {
namespace {

constexpr size_t kViolationsShown = 8;

ValidatorPolicy PolicyOf(oracle::Rules rules, ValidatorPath path) {
  ValidatorPolicy policy;
  policy.profile = rules == oracle::Rules::kZvm ? Profile::kZvm : Profile::kNacl;
  policy.path = path;
  return policy;
}

}  // namespace

Opinions Judges::Ask(const Bytes& chunk, oracle::Rules rules) {
  scratch_.resize(ValidatorScratchBytes(chunk.size()));
  Verdict exact = Validate(chunk, PolicyOf(rules, ValidatorPath::kExact), scratch_, {});
  Verdict fast = Validate(chunk, PolicyOf(rules, ValidatorPath::kFast), scratch_, {});
  Opinions out;
  out.filtered = CountFiltered(chunk, rules);
  out.exact = exact.valid;
  out.fast = fast.valid;
  out.oracle = oracle_.Accepts(chunk, rules);
  if (out.oracle && out.exact && out.fast) {
    bool is_nacl = rules == oracle::Rules::kNacl || oracle_.Accepts(chunk, oracle::Rules::kNacl);
    Profile needed = is_nacl ? Profile::kNacl : Profile::kZvm;
    out.profile_agrees = exact.needed == needed && fast.needed == needed;
  }
  return out;
}

unsigned Judges::CountFiltered(const Bytes& chunk, oracle::Rules rules) {
  constexpr size_t kGroup = kFilterBundles * kBundleSize;
  AcceptFilter filter = ChooseAcceptFilter(PolicyOf(rules, ValidatorPath::kFast));
  if (filter == nullptr) return 0;
  unsigned count = 0;
  std::array<uint32_t, kFilterBundles> targets{};
  std::array<uint32_t, 2 * kFilterBundles * kMaxJumpsPerBundle> jumps{};
  for (size_t at = 0; kGroup <= chunk.size() - at; at += kGroup) {
    // The offset is always that of the first group, so that four target words are enough.
    ScanOutput output{targets.data(), jumps.data(), 0, false};
    count += static_cast<unsigned>(std::popcount(filter(chunk.data() + at, 0, output)));
  }
  return count;
}

Bytes Judges::Shrink(Bytes chunk, oracle::Rules rules) {
  auto keeps_disagreement = [&](const Bytes& smaller) {
    return !smaller.empty() && !Ask(smaller, rules).Agree();
  };
  constexpr auto kBundle = static_cast<ptrdiff_t>(oracle::kChunkAlignment);
  for (ptrdiff_t at = 0; at < static_cast<ptrdiff_t>(chunk.size());) {
    Bytes smaller = chunk;
    smaller.erase(smaller.begin() + at, smaller.begin() + at + kBundle);
    if (keeps_disagreement(smaller)) {
      chunk = smaller;
    } else {
      at += kBundle;
    }
  }
  for (size_t i = chunk.size(); i-- > 0;) {
    for (uint8_t filler : {uint8_t{0x00}, uint8_t{0x90}, oracle::kPadding}) {
      Bytes smaller = chunk;
      smaller[i] = filler;
      if (keeps_disagreement(smaller)) chunk = smaller;
    }
  }
  return chunk;
}

std::string Judges::Describe(const Bytes& chunk, oracle::Rules rules) {
  Opinions opinions = Ask(chunk, rules);
  bool accepted = oracle_.Accepts(chunk, rules);
  std::string text = "hex " + oracle::FormatHex(chunk);
  text += "\noracle " + std::string(accepted ? "accepts" : "refuses at " + oracle_.reason());
  text += std::string("\nexact path ") + (opinions.exact ? "accepts" : "refuses");
  text += std::string("\nfast path ") + (opinions.fast ? "accepts" : "refuses");
  if (!opinions.profile_agrees) text += "\nthe profile that is needed is misjudged";
  std::array<Violation, kViolationsShown> violations;
  Verdict verdict =
      Validate(chunk, PolicyOf(rules, ValidatorPath::kExact), scratch_, violations);
  for (size_t i = 0; i < violations.size() && i < verdict.violation_count; ++i) {
    text += "\n  " + std::to_string(violations[i].offset) + ": ";
    text += RuleName(violations[i].rule);
  }
  return text + "\n" + oracle_.Print(chunk);
}

}  // namespace zvm::differential
