// zvm-differential: the production validator against the oracle, on random cases or sweeps.
// Prints counts and the seed; at the first disagreement prints everything and exits 1.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "cases.h"
#include "hex.h"
#include "judges.h"
#include "sweep.h"

namespace {

using namespace zvm::differential;
using zvm::oracle::Rules;
using Clock = std::chrono::steady_clock;

constexpr int kExitDisagreement = 1, kExitUsage = 2;

constexpr char kUsage[] =
    "usage: zvm-differential [--profile nacl|zvm|both] [--seconds N] [--cases N] [--seed S]\n"
    "         [--first N] [--tables FOLDER] [--regressions FILE] [--sweep legacy|vex]\n"
    "         [--stop-after MISMATCHES]\n"
    "Case N depends on the seed and N only: --seed S --first N --cases 1 repeats it.\n";

struct Options {
  bool nacl = true, zvm = true;
  double seconds = 10;
  uint64_t cases = UINT64_MAX, first = 0;
  uint64_t seed = 0, stop_after = 1;
  std::string tables, regressions, sweep;
};

bool ParseOptions(int argc, char** argv, Options& out) {
  out.seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--profile") {
      out.nacl = std::strcmp(value, "zvm") != 0;
      out.zvm = std::strcmp(value, "nacl") != 0;
    } else if (name == "--seconds") {
      out.seconds = std::atof(value);
    } else if (name == "--cases") {
      out.cases = std::strtoull(value, nullptr, 0);
    } else if (name == "--first") {
      out.first = std::strtoull(value, nullptr, 0);
    } else if (name == "--seed") {
      out.seed = std::strtoull(value, nullptr, 0);
    } else if (name == "--stop-after") {
      out.stop_after = std::strtoull(value, nullptr, 0);
    } else if (name == "--tables") {
      out.tables = value;
    } else if (name == "--regressions") {
      out.regressions = value;
    } else if (name == "--sweep") {
      out.sweep = value;
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && (!out.tables.empty() || !out.sweep.empty());
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}

  // False when there were too many disagreements; all are printed, all but the last briefly.
  bool Compare(const Bytes& chunk, uint64_t number) {
    for (Rules rules : {Rules::kNacl, Rules::kZvm}) {
      if (!(rules == Rules::kNacl ? options_.nacl : options_.zvm)) continue;
      Opinions opinions = judges_.Ask(chunk, rules);
      ++(!opinions.Agree() ? mismatches_ : opinions.oracle ? accepted_ : refused_);
      filtered_ += opinions.filtered;
      if (opinions.Agree()) continue;
      const char* profile = rules == Rules::kNacl ? "nacl" : "zvm";
      std::printf("DISAGREEMENT seed %" PRIu64 " case %" PRIu64 " profile %s oracle %d exact %d "
                  "fast %d hex %s\n", options_.seed, number, profile, opinions.oracle,
                  opinions.exact, opinions.fast, zvm::oracle::FormatHex(chunk).c_str());
      if (mismatches_ < options_.stop_after) continue;
      Bytes small = judges_.Shrink(chunk, rules);
      std::printf("%ssmaller:\n%s", judges_.Describe(chunk, rules).c_str(),
                  judges_.Describe(small, rules).c_str());
      return false;
    }
    return true;
  }

  // Lines "hex nacl-verdict zvm-verdict reason": what once was judged wrongly.
  bool ReplayRegressions() {
    std::ifstream file(options_.regressions);
    std::string line;
    uint64_t number = 0;
    if (!file) return false;
    while (std::getline(file, line)) {
      ++number;
      if (line.empty() || line[0] == '#') continue;
      std::string_view text = line;
      std::string_view hex = text.substr(0, text.find(' '));
      std::string_view rest = text.substr(hex.size());
      Bytes chunk;
      if (rest.size() < 4 || !zvm::oracle::ParseChunk(hex, chunk)) return false;
      bool nacl = judges_.Ask(chunk, Rules::kNacl).exact;
      bool zvm = judges_.Ask(chunk, Rules::kZvm).exact;
      if (nacl != (rest[1] == '1') || zvm != (rest[3] == '1') || !Compare(chunk, number)) {
        std::printf("regression in line %" PRIu64 ": %s\n", number, line.c_str());
        return false;
      }
    }
    return true;
  }

  bool RunRandom() {
    Corpus corpus;
    if (!ReadCorpus(options_.tables, corpus)) {
      std::fprintf(stderr, "zvm-differential: no tables in %s\n", options_.tables.c_str());
      return false;
    }
    constexpr uint64_t kCasesBetweenClockReads = 256;
    Clock::time_point start = Clock::now();
    for (uint64_t i = 0; i < options_.cases; ++i) {
      uint64_t number = options_.first + i;
      Random random(options_.seed + number * 0xD1342543DE82EF95);
      if (!Compare(MakeCase(random, corpus), number)) return false;
      if (i % kCasesBetweenClockReads != 0) continue;
      if (std::chrono::duration<double>(Clock::now() - start).count() > options_.seconds) break;
    }
    return true;
  }

  bool RunSweep() {
    auto visit = [this](const Bytes& chunk) {
      return Compare(chunk, accepted_ + refused_);
    };
    return options_.sweep == "vex" ? SweepVex(visit) : SweepLegacy(visit);
  }

  uint64_t mismatches() const { return mismatches_; }

  void PrintCounts(double seconds) const {
    uint64_t judged = accepted_ + refused_ + mismatches_;
    std::printf("%" PRIu64 " judged, %" PRIu64 " accepted by both, %" PRIu64
                " refused by both, %" PRIu64 " mismatches, %" PRIu64
                " bundles taken by the accept filter, seed %" PRIu64 ", %.0f per second\n",
                judged, accepted_, refused_, mismatches_, filtered_, options_.seed,
                static_cast<double>(judged) / seconds);
  }

 private:
  const Options& options_;
  Judges judges_;
  uint64_t accepted_ = 0, refused_ = 0, mismatches_ = 0, filtered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return kExitUsage;
  }
  Clock::time_point start = Clock::now();
  Run run(options);
  bool passed = options.regressions.empty() || run.ReplayRegressions();
  passed = passed && (options.sweep.empty() ? run.RunRandom() : run.RunSweep());
  run.PrintCounts(std::chrono::duration<double>(Clock::now() - start).count());
  return passed && run.mismatches() == 0 ? 0 : kExitDisagreement;
}
