// Every row of the conformance tables, under every path and profile.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "judge.h"
#include "validator/compare_paths.h"

namespace zvm::test {
namespace {

ValidatorPolicy Policy(ValidatorPath path, Profile profile) {
  ValidatorPolicy policy;
  policy.path = path;
  policy.profile = profile;
  return policy;
}

// The table's word for the first error is the beginning of our rule name, with other dashes.
bool NamesReason(const std::string& category, const Judgement& judgement) {
  std::string reason = category.substr(category.rfind('/') + 1);
  std::replace(reason.begin(), reason.end(), '_', '-');
  return std::any_of(judgement.violations.begin(), judgement.violations.end(),
                     [&](const Violation& violation) {
                       return reason.find(RuleName(violation.rule)) != std::string::npos;
                     });
}

void CheckTable(const std::string& name, size_t rows_expected) {
  const std::vector<Row> rows = ReadTable("conformance/" + name);
  REQUIRE(rows.size() == rows_expected);
  size_t wrong = 0;
  size_t wrong_reason = 0;
  size_t different_paths = 0;
  for (size_t i = 0; i < rows.size(); i += kSweepStride) {
    const Row& row = rows[i];
    const std::vector<uint8_t> code = Chunk(row.at(0));
    const bool expected = row.at(1) == "1";
    // No row needs profile zvm, so both profiles must agree on all of them.
    for (const Profile profile : {Profile::kNacl, Profile::kZvm}) {
      for (const ValidatorPath path : {ValidatorPath::kExact, ValidatorPath::kFast}) {
        const Judgement judgement = Judge(code, Policy(path, profile));
        wrong += judgement.verdict.valid != expected;
        wrong += expected && judgement.verdict.needed != Profile::kNacl;
        if (!expected && !NamesReason(row.at(2), judgement)) {
          wrong_reason += 1;
          MESSAGE(row[0] << " " << row[2] << " " << judgement.Text());
        }
      }
    }
    different_paths += ComparePaths(code, ValidatorPolicy{}).differences;
    different_paths += ComparePaths(code, ZvmPolicy()).differences;
  }
  CHECK(wrong == 0);
  CHECK(wrong_reason == 0);
  CHECK(different_paths == 0);
}

// The feature names that the table gives, as the validator's.
std::set<std::string> Names(const std::string& list) {
  std::set<std::string> names;
  for (size_t from = 0; from <= list.size();) {
    const size_t to = std::min(list.find(',', from), list.size());
    names.insert(list.substr(from, to - from));
    from = to + 1;
  }
  return names;
}

}  // namespace

TEST_CASE("single instructions") { CheckTable("single.tsv.gz", 199303); }
TEST_CASE("sandboxing sequences") { CheckTable("seq.tsv.gz", 6577); }
TEST_CASE("windows of real programs") { CheckTable("windows.tsv.gz", 20000); }

TEST_CASE("features: exactly the named ones are needed") {
  const std::vector<Row> rows = ReadTable("conformance/features.tsv.gz");
  REQUIRE(rows.size() == 663);
  for (const Row& row : rows) {
    const std::vector<uint8_t> code = Chunk(row.at(0));
    CAPTURE(row[0]);
    ValidatorPolicy policy;
    CHECK(Judge(code, policy).verdict.valid);
    policy.features = CpuFeatures::None();
    CHECK(Judge(code, policy).verdict.valid == (row.at(1) == "-"));
    if (row[1] == "either") {
      continue;  // any single feature may be missing
    }
    for (unsigned i = 0; i < static_cast<unsigned>(CpuFeature::kCount); ++i) {
      const auto feature = static_cast<CpuFeature>(i);
      policy.features = CpuFeatures::All().Without(feature);
      const bool needed = Names(row[1]).count(std::string(FeatureName(feature))) != 0;
      CHECK(Judge(code, policy).verdict.valid == !needed);
    }
  }
}

TEST_CASE("loader: verdict and bytes after rewriting") {
  const std::vector<Row> rows = ReadTable("conformance/loader.tsv.gz");
  REQUIRE(rows.size() == 3277);
  size_t rewritten = 0;
  for (const Row& row : rows) {
    const std::string set = row.at(1) == "-" ? "full" : row[1];
    ValidatorPolicy policy;
    const auto features = CpuFeatures::Parse(set);
    REQUIRE(features.has_value());
    policy.features = *features;
    std::vector<uint8_t> code = Chunk(row.at(0));
    CAPTURE(row[0]);
    CHECK(Load(code, policy).verdict.valid == (row.at(2) == "1"));
    if (row[2] == "1") {
      CHECK(ToHex(code).substr(0, row.at(3).size()) == row[3]);
      rewritten += row[0] != row[3];
    }
  }
  CHECK(rewritten > 1000);
}

}  // namespace zvm::test
