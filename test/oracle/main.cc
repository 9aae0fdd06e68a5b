// zvm-oracle: judges hex chunks, one a line (padded with F4 to 32), by the independent rules.
// Usage: zvm-oracle [--profile nacl|zvm] [--explain | --table] < chunks
// Prints 1 or 0 a line; --explain adds the reason of a refusal and the listing; --table reads
// "hex TAB verdict TAB category" lines, prints disagreements and a count, exit 1 if there are any.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "hex.h"
#include "oracle.h"

namespace {

enum class Mode : uint8_t { kVerdicts, kExplain, kTable };

constexpr int kExitDisagreement = 1, kExitUsage = 2;

int Usage() {
  std::fprintf(stderr, "usage: zvm-oracle [--profile nacl|zvm] [--explain|--table] < chunks\n");
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace zvm::oracle;
  Rules rules = Rules::kNacl;
  Mode mode = Mode::kVerdicts;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--explain") {
      mode = Mode::kExplain;
    } else if (argument == "--table") {
      mode = Mode::kTable;
    } else if (argument == "--profile" && i + 1 < argc && ParseRules(argv[i + 1], rules)) {
      ++i;
    } else {
      return Usage();
    }
  }

  Oracle oracle;
  std::vector<uint8_t> code;
  std::string line;
  unsigned long long agreed = 0, disagreed = 0;
  for (unsigned long long number = 1; std::getline(std::cin, line); ++number) {
    std::string_view text = line;
    std::string_view hex = text.substr(0, text.find('\t'));
    if (!ParseChunk(hex, code)) {
      std::fprintf(stderr, "zvm-oracle: line %llu is not hex\n", number);
      return kExitUsage;
    }
    bool accepted = oracle.Accepts(code, rules);
    if (mode == Mode::kTable) {
      bool expected = text.substr(hex.size()).starts_with("\t1");
      ++(accepted == expected ? agreed : disagreed);
      if (accepted == expected) continue;
      std::printf("%s\toracle %d\t%s\n", line.c_str(), accepted, oracle.reason().c_str());
      continue;
    }
    std::printf("%d\n", accepted);
    if (mode == Mode::kExplain) {
      std::printf("%s\n%s", oracle.reason().c_str(), oracle.Print(code).c_str());
    }
  }
  if (mode != Mode::kTable) return 0;
  std::printf("%llu passed, %llu failed\n", agreed, disagreed);
  return disagreed == 0 && agreed > 0 ? 0 : kExitDisagreement;
}
