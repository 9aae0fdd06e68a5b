// The properties of properties.h on the conformance corpus, as it is and with random changes.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "judge.h"
#include "properties.h"

namespace zvm::test {
namespace {

void CheckTable(const char* name, size_t stride) {
  std::mt19937 random(20131);
  const std::vector<Row> rows = ReadTable(std::string("conformance/") + name);
  size_t checked = 0;
  for (size_t i = 0; i < rows.size(); i += stride * kSweepStride) {
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
  CHECK(checked > 1000 / kSweepStride);
}

}  // namespace

// Found by the fuzz target: a masked jump whose parts are in two bundles is none, so the add at the
// end of the first bundle stays a jump target in every path.
TEST_CASE("a sequence cut in two by the bundle's end is no sequence") {
  for (const char* tail : {"4183e3e04d01fb41ffd3", "83e0e04c01f8ffe0", "4183e3e04d01fb4153c3",
                           "89ff498d3c3faa", "83ec084c01fc"}) {
    const std::vector<uint8_t> sequence = FromHex(tail);
    for (size_t at = 0; at < 96; ++at) {
      std::vector<uint8_t> code(128, 0x90);
      std::copy(sequence.begin(), sequence.end(), code.begin() + static_cast<ptrdiff_t>(at));
      CAPTURE(tail);
      CAPTURE(at);
      CHECK(BrokenProperty(code, ValidatorPolicy{}) == nullptr);
      CHECK(BrokenProperty(code, ZvmPolicy()) == nullptr);
      // The same with fewer, longer instructions, which the accept filter can list.
      for (size_t i = 0; i + 5 <= at % 32; i += 5) {
        code[at / 32 * 32 + i] = 0xb8;
      }
      CHECK(BrokenProperty(code, ValidatorPolicy{}) == nullptr);
      CHECK(BrokenProperty(code, ZvmPolicy()) == nullptr);
    }
  }
}

TEST_CASE("properties: windows of real programs") { CheckTable("windows.tsv.gz", 3); }
TEST_CASE("properties: sequences") { CheckTable("seq.tsv.gz", 1); }
TEST_CASE("properties: single instructions") { CheckTable("single.tsv.gz", 13); }
TEST_CASE("properties: rewriting") { CheckTable("loader.tsv.gz", 1); }

}  // namespace zvm::test
