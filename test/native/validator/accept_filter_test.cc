// The accept filter against the exact path: all table rows in random company, mutated, and the
// policies that it must not serve. Longer runs: validator-diff.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "block_maker.h"
#include "judge.h"
#include "base/host_cpu.h"
#include "validator/accept_filter.h"
#include "validator/accept_filter_tables.h"

namespace zvm::test {
namespace {

// Every filter that this CPU can run, whichever would be chosen.
std::vector<AcceptFilter> Filters(Profile profile) {
  std::vector<AcceptFilter> filters;
  if (zvm_cpu_has_avx512_vbmi()) {
    filters.push_back(Avx512AcceptFilter(profile));
  }
  if (zvm_cpu_has_avx2()) {
    filters.push_back(Avx2AcceptFilter(profile));
  }
  return filters;
}

// Every bundle of the sources once, four unrelated ones a block. With `mutations` bytes of each
// changed, a quarter of them.
FilterCounts CheckAllSources(AcceptFilter filter, const ValidatorPolicy& policy,
                             const std::vector<Bytes>& sources, int mutations) {
  const ScanPolicy scan = MakeScanPolicy(policy);
  BlockMaker maker(static_cast<uint64_t>(mutations), scan, sources);
  std::vector<const uint8_t*> bundles;
  for (const Bytes& source : sources) {
    for (size_t at = 0; at < source.size(); at += kBundleSize) {
      bundles.push_back(source.data() + at);
    }
  }
  for (size_t i = bundles.size(); i > 1; --i) {
    std::swap(bundles[i - 1], bundles[maker.random().Below(i)]);
  }
  FilterCounts counts;
  const size_t step = mutations == 0 ? kFilterBundles : 4 * kFilterBundles;
  for (size_t i = 0; i + kFilterBundles <= bundles.size(); i += step) {
    uint8_t block[kBlockSize];
    for (size_t n = 0; n < kFilterBundles; ++n) {
      std::memcpy(block + n * kBundleSize, bundles[i + n], kBundleSize);
      maker.Mutate(block + n * kBundleSize, kBundleSize, mutations);
    }
    const std::string difference = CheckFilter(filter, scan, block, 0, counts);
    if (!difference.empty()) {
      FAIL_CHECK(difference << " " << ToHex(Bytes(block, block + kBlockSize)));
      break;
    }
  }
  return counts;
}

// All filters must be right about the block. Bundles that each of them accepts; the same for all.
uint64_t CheckAllFilters(std::vector<uint8_t> block, const ValidatorPolicy& policy) {
  block.resize(kBlockSize, 0xf4);
  FilterCounts counts;
  const std::vector<AcceptFilter> filters = Filters(policy.profile);
  for (const AcceptFilter filter : filters) {
    CHECK(CheckFilter(filter, MakeScanPolicy(policy), block.data(), 0, counts) == "");
  }
  CHECK((filters.empty() || counts.filter_accepted % filters.size() == 0));
  return filters.empty() ? 0 : counts.filter_accepted / filters.size();
}

// Whether they accept one bundle, with three bundles of halts behind it.
bool Accepts(const std::string& hex, const ValidatorPolicy& policy) {
  return CheckAllFilters(Chunk(hex), policy) == kFilterBundles;
}

bool HasFilter() { return ChooseAcceptFilter({}) != nullptr; }

}  // namespace

TEST_CASE("all table rows in random company") {
  const std::vector<Bytes> sources = TableSources();
  for (const ValidatorPolicy& policy : {ValidatorPolicy{}, ZvmPolicy()}) {
    for (const AcceptFilter filter : Filters(policy.profile)) {
      for (int mutations = 0; mutations < 3; ++mutations) {
        const FilterCounts counts = CheckAllSources(filter, policy, sources, mutations);
        CHECK(counts.filter_accepted > counts.bundles / 32);
      }
    }
  }
}

TEST_CASE("random bundles") {
  const std::vector<Bytes> sources;
  for (const ValidatorPolicy& policy : {ValidatorPolicy{}, ZvmPolicy()}) {
    const ScanPolicy scan = MakeScanPolicy(policy);
    for (const AcceptFilter filter : Filters(policy.profile)) {
      BlockMaker maker(7, scan, sources);
      FilterCounts counts;
      std::string difference;
      for (uint32_t i = 0; i < 25'000 && difference.empty(); ++i) {
        uint8_t block[kBlockSize];
        maker.Make(block);
        difference = CheckFilter(filter, scan, block, 0, counts);
      }
      CHECK(difference == "");
      CHECK(counts.exact_accepted > counts.bundles / 16);
      CHECK(counts.filter_accepted > counts.exact_accepted / 2);
    }
  }
}

TEST_CASE("what compilers emit is decided by the filter") {
  if (!HasFilter()) {
    return;
  }
  for (const char* hex : {
           "83e0e04c01f8ffe0",              // masked jump
           "4183e3e04d01fb41ffd3",          // masked call
           "83ec184c01fc",                  // stack update
           "4489dd4c01fd",                  // frame pointer
           "8d6424e84a8d243c",              // stack update that keeps the flags
           "448d5c87084303141f",            // masked access
           "48b80102030405060708",          // 64-bit immediate
           "66480f6ec0660f7ec0",            // moves between register files
           "f6c101f7c101000000",            // test with immediate
           "66f7c1010066c7442408341266b83412",  // 16-bit immediates
           "6666666666662e0f1f840000000000",  // the longest nop
           "",                              // nothing but halts
           "0f8400000000e800000000eb00",    // jumps
       }) {
    CAPTURE(hex);
    CHECK(Accepts(hex, ValidatorPolicy{}));
    CHECK(Accepts(hex, ZvmPolicy()));
  }
  for (const char* hex : {
           "65678b00",              // gs-relative access
           "656743014491f0",        // any base and index
           "4183e3e04d01fb4153c3",  // predicted return
       }) {
    CAPTURE(hex);
    CHECK(!Accepts(hex, ValidatorPolicy{}));
    CHECK(Accepts(hex, ZvmPolicy()));
  }
}

TEST_CASE("sixteen jumps fit behind a full list") {
  if (!HasFilter()) {
    return;
  }
  std::vector<uint8_t> block(kBlockSize, 0xf4);
  for (size_t bundle = 0; bundle < kFilterBundles; ++bundle) {
    for (size_t i = 0; i < 30; i += 2) {
      block[bundle * kBundleSize + i] = 0xeb;
      block[bundle * kBundleSize + i + 1] = 0;
    }
    block[bundle * kBundleSize + 28] = 0x0f;
    block[bundle * kBundleSize + 29] = 0x1f;
    block[bundle * kBundleSize + 30] = 0x40;
    block[bundle * kBundleSize + 31] = 0x00;
  }
  CHECK(CheckAllFilters(block, ValidatorPolicy{}) == kFilterBundles);
}

// `count` one-byte nops between `first` and `then`, filled to a bundle with moves.
std::string MakeBundle(const std::string& first, uint32_t count, const std::string& then) {
  std::string hex = first;
  for (uint32_t i = 0; i < count; ++i) {
    hex += "90";
  }
  hex += then;
  while (hex.size() + 10 <= 2 * kBundleSize) {
    hex += "b800000000";
  }
  while (hex.size() < 2 * kBundleSize) {
    hex += "90";
  }
  return hex;
}

// Found by validator-diff. In the list of a short bundle the instructions of the following bundles
// come next; a mask and an add among them must not make an indirect jump at a bundle's start legal.
TEST_CASE("no masked jump is put together from two bundles") {
  for (const ValidatorPolicy& policy : {ValidatorPolicy{}, ZvmPolicy()}) {
    for (uint32_t before = 1; before < 15; ++before) {
      for (uint32_t between = 0; between < 15; ++between) {
        CheckAllFilters(FromHex(MakeBundle("", before, "") +
                                MakeBundle("ffe0", between, "83e0e04c01f8")),
                        policy);
      }
    }
    for (const char* found : {
             "45767ffd4a958b4fb8ed241966c5b10000450f54de0ff865244b59480fb1fa50"
             "c5614984a400000000f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4"
             "4a1c004e0fddfd83c4084a8d243c4d990dbc24dde6e8000000002c1723d724dc"
             "ffe04b22d4470f86b50000000fc43424bf4183e3e04d01fb41ffd34185cf9090",
             "4189db473b6c1f147c664189db473b6c1f187d5c4189db438b8b1f2c85c07450"
             "4af6477af7660f7ed9418b040783e0e04903c7ffe0470f93c2f7d8418b040754"
             "ffe0f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4fd"
             "45853f4183e3e04d01fb415390479441b617460fd3dd666855a22134249090",
         }) {
      CheckAllFilters(FromHex(found), policy);
    }
  }
}

TEST_CASE("policies") {
  if (!HasFilter()) {
    return;
  }
  ValidatorPolicy strict;
  strict.refuse_cpuid = strict.refuse_rdtsc = strict.refuse_non_temporal = true;
  strict.features = kFilterFeatures;
  REQUIRE((ChooseAcceptFilter(strict) != nullptr));
  // The filter knows no policy, so it must leave these to the exact path under any.
  for (const char* hex : {"0f31", "0fa2", "0f2b0424", "660f6f4424080fc3042490", "0f180424",
                          "660f3800c0", "f30fb8c0", "f20f12c0", "0f0e", "d9c0", "c5fc1000"}) {
    CAPTURE(hex);
    CHECK(!Accepts(hex, ValidatorPolicy{}));
  }
  for (const CpuFeature feature :
       {CpuFeature::kCmov, CpuFeature::kMmx, CpuFeature::kSse, CpuFeature::kSse2}) {
    ValidatorPolicy policy;
    policy.features = CpuFeatures::All().Without(feature);
    CHECK((ChooseAcceptFilter(policy) == nullptr));
  }
}

TEST_CASE("the tables know what the filter assumes about the opcodes it names itself") {
  const FilterTables& t = kFilterTables;
  for (const int prefix : {0x0f, 0x66, 0xf2, 0xf3, 0x65, 0x67, 0x40, 0x4f, 0x2e, 0xf0}) {
    CHECK(t.one_length[prefix] == 0);  // no opcode of the one-byte map
    CHECK(t.one_class[prefix] == 0);
  }
  CHECK(t.prefixes[0] == 0);
  CHECK(t.one_length[0xc3] == 1);
  CHECK(t.one_class[0xc3] == 0);
  for (int byte = 0; byte < 256; ++byte) {
    CHECK((t.one_class[byte] == 0 || t.one_length[byte] != 0));
    CHECK((t.two_class[byte] == 0 || t.two_length[byte] != 0));
    CHECK(t.one_class[byte] < kFilterClasses);
  }
}

}  // namespace zvm::test
