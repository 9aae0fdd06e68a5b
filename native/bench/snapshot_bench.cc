// npm run bench -- snapshot: a Lua script from a snapshot (interpreter started, libraries open),
// beside hello on the same path, the same script without a snapshot, and the native interpreter
// started by posix_spawn, all in the same rounds. Usage: bench-snapshot [--rounds N] [--json FILE].
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "bench/measure.h"
#include "session/prepare.h"
#include "wire/frame_socket.h"
#include "wire/frame_writer.h"

extern char** environ;

namespace zvm {
namespace {

const std::string kBuild = ZVM_BUILD_DIR;
constexpr int kWarmUp = 200;
constexpr int kExchangesPerRound = 50;
constexpr double kHelloTimes = 1.5;
constexpr double kNativeShare = 1.0 / 20;
constexpr int64_t kMemoryBytes = 64 << 20;
constexpr const char* kNativeLua = "/usr/bin/lua5.4";
constexpr const char* kScript = "print('hello ' .. 6 * 7)";
constexpr std::string_view kScriptOutput = "hello 42\n", kHelloOutput = "hello world\n";
const std::string kNvram =
    std::string("zvm-nvram 1\nargs 3:lua\nargs 2:-e\nargs 24:") + kScript + "\n";

using Bytes = std::vector<uint8_t>;

// A frame with stdin, stdout, stderr and nvram, all inline.
Bytes MakeStart(uint32_t flags, std::string_view program_hex, std::string_view nvram, size_t fds) {
  static uint8_t buffer[kFrameSizeMax];
  WireStart start;
  start.memory_bytes = kMemoryBytes;
  start.wall_ms = start.cpu_ms = 5000;
  start.channel_count = 4;
  start.profile = 1;
  start.flags = flags;
  // A snapshot's name is all zeros here.
  const bool named = (flags & (kStartMappedImage | kStartSnapshot)) == kStartMappedImage;
  for (size_t i = 0; named && i < sizeof start.program_check; ++i) {
    const std::string digits(program_hex.substr(2 * i, 2));
    start.program_check[i] = static_cast<uint8_t>(std::stoul(digits, nullptr, 16));
  }
  FrameWriter frame(buffer);
  frame.Add(start);
  const std::string_view aliases[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/nvram"};
  for (size_t i = 0; i < 4; ++i) {
    WireChannel channel;
    const bool writes = i == 1 || i == 2;
    channel.alias_size = static_cast<uint16_t>(aliases[i].size());
    channel.flags = kChannelInline;
    (writes ? channel.writes : channel.reads) = 1000;
    (writes ? channel.write_bytes : channel.read_bytes) = 65536;
    channel.inline_size = i == 3 ? static_cast<uint32_t>(nvram.size()) : 0;
    frame.Add(channel);
  }
  for (const std::string_view alias : aliases) {
    frame.AddText(alias);
  }
  frame.AddText(nvram);
  const auto bytes = frame.Finish(FrameType::kStart, 7, static_cast<uint16_t>(fds));
  return Bytes(bytes.begin(), bytes.end());
}

void PinTo(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ZVM_CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

// A zvm-worker without a bound on its tasks.
class Worker {
 public:
  Worker() {
    int ends[2];
    ZVM_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    socket_.Reset(ends[0]);
    const UniqueFd theirs(ends[1]);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(theirs.get(), 0);
      execl((kBuild + "/zvm-worker").c_str(), "zvm-worker", "session", "0", "0", "0", "0", nullptr);
      _exit(127);
    }
    (void)Receive();
  }
  ~Worker() {
    socket_.Reset();
    waitpid(pid_, nullptr, 0);
  }
  // The report.
  std::string_view Exchange(const Bytes& frame, std::span<const int> fds) {
    ZVM_CHECK(SendFrame(socket_.get(), frame, fds) == 0);
    return Receive();
  }
  std::string_view Receive() {
    size_t size = 0;
    ZVM_CHECK(ReceiveFrame(socket_.get(), buffer_, &size) == ReceiveEnd::kFrame);
    return {reinterpret_cast<const char*>(buffer_), size};
  }

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
  uint8_t buffer_[kFrameSizeMax];
};

PreparedImage Prepare(const std::string& path) {
  auto program = OpenProgram((kBuild + path).c_str());
  ZVM_CHECK(program.ok());
  PrepareOptions options;
  options.policy = {.profile = Profile::kZvm,
                    .features = CpuFeatures::OfThisCpu(),
                    .refuse_rdtsc = true};
  auto image = PrepareProgram(program.value().get(), options);
  ZVM_CHECK(image.ok());
  return std::move(image.value());
}

uint32_t FlagsOf(std::string_view report) {
  WireReport fields;
  std::memcpy(&fields, report.data(), std::min(report.size(), sizeof fields));
  return fields.flags;
}

UniqueFd MakeSnapshot(const PreparedImage& image) {
  auto file = MakeImageFile();
  ZVM_CHECK(file.ok());
  const int fds[] = {image.fd.get(), file.value().get()};
  Worker worker;
  const auto report = worker.Exchange(MakeStart(kStartMakeSnapshot, "", "", 2), fds);
  ZVM_CHECK((FlagsOf(report) & kReportSnapshotMade) != 0);
  ZVM_CHECK(!SealImage(file.value().get()).failed());
  return std::move(file.value());
}

// One way to run a program again and again in one worker.
struct Path {
  const PreparedImage& image;
  int snapshot;  // -1: none
  std::string_view nvram, output;
  Row row;
  Worker worker;
  Bytes next;

  Path(const char* name, const PreparedImage& program, int from, std::string_view records,
       std::string_view wanted, int peer, double goal)
      : image(program), snapshot(from), nvram(records), output(wanted),
        row{{name, "us", false, {}}, peer, goal} {
    const uint32_t flags = snapshot >= 0 ? kStartSnapshot : 0;
    const int fds[] = {image.fd.get(), snapshot};
    const size_t count = snapshot >= 0 ? 2 : 1;
    const std::string_view hex(image.header.nexe_sha256_hex, 64);
    ZVM_CHECK(worker.Exchange(MakeStart(flags, "", nvram, count), std::span(fds).first(count))
                  .ends_with(output));
    next = MakeStart(flags | kStartMappedImage, hex, nvram, 0);
    Run(kWarmUp);
  }
  void Run(int times) {
    for (int i = 0; i < times; ++i) {
      ZVM_CHECK(worker.Exchange(next, {}).ends_with(output));
    }
  }
  void Measure() {
    for (int i = 0; i < kExchangesPerRound; ++i) {
      row.samples.values.push_back(TimeNs([&] { Run(1); }) / 1000);
    }
  }
};

void SpawnNative(posix_spawn_file_actions_t* quiet) {
  char* argv[] = {const_cast<char*>("lua"), const_cast<char*>("-e"),
                  const_cast<char*>(kScript), nullptr};
  pid_t pid = -1;
  int status = -1;
  ZVM_CHECK(posix_spawn(&pid, kNativeLua, quiet, nullptr, argv, environ) == 0);
  ZVM_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int Main(int argc, char** argv) {
  int rounds = 50;
  const char* json_path = nullptr;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rounds") == 0) {
      rounds = std::max(1, atoi(argv[i + 1]));
    } else if (strcmp(argv[i], "--json") == 0) {
      json_path = argv[i + 1];
    }
  }
  PinTo(0);  // workers inherit it
  const PreparedImage hello = Prepare("/guest/asm/hello.nexe");
  const PreparedImage lua = Prepare("/ports/lua/lua-start-zvm.nexe");
  const UniqueFd snapshot = MakeSnapshot(lua);
  Row native{{"native lua5.4, posix_spawn", "us", false, {}}};
  Path greeting("hello, frame there and back", hello, -1, "", kHelloOutput, -1, 0);
  Path whole("Lua script, interpreter started", lua, -1, kNvram, kScriptOutput, 1, 0);
  Path start("Lua script from a snapshot", lua, snapshot.get(), kNvram, kScriptOutput, 1,
             kHelloTimes);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  for (int i = 0; i < rounds; ++i) {
    native.samples.values.push_back(TimeNs([&] { SpawnNative(&quiet); }) / 1000);
    greeting.Measure();
    whole.Measure();
    start.Measure();
  }
  Row against{{"the same, against native", "us", false, start.row.samples.values}, 0, kNativeShare};
  PrintTable("snapshot", {native, greeting.row, whole.row, start.row, against}, json_path);
  return 0;
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) { return zvm::Main(argc, argv); }
