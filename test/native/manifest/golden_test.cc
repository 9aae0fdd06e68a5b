// Runs the golden manifests of golden/*.cases: each states its mode, code and place.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "manifest/manifest.h"
#include "manifest/token.h"

namespace zvm {
namespace {

constexpr std::string_view kBase =
    "==========\nVersion = 20130611\nProgram = good.nexe\nMemory = 33554432, 0\nTimeout = 1\n";
constexpr std::string_view kStandardChannels =
    "Channel = /dev/stdin, /dev/stdin, 0, 0, 128, 128, 0, 0\n"
    "Channel = /dev/null, /dev/stdout, 0, 0, 0, 0, 128, 128\n"
    "Channel = /dev/stderr, /dev/stderr, 0, 0, 0, 0, 128, 128\n";

struct GoldenCase {
  std::string name;
  std::string mode;
  std::string expected;
  std::string text;
};

// \xHH is a byte; \x% at the end of a line takes away its line feed.
std::string Unescape(const std::string& line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line.compare(i, 3, "\\x%") == 0) {
      return out;
    }
    if (line.compare(i, 2, "\\x") == 0) {
      out += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else {
      out += line[i];
    }
  }
  return out + '\n';
}

std::vector<GoldenCase> ReadCases(const std::string& name) {
  std::ifstream file(std::string(ZVM_TEST_DIR "/native/manifest/golden/") + name);
  REQUIRE(file.good());
  std::vector<GoldenCase> cases;
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("%% ")) {
      std::string_view fields[4];
      REQUIRE(SplitFields(std::string_view(line).substr(3), '|', fields) == 4);
      cases.push_back({std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), ""});
    } else if (line == "%base") {
      cases.back().text += kBase;
    } else if (line == "%std") {
      cases.back().text += kStandardChannels;
    } else if (!cases.empty() && !line.starts_with("%#")) {
      cases.back().text += Unescape(line);
    }
  }
  return cases;
}

std::string Describe(const Result<Manifest, Failure>& result) {
  if (result.ok()) {
    return "ok";
  }
  const Failure& failure = result.error();
  std::ostringstream text;
  text << failure.status << ' ' << failure.code << ' ' << failure.line << ':' << failure.column;
  return text.str();
}

void RunCases(const std::string& file) {
  const std::vector<GoldenCase> cases = ReadCases(file);
  REQUIRE(cases.size() > 20);
  for (const GoldenCase& golden : cases) {
    CAPTURE(golden.name);
    CAPTURE(golden.mode);
    REQUIRE((golden.mode == "strict" || golden.mode == "compat" || golden.mode == "both"));
    if (golden.mode != "compat") {
      CHECK(Describe(ParseManifest(golden.text, ManifestMode::kStrict)) == golden.expected);
    }
    if (golden.mode != "strict") {
      CHECK(Describe(ParseManifest(golden.text, ManifestMode::kCompat)) == golden.expected);
    }
  }
}

TEST_CASE("every code that a golden case expects is explained in docs/abi.md") {
  std::ifstream file(ZVM_TEST_DIR "/../docs/abi.md");
  REQUIRE(file.good());
  const std::string document(std::istreambuf_iterator<char>(file), {});
  for (const char* name : {"classic.cases", "strict.cases", "compat.cases"}) {
    for (const GoldenCase& golden : ReadCases(name)) {
      if (golden.expected != "ok") {
        std::string_view words[3];
        REQUIRE(SplitFields(golden.expected, ' ', words) == 3);
        CAPTURE(golden.expected);
        CHECK(document.find("`" + std::string(words[1]) + "`") != std::string::npos);
      }
    }
  }
}

TEST_CASE("the manifest tests of the classic runtime") { RunCases("classic.cases"); }
TEST_CASE("strict mode") { RunCases("strict.cases"); }
TEST_CASE("compat mode") { RunCases("compat.cases"); }

}  // namespace
}  // namespace zvm
