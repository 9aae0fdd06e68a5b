// validator-diff: the accept filter against the exact path on random blocks of four bundles. Prints
// counts; at the first difference prints the block and exits 1.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "block_maker.h"
#include "judge.h"
#include "validator/accept_filter.h"

namespace {

using namespace zvm;
using namespace zvm::test;
using Clock = std::chrono::steady_clock;

constexpr char kUsage[] =
    "usage: validator-diff [--profile nacl|zvm|both] [--bundles N] [--seconds N] [--seed S]\n"
    "         [--filter best|avx2] [--text FILE]...\n"
    "FILE holds raw code, whose bundles are used besides those of the conformance tables.\n"
    "The same seed, profile and files give the same blocks.\n";
constexpr uint64_t kBlocksBetweenChecks = 4096;  // of the clock

struct Options {
  bool nacl = true;
  bool zvm = true;
  bool avx2 = false;
  uint64_t bundles = UINT64_MAX;
  double seconds = 1e18;
  uint64_t seed = 1;
  std::vector<Bytes> texts;
};

bool ReadText(const char* path, std::vector<Bytes>& texts) {
  std::ifstream file(path, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(file)), {});
  bytes.resize(bytes.size() / kBundleSize * kBundleSize);
  texts.push_back(bytes);
  return !bytes.empty();
}

bool ParseOptions(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) {
      return false;
    }
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--profile") {
      options.nacl = std::string_view(value) != "zvm";
      options.zvm = std::string_view(value) != "nacl";
    } else if (name == "--filter") {
      options.avx2 = std::string_view(value) == "avx2";
    } else if (name == "--bundles") {
      options.bundles = std::strtoull(value, nullptr, 0);
    } else if (name == "--seconds") {
      options.seconds = std::atof(value);
    } else if (name == "--seed") {
      options.seed = std::strtoull(value, nullptr, 0);
    } else if (name != "--text" || !ReadText(value, options.texts)) {
      return false;
    }
  }
  return true;
}

// As often as the tables' many short chunks together, a bundle comes from the texts.
std::vector<Bytes> Sources(const Options& options) {
  std::vector<Bytes> sources = TableSources();
  const size_t table_count = sources.size();
  for (size_t i = 0; !options.texts.empty() && i < table_count; ++i) {
    const Bytes& text = options.texts[i % options.texts.size()];
    const size_t at = (i * 7919 * kBundleSize) % text.size();
    const size_t size = std::min<size_t>(text.size() - at, kBlockSize);
    sources.emplace_back(text.begin() + static_cast<ptrdiff_t>(at),
                         text.begin() + static_cast<ptrdiff_t>(at + size));
  }
  return sources;
}

void PrintCounts(const char* profile, const FilterCounts& counts, double seconds) {
  std::printf("%s: %" PRIu64 " bundles, %" PRIu64 " accepted exactly, %" PRIu64
              " of them by the filter, 0 differences, %.2f million bundles/s\n",
              profile, counts.bundles, counts.exact_accepted, counts.filter_accepted,
              static_cast<double>(counts.bundles) / seconds / 1e6);
  std::fflush(stdout);
}

int Run(const char* profile, const ValidatorPolicy& policy, const std::vector<Bytes>& sources,
        const Options& options) {
  AcceptFilter filter = ChooseAcceptFilter(policy);
  if (filter != nullptr && options.avx2) {
    filter = Avx2AcceptFilter(policy.profile);
  }
  if (filter == nullptr) {
    std::printf("%s: this CPU has no accept filter, nothing to compare\n", profile);
    return 0;
  }
  const ScanPolicy scan = MakeScanPolicy(policy);
  BlockMaker maker(options.seed, scan, sources);
  FilterCounts counts;
  const auto start = Clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (uint64_t block = 0; counts.bundles < options.bundles; ++block) {
    if (block % kBlocksBetweenChecks == 0 && seconds() >= options.seconds) {
      break;
    }
    uint8_t bytes[kBlockSize];
    maker.Make(bytes);
    const uint32_t offset = static_cast<uint32_t>(block * kBlockSize % kCheckOffsetMax);
    const std::string difference = CheckFilter(filter, scan, bytes, offset, counts);
    if (!difference.empty()) {
      std::printf("%s: seed %" PRIu64 ", block %" PRIu64 ": %s\n%s\n", profile, options.seed, block,
                  difference.c_str(), ToHex(Bytes(bytes, bytes + kBlockSize)).c_str());
      return 1;
    }
  }
  PrintCounts(profile, counts, seconds());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const std::vector<Bytes> sources = Sources(options);
  int status = 0;
  if (options.nacl) {
    status |= Run("nacl", ValidatorPolicy{}, sources, options);
  }
  if (options.zvm) {
    status |= Run("zvm", ZvmPolicy(), sources, options);
  }
  return status;
}
