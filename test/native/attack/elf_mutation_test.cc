// Thousands of broken programs, each through a whole zvm-run: whatever the bytes, it must end with
// a documented status, without a signal, in time, and a program that is refused leaves no output
// file.
#include <doctest/doctest.h>
#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "base/check.h"
#include "tool_run.h"

namespace zvm::test {
namespace {

constexpr unsigned kWorkers = 2;
constexpr unsigned kRunsPerWorker = 1500;
constexpr int kTimeoutMs = 20'000;
// One run in so many really enters what is left of the program.
constexpr unsigned kEnterEvery = 4;
constexpr int kEndingsMin = 10;
constexpr int kStatuses[] = {0, 4, 5, 8, 12, 14, 22};
const char* const kPrograms[] = {"asm/hello", "attack/gs-wrap", "attack/no-data-segment"};

// splitmix64: the same mutations in every run of the test.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

// Values at which checks of sizes and addresses turn over.
constexpr uint64_t kEdges[] = {0,
                               1,
                               31,
                               32,
                               0x1000,
                               0xFFFF,
                               0x10000,
                               0x1FFFF,
                               0x20000,
                               0x20020,
                               0x30000,
                               0xFEFF0000,
                               0xFEFFFFFF,
                               0xFF000000,
                               0xFFFFFFFF,
                               0x100000000,
                               0x7FFFFFFFFFFFFFFF,
                               0x8000000000000000,
                               0xFFFFFFFFFFFF0000,
                               0xFFFFFFFFFFFFFFFF};

void Put(std::string& bytes, size_t at, uint64_t value, size_t size) {
  if (at <= bytes.size() && size <= bytes.size() - at) {
    std::memcpy(bytes.data() + at, &value, size);
  }
}

// One field of the file header or of a program header becomes an edge value, or near one.
void MutateField(std::string& bytes, Random& random) {
  const uint64_t value = kEdges[random.Below(std::size(kEdges))] + random.Below(3) - 1;
  if (random.Below(4) == 0) {
    constexpr size_t kFields[][2] = {{16, 2}, {18, 2}, {20, 4}, {24, 8}, {32, 8}, {54, 2}, {56, 2}};
    const auto& [at, size] = kFields[random.Below(std::size(kFields))];
    return Put(bytes, at, value, size);
  }
  const size_t header = sizeof(Elf64_Ehdr) + random.Below(3) * sizeof(Elf64_Phdr);
  constexpr size_t kFields[][2] = {{0, 4},  {4, 4},  {8, 8},  {16, 8},
                                   {24, 8}, {32, 8}, {40, 8}, {48, 8}};
  const auto& [at, size] = kFields[random.Below(std::size(kFields))];
  Put(bytes, header + at, value, size);
}

void MutateByte(std::string& bytes, size_t limit, Random& random) {
  const size_t at = random.Below(std::min(limit, bytes.size()));
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.Below(8)));
}

std::string Mutate(std::string bytes, Random& random) {
  constexpr size_t kHeadersSize = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
  for (uint64_t count = 1 + random.Below(3); count > 0 && !bytes.empty(); --count) {
    switch (random.Below(8)) {
      case 0:
      case 1:
      case 2:
        MutateField(bytes, random);
        break;
      case 3:
      case 4:
        MutateByte(bytes, kHeadersSize, random);
        break;
      case 5:
      case 6:
        MutateByte(bytes, bytes.size(), random);
        break;
      default:
        bytes.resize(random.Below(2) == 0 ? random.Below(bytes.size() + 1)
                                          : random.Below(2 * kHeadersSize));
    }
  }
  return bytes;
}

