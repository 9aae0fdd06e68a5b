// Helpers of the validator's tests: tables, hexadecimal, and one call that judges a chunk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "validator/validator.h"

namespace zvm::test {

// Sanitizer builds take thirty times as long: there, sweeps look at every n-th case only.
#if __has_feature(address_sanitizer)
inline constexpr size_t kSweepStride = 25;
#else
inline constexpr size_t kSweepStride = 1;
#endif

using Row = std::vector<std::string>;  // the columns of a line

// Lines of ZVM_TEST_DIR/`name`, split at tabs; a name ending in .gz is decompressed. Lines that are
// empty or begin with '#' are left out. Requires the file to exist.
std::vector<Row> ReadTable(const std::string& name, char separator = '\t');

std::vector<uint8_t> FromHex(const std::string& hex);
std::string ToHex(const std::vector<uint8_t>& bytes);
// `hex` completed with halts to a multiple of 32 bytes, as the conformance tables want it.
std::vector<uint8_t> Chunk(const std::string& hex);

struct Judgement {
  Verdict verdict;
  std::vector<Violation> violations;  // sorted by offset, then rule

  // "0x4 bad-base, 0x7 bad-index", or "-" when there is none.
  std::string Text() const;
};

// The verdict alone; `code` is completed with halts first.
bool Accepts(std::vector<uint8_t> code, const ValidatorPolicy& policy = {});
Judgement Judge(const std::vector<uint8_t>& code, const ValidatorPolicy& policy = {});
// Rewrites `code` in place.
Judgement Load(std::vector<uint8_t>& code, const ValidatorPolicy& policy = {});

inline ValidatorPolicy ZvmPolicy() {
  ValidatorPolicy policy;
  policy.profile = Profile::kZvm;
  return policy;
}

}  // namespace zvm::test
