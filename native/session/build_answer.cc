#include "session/build_answer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/check.h"

namespace zvm {
namespace {

static_assert(std::is_trivially_copyable_v<BuildAnswer> && std::is_standard_layout_v<BuildAnswer>);

// A bool with another value than 0 and 1 must never be read as one.
constexpr size_t kBools[] = {
    offsetof(BuildAnswer, finished),
    offsetof(BuildAnswer, built),
    offsetof(BuildAnswer, problem) + offsetof(PrepareFailure, validated),
};

// The code of the last answer that was read.
char g_code[kAnswerCodeSizeMax];

// Kebab-case up to the first NUL, which must be there.
bool IsCode(std::string_view bytes) {
  const std::string_view text = bytes.substr(0, bytes.find('\0'));
  return text.size() < bytes.size() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
}

bool Holds(const BuildAnswer& answer) {
  const PrepareFailure& problem = answer.problem;
  return IsCode({answer.code, sizeof answer.code}) && (answer.built || answer.code[0] != 0) &&
         problem.profile_needed <= Profile::kZvm &&
         std::all_of(problem.violations.begin(), problem.violations.end(), [](const Violation& v) {
           return static_cast<size_t>(v.rule) < kRuleCount;
         });
}

}  // namespace

void PackAnswer(BuildAnswer& answer) {
  std::string_view& code = answer.problem.failure.code;
  ZVM_CHECK(code.size() < sizeof answer.code);
  std::fill(std::begin(answer.code), std::end(answer.code), '\0');
  std::copy(code.begin(), code.end(), answer.code);
  code = {};
}

BuildAnswer ReadAnswer(const BuildAnswer& shared) {
  unsigned char bytes[sizeof shared];
  std::memcpy(bytes, static_cast<const void*>(&shared), sizeof bytes);
  // SAFETY: the child wrote these bytes; from here on only the copy is looked at.
  for (const size_t at : kBools) {
    bytes[at] = bytes[at] != 0;
  }
  BuildAnswer answer;
  std::memcpy(static_cast<void*>(&answer), bytes, sizeof bytes);
  if (!Holds(answer)) {
    return {};
  }
  std::memcpy(g_code, answer.code, sizeof g_code);
  Failure& failure = answer.problem.failure;
  failure.code = g_code;
  failure.text_size = std::min<unsigned>(failure.text_size, sizeof failure.text);
  failure.status = std::clamp(failure.status, 1, 255);
  failure.line = failure.column = 0;
  return answer;
}

}  // namespace zvm