std::string ReadProgram(const char* name) {
  std::ifstream file(std::string(ZVM_BUILD_DIR "/guest/") + name + ".nexe", std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  ZVM_CHECK(!bytes.str().empty());
  return bytes.str();
}

// Also counts the classes of endings.
std::string JudgeRun(const TempFolder& folder, bool enter, std::map<std::string, int>& endings) {
  std::vector<std::string> words = {ZVM_BUILD_DIR "/zvm-run", "--report", "json", "--wall-ms",
                                    "200"};
  if (!enter) {
    words.push_back("-F");
  }
  words.push_back(folder.path() + "/manifest");
  const ToolResult run = RunTool(words, folder.path(), kTimeoutMs);
  const std::string seen = "status " + std::to_string(run.status) + ", signal " +
                           std::to_string(run.signal) + ", report " + run.output;
  if (run.timed_out || run.signal != 0 || run.left_process) {
    return "hangs, dies or leaves a process: " + seen;
  }
  if (std::find(std::begin(kStatuses), std::end(kStatuses), run.status) == std::end(kStatuses) ||
      JsonField(run.output, "status") != std::to_string(run.status) ||
      JsonField(run.output, "code") == "trusted-fault" ||
      JsonField(run.output, "code") == "prepare-died") {
    return "no documented end: " + seen;
  }
  const std::string outcome = JsonField(run.output, "outcome");
  ++endings[outcome + " " + JsonField(run.output, "validator")];
  const bool refused = outcome == "failed";
  const bool output = folder.List().find("stdout") != std::string::npos;
  unlink((folder.path() + "/stdout").c_str());
  return refused && output ? "an output file was left: " + seen : "";
}

// The part of one worker; returns the first complaint.
std::string RunWorker(unsigned worker) {
  const TempFolder folder;
  folder.Write("manifest", "Version = 20130611\nProgram = " + folder.path() +
                               "/nexe\nMemory = 33554432, 0\nTimeout = 5\n"
                               "Channel = /dev/null, /dev/stdin, 0, 0, 9, 999, 0, 0\n"
                               "Channel = " +
                               folder.path() +
                               "/stdout, /dev/stdout, 0, 0, 0, 0, 9, 999\n"
                               "Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 9, 999\n");
  std::map<std::string, int> endings;
  for (unsigned i = 0; i < kRunsPerWorker; ++i) {
    const uint64_t seed = uint64_t{worker} * kRunsPerWorker + i;
    Random random(seed);
    folder.Write("nexe", Mutate(ReadProgram(kPrograms[i % std::size(kPrograms)]), random));
    const std::string complaint = JudgeRun(folder, i % kEnterEvery == 0, endings);
    if (!complaint.empty()) {
      return "seed " + std::to_string(seed) + ": " + complaint;
    }
  }
  // Mutations that all die at the same check would prove nothing.
  for (const char* const ending : {"exited ok", "failed failed", "failed not-run"}) {
    if (endings[ending] < kEndingsMin) {
      return "too few runs end as: " + std::string(ending);
    }
  }
  return "";
}

TEST_CASE("no mutation of a program file brings zvm-run down") {
  int ends[kWorkers][2];
  pid_t workers[kWorkers];
  for (unsigned i = 0; i < kWorkers; ++i) {
    REQUIRE(pipe(ends[i]) == 0);
    workers[i] = fork();
    REQUIRE(workers[i] >= 0);
    if (workers[i] == 0) {
      const std::string complaint = RunWorker(i);
      const ssize_t wrote = write(ends[i][1], complaint.data(), complaint.size());
      _exit(wrote == static_cast<ssize_t>(complaint.size()) ? 0 : 1);
    }
    close(ends[i][1]);
  }
  for (unsigned i = 0; i < kWorkers; ++i) {
    char complaint[4096] = {};
    CHECK(read(ends[i][0], complaint, sizeof complaint - 1) >= 0);
    close(ends[i][0]);
    CHECK(std::string(complaint) == "");
    int status = 0;
    CHECK(waitpid(workers[i], &status, 0) == workers[i]);
    CHECK(status == 0);
  }
  MESSAGE((kWorkers * kRunsPerWorker) << " mutations");
}

}  // namespace
}  // namespace zvm::test
