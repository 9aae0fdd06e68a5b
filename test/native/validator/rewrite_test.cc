// What the loader's rewriting does beyond the rows of the conformance table.
#include <doctest/doctest.h>

#include "judge.h"

namespace zvm::test {
namespace {

ValidatorPolicy Without(CpuFeature feature) {
  ValidatorPolicy policy;
  policy.features = CpuFeatures::All().Without(feature);
  return policy;
}

// The chunk after loading, or the violations.
std::string LoadHex(const std::string& hex, const ValidatorPolicy& policy = {}) {
  std::vector<uint8_t> code = Chunk(hex);
  const Judgement judgement = Load(code, policy);
  return judgement.verdict.valid ? ToHex(code).substr(0, hex.size()) : judgement.Text();
}

}  // namespace

TEST_CASE("code that needs no rewriting is left alone") {
  CHECK(LoadHex("8b04249083ec084c01fc") == "8b04249083ec084c01fc");
}

TEST_CASE("non-temporal stores become ordinary ones") {
  CHECK(LoadHex("480fc30424") == "9048890424");
  CHECK(LoadHex("480f2b0424") == "480f290424");
  CHECK(LoadHex("480fe70424") == "480f7f0424");
  CHECK(LoadHex("66400fe70424") == "66400f7f0424");
  CHECK(LoadHex("0f180424") == "90909090");
  // With an index the nop goes behind, or the index would no longer be fresh.
  CHECK(LoadHex("89c0410fc30407") == "89c04189040790");
}

TEST_CASE("forms without a twin are refused") {
  for (const char* hex : {"0fc30424", "0f2b0424", "0fe70424", "660fe70424", "660f2b0424",
                          "66480f2b0424", "f30f2b0424", "660f382a0424", "c5f82b0424"}) {
    CAPTURE(hex);
    CHECK(LoadHex(hex) == "0x0 non-temporal-refused");
  }
}

TEST_CASE("an instruction whose only fault is a missing feature becomes halts") {
  CHECK(LoadHex("c5fc1004249090", Without(CpuFeature::kAvx)) == "f4f4f4f4f49090");
  // The two prefix bytes of a gs-relative operand go too.
  ValidatorPolicy policy = Without(CpuFeature::kAvx);
  policy.profile = Profile::kZvm;
  CHECK(LoadHex("6567c5fc100090", policy) == "f4f4f4f4f4f490");
  // A superinstruction goes as a whole.
  CHECK(LoadHex("89ff498d3c3f660ff7c1", Without(CpuFeature::kSse2)) == "f4f4f4f4f4f4f4f4f4f4");
}

TEST_CASE("a missing feature beside another fault is no excuse") {
  CHECK(LoadHex("c5fc1000", Without(CpuFeature::kAvx)) == "0x0 bad-base, 0x0 cpu-feature-missing");
}

TEST_CASE("what the rewriting breaks is refused") {
  // movd %xmm0,%eax zero-extends eax for the next access; as halts it does not.
  CHECK(LoadHex("660f7ec0418b0407") == "660f7ec0418b0407");
  CHECK(LoadHex("660f7ec0418b0407", Without(CpuFeature::kSse2)) == "0x4 bad-index");
  // The first half of a stack update.
  CHECK(LoadHex("660f7ec44c01fc", Without(CpuFeature::kSse2)) == "0x4 rsp-unrestricted");
}

TEST_CASE("jumps may not use starts that only the rewriting made") {
  // Into the second byte of what becomes nops.
  CHECK(LoadHex("eb010f180424") == "0x0 bad-jump-target");
  CHECK(LoadHex("eb000f180424") == "eb0090909090");
  CHECK(LoadHex("eb01c5fc100424", Without(CpuFeature::kAvx)) == "0x0 bad-jump-target");
  // To the use of an index that becomes halts.
  CHECK(LoadHex("eb0289c0c4c17c100407", Without(CpuFeature::kAvx)) == "0x0 bad-jump-target");
}

TEST_CASE("rewriting is idempotent and its result is valid as it stands") {
  size_t rewritten = 0;
  for (const Row& row : ReadTable("conformance/loader.tsv.gz")) {
    ValidatorPolicy policy;
    policy.features = *CpuFeatures::Parse(row.at(1) == "-" ? "full" : row[1]);
    std::vector<uint8_t> once = Chunk(row.at(0));
    if (!Load(once, policy).verdict.valid) {
      continue;
    }
    std::vector<uint8_t> twice = once;
    policy.refuse_non_temporal = true;
    CHECK(Judge(once, policy).verdict.valid);
    CHECK(Load(twice, policy).verdict.valid);
    CHECK(once == twice);
    rewritten += 1;
  }
  CHECK(rewritten > 1000);
}

}  // namespace zvm::test
