// Chunk sizes, policy switches, feature sets, and how violations are handed out.
#include <doctest/doctest.h>

#include <ctime>

#include "judge.h"
#include "validator/scan.h"

namespace zvm::test {
TEST_CASE("chunk sizes") {
  CHECK(Judge({}).verdict.valid);
  for (size_t size = 1; size <= 512; ++size) {
    const Judgement judgement = Judge(std::vector<uint8_t>(size, 0xf4));
    CHECK(judgement.verdict.valid == (size % 32 == 0));
    if (size % 32 != 0) {
      CHECK(judgement.Text() == "0x0 chunk-size");
    }
  }
  std::vector<uint8_t> odd(33, 0xf4);
  CHECK(Load(odd).Text() == "0x0 chunk-size");
}

TEST_CASE("every bundle of a chunk is judged, at every position") {
  for (size_t bundles = 1; bundles <= 9; ++bundles) {
    for (size_t bad = 0; bad < bundles * 32; ++bad) {
      std::vector<uint8_t> code(bundles * 32, 0x90);
      code[bad] = 0xc3;
      for (const ValidatorPath path : {ValidatorPath::kFast, ValidatorPath::kExact}) {
        ValidatorPolicy policy;
        policy.path = path;
        const Judgement judgement = Judge(code, policy);
        REQUIRE(judgement.verdict.violation_count == 1);
        CHECK(judgement.violations[0].offset == bad);
        CHECK(judgement.violations[0].rule == Rule::kUnrecognized);
      }
    }
  }
}

TEST_CASE("the size of a chunk bounds its jumps, not the padding behind") {
  CHECK(Judge(Chunk("eb1d")).verdict.valid);            // to offset 31
  CHECK(Judge(Chunk("eb1e")).verdict.valid);            // to the end
  CHECK(!Judge(Chunk("eb1f")).verdict.valid);           // one behind the end
  CHECK(Judge(Chunk("eb3e")).verdict.valid);            // 64: a multiple of 32 anywhere
  std::vector<uint8_t> two = Chunk("eb1f");
  two.resize(64, 0xf4);
  CHECK(Judge(two).verdict.valid);
}

// Processor time of one judgement, in clock ticks.
clock_t TimeOf(const std::vector<uint8_t>& code, std::span<Violation> violations) {
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  const clock_t start = clock();
  CHECK_FALSE(Validate(code, {}, scratch, violations).valid);
  return clock() - start;
}

TEST_CASE("a bad jump costs no more to refuse than a bad instruction, however many there are") {
  constexpr size_t kSize = 4 << 20;
  const std::vector<uint8_t> bad_instructions(kSize, 0);
  std::vector<uint8_t> bad_jumps(kSize);
  for (size_t i = 0; i < kSize; ++i) {
    bad_jumps[i] = i % 2 == 0 ? 0xeb : 0x01;  // to the middle of the next one
  }
  Violation first[16];
  for (const std::span<Violation> room : {std::span<Violation>(first), std::span<Violation>()}) {
    CHECK(TimeOf(bad_jumps, room) < 4 * TimeOf(bad_instructions, room));
  }
}

TEST_CASE("rdtsc, cpuid and non-temporal accesses are refused on request only") {
  const struct {
    const char* hex;
    bool ValidatorPolicy::*refuse;
    const char* text;
  } cases[] = {
      {"0f31", &ValidatorPolicy::refuse_rdtsc, "0x0 rdtsc-refused"},
      {"0fa2", &ValidatorPolicy::refuse_cpuid, "0x0 cpuid-refused"},
      {"0f2b0424", &ValidatorPolicy::refuse_non_temporal, "0x0 non-temporal-refused"},
      {"0f180424", &ValidatorPolicy::refuse_non_temporal, "0x0 non-temporal-refused"},
      {"c5f82b0424", &ValidatorPolicy::refuse_non_temporal, "0x0 non-temporal-refused"},
      {"480fc30424", &ValidatorPolicy::refuse_non_temporal, "0x0 non-temporal-refused"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.hex);
    CHECK(Accepts(FromHex(c.hex)));
    ValidatorPolicy policy;
    policy.*c.refuse = true;
    for (const ValidatorPath path : {ValidatorPath::kFast, ValidatorPath::kExact}) {
      policy.path = path;
      CHECK(Judge(Chunk(c.hex), policy).Text() == c.text);
      // Four bundles, so that a filter sees it too.
      std::vector<uint8_t> code = Chunk(c.hex);
      code.resize(256, 0xf4);
      CHECK(Judge(code, policy).Text() == c.text);
      std::vector<uint8_t> loaded = code;
      CHECK(!Load(loaded, policy).verdict.valid);
    }
  }
}

TEST_CASE("feature sets as text") {
  CHECK(CpuFeatures::Parse("full") == CpuFeatures::All());
  CHECK(CpuFeatures::Parse("none") == CpuFeatures::None());
  CHECK(CpuFeatures::Parse("cpu") == CpuFeatures::OfThisCpu());
  CHECK(CpuFeatures::Parse("-AVX,AVX2") ==
        CpuFeatures::All().Without(CpuFeature::kAvx).Without(CpuFeature::kAvx2));
  for (const char* bad : {"", "-", "-AVX,", "-,AVX", "-avx", "AVX", "-AVX,AVX512", "full,none"}) {
    CAPTURE(bad);
    CHECK(!CpuFeatures::Parse(bad).has_value());
  }
  CHECK(CpuFeatures::OfThisCpu().Has(CpuFeature::kLongMode));
  CHECK(CpuFeatures::OfThisCpu().Has(CpuFeature::kSse2));
}

TEST_CASE("violations are all counted and as many kept as there is room") {
  const std::vector<uint8_t> code(64 * 32, 0xc3);
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  std::vector<Violation> room(3);
  const Verdict verdict = Validate(code, {}, scratch, room);
  CHECK(!verdict.valid);
  CHECK(verdict.violation_count == 64);
  for (uint32_t i = 0; i < 3; ++i) {
    CHECK(room[i].offset == i * 32);
  }
  CHECK(Validate(code, {}, scratch, {}).violation_count == 64);
}

TEST_CASE("the verdict names the profile that the code needs, also when it is refused") {
  CHECK(Judge(Chunk("8b0424")).verdict.needed == Profile::kNacl);
  CHECK(Judge(Chunk("8b0424"), ZvmPolicy()).verdict.needed == Profile::kNacl);
  CHECK(Judge(Chunk("65678b00"), ZvmPolicy()).verdict.needed == Profile::kZvm);
  CHECK(Judge(Chunk("65678b00")).verdict.needed == Profile::kZvm);
  CHECK(Judge(Chunk("65678b00")).Text() == "0x0 needs-zvm-profile");
}

TEST_CASE("rule names are distinct kebab-case words") {
  for (const RuleText& rule : kRules) {
    CHECK(rule.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string_view::npos);
    CHECK(!rule.reason.empty());
    for (const RuleText& other : kRules) {
      CHECK((&rule == &other || rule.name != other.name));
    }
  }
}

}  // namespace zvm::test
