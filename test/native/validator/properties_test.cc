// The properties of properties.h on the conformance corpus, as it is and with random changes.
#include <doctest/doctest.h>

#include <random>

#include "judge.h"
#include "properties.h"

namespace zvm::test {
namespace {

void CheckTable(const char* name, size_t stride) {
  std::mt19937 random(20131);
  const std::vector<Row> rows = ReadTable(std::string("conformance/") + name);
  size_t checked = 0;
  for (size_t i = 0; i < rows.size(); i += stride) {
    std::vector<uint8_t> code = FromHex(rows[i].at(0));
    for (int round = 0; round < 4; ++round) {
      ValidatorPolicy policy = round % 2 == 0 ? ValidatorPolicy{} : ZvmPolicy();
      if (round >= 2) {
        policy.features = policy.features.Without(
            static_cast<CpuFeature>(random() % static_cast<unsigned>(CpuFeature::kCount)));
        code[random() % code.size()] = static_cast<uint8_t>(random());
      }
      const char* broken = BrokenProperty(code, policy);
      CAPTURE(ToHex(code));
      CAPTURE(broken);
      CHECK(broken == nullptr);
      checked += 1;
    }
  }
  CHECK(checked > 1000);
}

}  // namespace

TEST_CASE("properties: windows of real programs") { CheckTable("windows.tsv.gz", 3); }
TEST_CASE("properties: sequences") { CheckTable("seq.tsv.gz", 1); }
TEST_CASE("properties: single instructions") { CheckTable("single.tsv.gz", 13); }
TEST_CASE("properties: rewriting") { CheckTable("loader.tsv.gz", 1); }

}  // namespace zvm::test
