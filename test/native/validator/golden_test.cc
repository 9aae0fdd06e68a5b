// The golden files: small chunks, the exact violations, the point of each.
#include <doctest/doctest.h>

#include "judge.h"
#include "validator/compare_paths.h"

namespace zvm::test {
namespace {

// Violations as the golden files write them.
std::string Compact(const Judgement& judgement) {
  std::string text = judgement.Text();
  for (size_t at; (at = text.find(", ")) != std::string::npos;) {
    text.erase(at + 1, 1);
  }
  for (size_t at; (at = text.find(' ')) != std::string::npos;) {
    text[at] = ':';
  }
  return text;
}

std::string CodeOf(const Row& row) { return row.at(0) == "\"\"" ? "" : row.at(0); }

}  // namespace

TEST_CASE("profile zvm and its neighbourhood") {
  const std::vector<Row> rows = ReadTable("native/validator/golden/profile_zvm.txt", ' ');
  REQUIRE(rows.size() == 224);
  size_t accepted = 0;
  for (const Row& row : rows) {
    const std::vector<uint8_t> code = Chunk(CodeOf(row));
    CAPTURE(row[0]);
    const Judgement nacl = Judge(code);
    const Judgement zvm = Judge(code, ZvmPolicy());
    CHECK(Compact(nacl) == row.at(1));
    CHECK(Compact(zvm) == row.at(2));
    CHECK(ComparePaths(code, ZvmPolicy()).differences == 0);
    if (zvm.verdict.valid) {
      accepted += 1;
      CHECK(zvm.verdict.needed == (nacl.verdict.valid ? Profile::kNacl : Profile::kZvm));
    }
  }
  CHECK(accepted == 77);
}

TEST_CASE("rules: offset and reason of every violation") {
  for (const Row& row : ReadTable("native/validator/golden/rules.txt", ' ')) {
    const std::vector<uint8_t> code = Chunk(CodeOf(row));
    CAPTURE(row[0]);
    CHECK(Compact(Judge(code)) == row.at(1));
  }
}

}  // namespace zvm::test
