// One chunk through the validator, with the memory that this takes and the words for the answer.
#pragma once

#include <string>
#include <vector>

#include "tools/validate_arguments.h"

namespace zvm {

class ChunkJudge {
 public:
  explicit ChunkJudge(const ValidateArguments& arguments) : arguments_(arguments) {}

  // Judges `code`, which is rewritten with --load. Keeps up to `violations_max` violations, sorted
  // by offset.
  Verdict Judge(std::span<uint8_t> code, size_t violations_max);
  std::span<const Violation> violations() const { return {violations_.data(), kept_}; }
  // Offset of the first bundle on which the paths disagree (--path both), -1 = they agree.
  int64_t difference() const { return difference_; }

 private:
  const ValidateArguments& arguments_;
  std::vector<uint8_t> scratch_;
  std::vector<Violation> violations_;
  size_t kept_ = 0;
  int64_t difference_ = -1;
};

// {"valid":...,"profile":...,"violation_count":...,"violations":[...]} without a line end. When
// `rewritten` is not null, its hexadecimal form is in it as "code".
void AppendVerdictJson(const Verdict& verdict, std::span<const Violation> violations,
                       const std::string_view* rewritten_hex, std::string& out);

std::string_view ProfileName(Profile profile);

}  // namespace zvm
