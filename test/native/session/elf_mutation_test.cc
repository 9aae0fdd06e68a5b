// Program files with changed bytes, through the whole tool: every one ends with a documented
// status, without a crash, a hang or an output file of a program that was refused.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <set>

#include "run_tool.h"

namespace zvm {
namespace {

constexpr int kMutations = 2000;
constexpr size_t kHeaderBytes = 64 + 3 * 56;
const std::set<int> kStatuses = {0, 4, 5, 8, 12, 14, 22};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Headers mostly, also code, data and the length.
std::string Mutate(const std::string& good, std::mt19937_64& random) {
  std::string bytes = good;
  const unsigned changes = 1 + random() % 4;
  for (unsigned i = 0; i < changes; ++i) {
    const size_t range = random() % 4 != 0 ? kHeaderBytes : bytes.size();
    bytes[random() % range] = static_cast<char>(random() % 3 != 0 ? random() : 0xFF);
  }
  if (random() % 8 == 0) {
    bytes.resize(random() % bytes.size());
  }
  return bytes;
}

TEST_CASE("two thousand mutated programs") {
  const TestFolder folder;
  const std::string good = ReadFile(Guest("hello"));
  REQUIRE(good.size() > kHeaderBytes);
  const auto manifest =
      folder.Write("m", Manifest(folder.Path("nexe"), "/dev/null", folder.Path("out")));
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  CAPTURE(seed);
  int refused = 0;
  for (int i = 0; i < kMutations; ++i) {
    folder.Write("nexe", Mutate(good, random));
    const ToolResult run = RunTool({"--wall-ms", "500", manifest});
    CAPTURE(i);
    REQUIRE(kStatuses.contains(run.status));
    REQUIRE(StateLine(run.out) != "(no state line)");
    if (folder.Exists("out")) {
      folder.Remove("out");
    } else {
      ++refused;
      REQUIRE(run.status != 0);
    }
  }
  CHECK(refused > kMutations / 4);
  CHECK(refused < kMutations);
}

}  // namespace
}  // namespace zvm
