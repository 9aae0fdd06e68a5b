#include "session/build_answer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "session/literal.h"

namespace zvm {
namespace {

constexpr size_t kCodeSizeMax = 64;

static_assert(std::is_trivially_copyable_v<BuildAnswer> && std::is_standard_layout_v<BuildAnswer>);

// A bool with another value than 0 and 1 must never be read as one.
constexpr size_t kBools[] = {
    offsetof(BuildAnswer, finished),
    offsetof(BuildAnswer, built),
    offsetof(BuildAnswer, problem) + offsetof(PrepareFailure, validated),
};

// True for a text of this program in kebab-case; successes have none.
bool IsCode(std::string_view text) {
  return text.empty() ||
         (text.size() <= kCodeSizeMax && IsLiteral(text) &&
          text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos);
}

bool Holds(const PrepareFailure& problem) {
  return IsCode(problem.failure.code) && problem.profile_needed <= Profile::kZvm &&
         std::all_of(problem.violations.begin(), problem.violations.end(), [](const Violation& v) {
           return static_cast<size_t>(v.rule) < kRuleCount;
         });
}

}  // namespace

BuildAnswer ReadAnswer(const BuildAnswer& shared) {
  unsigned char bytes[sizeof shared];
  std::memcpy(bytes, static_cast<const void*>(&shared), sizeof bytes);
  // SAFETY: the child wrote these bytes; from here on only the copy is looked at.
  for (const size_t at : kBools) {
    bytes[at] = bytes[at] != 0;
  }
  BuildAnswer answer;
  std::memcpy(static_cast<void*>(&answer), bytes, sizeof bytes);
  if (!Holds(answer.problem) || (!answer.built && answer.problem.failure.code.empty())) {
    return {};
  }
  Failure& failure = answer.problem.failure;
  failure.text_size = std::min<unsigned>(failure.text_size, sizeof failure.text);
  failure.status = std::clamp(failure.status, 1, 255);
  failure.line = failure.column = 0;
  return answer;
}

}  // namespace zvm
