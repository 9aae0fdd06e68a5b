// zvm-run from outside: endings, statuses, limits, reports, privileges, determinism.
#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <set>

#include "run_tool.h"
#include "session/prepare.h"

namespace zvm {
namespace {

TEST_CASE("hello writes its channel and reports in seven lines") {
  TestFolder folder;
  const auto manifest =
      folder.Write("m", Manifest(Guest("hello"), "/dev/null", folder.Path("out")));
  const ToolResult run = RunTool({manifest});
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("0\n0\n0\ndisabled\n"));
  CHECK(run.out.ends_with("\nok\n\n"));
  CHECK(folder.Read("out") == "hello world\n");
}

TEST_CASE("the exit code of a guest is told as it is and is not the process status") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(Guest("exit_code")));
  const ToolResult run = RunTool({manifest});
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("0\n0\n1234\n"));
  CHECK(Has(RunTool({"--report", "json", manifest}).out, "\"exitCode\":1234"));
}

TEST_CASE("-F validates and opens, and does not enter") {
  TestFolder folder;
  const auto manifest =
      folder.Write("m", Manifest(Guest("exit_code"), "/dev/null", folder.Path("out")));
  const ToolResult run = RunTool({"-F", manifest});
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("0\n0\n0\n"));
  CHECK(StateLine(run.out) == "ok");
  CHECK(folder.Exists("out"));
}

TEST_CASE("the wall-clock limit of the manifest ends an endless loop") {
  TestFolder folder;
  std::string text = Manifest(Guest("spin"));
  text.replace(text.find("Timeout = 5"), 11, "Timeout = 1");
  const ToolResult run = RunTool({folder.Write("m", text)});
  CHECK(run.status == 4);
  CHECK(StateLine(run.out) == "session timeout");
  CHECK(run.seconds >= 1.0);
  CHECK(run.seconds < 2.0);
}

TEST_CASE("limits in milliseconds: wall clock and CPU") {
  TestFolder folder;
  const auto spin = folder.Write("spin", Manifest(Guest("spin")));
  const ToolResult wall = RunTool({"--wall-ms", "50", "--report", "json", spin});
  CHECK(wall.status == 4);
  CHECK(Has(wall.out, "\"outcome\":\"limited\""));
  CHECK(Has(wall.out, "\"reason\":\"limit-wall-time\""));
  CHECK(wall.seconds < 1.0);
  const ToolResult cpu = RunTool({"--cpu-ms", "50", "--report", "json", spin});
  CHECK(cpu.status == 4);
  CHECK(Has(cpu.out, "\"reason\":\"limit-cpu-time\""));
  CHECK(cpu.seconds < 2.0);
}

TEST_CASE("a FIFO without a writer does not outlive the wall-clock limit") {
  TestFolder folder;
  REQUIRE(mkfifo(folder.Path("fifo").c_str(), 0666) == 0);
  const auto manifest = folder.Write("m", Manifest(Guest("wait_input"), folder.Path("fifo")));
  const ToolResult opening = RunTool({"--wall-ms", "100", manifest});
  CHECK(opening.status == 4);
  CHECK(StateLine(opening.out) == "session timeout");
  CHECK(opening.seconds < 1.5);
  const int writer = open(folder.Path("fifo").c_str(), O_RDWR);
  const ToolResult reading = RunTool({"--wall-ms", "100", manifest});
  CHECK(reading.status == 4);
  CHECK(StateLine(reading.out) == "session timeout");
  CHECK(reading.seconds < 1.5);
  CHECK(write(writer, "*", 1) == 1);
  CHECK(RunTool({manifest}).out.starts_with("0\n0\n42\n"));
  close(writer);
}

TEST_CASE("a termination signal cancels: while running, while blocked, while opening") {
  TestFolder folder;
  REQUIRE(mkfifo(folder.Path("fifo").c_str(), 0666) == 0);
  const auto spin = folder.Write("spin", Manifest(Guest("spin")));
  const auto blocked = folder.Write("m", Manifest(Guest("wait_input"), folder.Path("fifo")));
  for (const bool with_writer : {false, true}) {
    const int writer = with_writer ? open(folder.Path("fifo").c_str(), O_RDWR) : -1;
    for (const auto& manifest : {spin, blocked}) {
      const ToolResult run =
          RunTool({"--report", "json", manifest}, {.signal = SIGTERM, .signal_after_ms = 100});
      CHECK(run.status == 4);
      CHECK(Has(run.out, "\"outcome\":\"cancelled\""));
      CHECK(run.seconds < 1.5);
    }
    close(writer);
  }
}

// The number behind a name in /proc/PID/limits.
uint64_t LimitOf(const std::string& limits, const std::string& name) {
  const size_t at = limits.find(name);
  REQUIRE(at != std::string::npos);
  return std::strtoull(limits.c_str() + at + name.size(), nullptr, 10);
}

TEST_CASE("the kernel bounds time and memory of a guest behind timers and page rights") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(Guest("spin")));
  // Late enough for a machine that is busy: the limits come right before the guest.
  const ToolResult run = RunTool({manifest}, {.signal = SIGTERM, .signal_after_ms = 1500});
  const uint64_t cpu = LimitOf(run.limits, "Max cpu time");
  CHECK(cpu >= 15);  // Timeout 5 and 10 s of slack
  CHECK(cpu <= 16);
  const uint64_t data = LimitOf(run.limits, "Max data size");
  CHECK(data >= 33554432);
#if !__has_feature(address_sanitizer)  // whose shadow is private memory, too
  CHECK(data <= 33554432 + (uint64_t{256} << 20));
#endif
}

// A program of 256 MiB of zeros: every bundle is refused, which takes seconds.
std::string SlowProgram(const TestFolder& folder) {
  constexpr uint64_t kTextSize = uint64_t{256} << 20;
  Elf64_Ehdr ehdr = {};
  std::memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
  ehdr.e_ident[EI_CLASS] = ELFCLASS64;
  ehdr.e_type = ET_EXEC;
  ehdr.e_machine = EM_X86_64;
  ehdr.e_version = EV_CURRENT;
  ehdr.e_entry = 0x20000;
  ehdr.e_phoff = sizeof ehdr;
  ehdr.e_phentsize = sizeof(Elf64_Phdr);
  ehdr.e_phnum = 1;
  Elf64_Phdr text = {};
  text.p_type = PT_LOAD;
  text.p_flags = PF_R | PF_X;
  text.p_vaddr = 0x20000;
  text.p_offset = 4096;
  text.p_filesz = text.p_memsz = kTextSize;
  std::string bytes(reinterpret_cast<const char*>(&ehdr), sizeof ehdr);
  bytes.append(reinterpret_cast<const char*>(&text), sizeof text);
  const std::string path = folder.Write("slow.nexe", bytes);
  REQUIRE(truncate(path.c_str(), 4096 + kTextSize) == 0);
  return path;
}

TEST_CASE("a program that is slow to judge is bounded, and can be cancelled") {
  TestFolder folder;
  std::string text = Manifest(SlowProgram(folder));
  text.replace(text.find("33554432"), 8, "4294967296");
  const auto manifest = folder.Write("m", text);
  const ToolResult limited = RunTool({"--wall-ms", "50", manifest});
  CHECK(limited.status == 4);
  CHECK(StateLine(limited.out) == "session timeout");
  CHECK(limited.seconds < 1.5);
  const ToolResult cancelled =
      RunTool({"--report", "json", manifest}, {.signal = SIGTERM, .signal_after_ms = 50});
  CHECK(cancelled.status == 4);
  CHECK(Has(cancelled.out, "\"outcome\":\"cancelled\""));
  CHECK(cancelled.seconds < 1.5);
}

TEST_CASE("a program that Memory cannot hold is refused before it is laid out or judged") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(SlowProgram(folder)));
  const ToolResult run = RunTool({"--report", "json", manifest});
  CHECK(run.status == 12);
  CHECK(Has(run.out, "\"code\":\"memory-heap-too-small\""));
  CHECK(Has(run.out, "\"validator\":\"not-run\""));
  CHECK(run.seconds < 3);
}

TEST_CASE("a refused program leaves the host untouched") {
  TestFolder folder;
  const auto not_elf = folder.Write("text", std::string(4096, 'x'));
  const auto manifest =
      folder.Write("m", Manifest(not_elf, "/dev/null", folder.Path("out")));
  const ToolResult run = RunTool({manifest});
  CHECK(run.status == 8);
  CHECK(run.out.starts_with("2\n0\n0\n"));
  CHECK_FALSE(folder.Exists("out"));
}

TEST_CASE("memory sizes out of range are refused with status 12 before anything is opened") {
  TestFolder folder;
  for (const char* memory : {"0", "-1", "1", "16777216", "25165824", "4294967297"}) {
    CAPTURE(memory);
    std::string text = Manifest(Guest("hello"), "/dev/null", folder.Path("out"));
    text.replace(text.find("33554432"), 8, memory);
    const ToolResult run = RunTool({folder.Write("m", text)});
    CHECK(run.status == 12);
    CHECK_FALSE(folder.Exists("out"));
  }
  for (const char* memory : {"25559040", "4294967296"}) {
    CAPTURE(memory);
    std::string text = Manifest(Guest("hello"));
    text.replace(text.find("33554432"), 8, memory);
    CHECK(RunTool({folder.Write("m", text)}).status == 0);
  }
}

TEST_CASE("what is wrong with a manifest is told with its place, also by later layers") {
  TestFolder folder;
  const auto place = [&](std::string text, const char* from, const char* to) {
    text.replace(text.find(from), std::strlen(from), to);
    const std::string out = RunTool({"--report", "json", folder.Write("m", text)}).out;
    const size_t at = out.find("\"line\":");
    return out.substr(at, out.find('}', at) - at);
  };
  const std::string text = Manifest(Guest("hello"));
  CHECK(place(text, "33554432", "1") == "\"line\":3,\"column\":10");
  CHECK(place(text, "33554432", "4294967297") == "\"line\":3,\"column\":10");
  CHECK(place(text, "hello.nexe", "gone") == "\"line\":2,\"column\":11");
  CHECK(place(text, "/dev/null, /dev/stdin", "/tmp, /dev/stdin") ==
        "\"line\":5,\"column\":11");
  CHECK(place(text, "99, 9999, 0, 0", "0, 0, 0, 0") == "\"line\":5,\"column\":11");
}

TEST_CASE("a manifest cannot name the tool's own descriptors") {
  TestFolder folder;
  // The first numbers that are free are those of the trace and of what is opened after it.
  for (const char* number : {"3", "4", "5", "6", "7"}) {
    CAPTURE(number);
    const auto channel = folder.Write(
        "m", Manifest(Guest("hello"), "/dev/null", "fd:" + std::string(number)));
    const ToolResult run =
        RunTool({"-T", folder.Path("trace"), "--report", "json", channel});
    CHECK(run.status != 0);
    CHECK(Has(run.out, "\"code\":\"channel-open-failed\""));
    const auto program = folder.Write("p", Manifest("fd:" + std::string(number)));
    CHECK(RunTool({"-T", folder.Path("trace"), program}).status == 2);
  }
  CHECK(folder.Read("trace").find("hello world") == std::string::npos);
}

TEST_CASE("fork changes nothing without a Job") {
  TestFolder folder;
  const auto plain = folder.Write("plain", Manifest(Guest("fork")));
  CHECK(RunTool({plain}).out.starts_with("0\n0\n0\n"));
}

TEST_CASE("the same session gives the same digests, as root and as an ordinary user") {
  TestFolder folder;
  std::string text = Manifest(Guest("hello"));
  text.replace(text.find("33554432, 0"), 11, "33554432, 1");
  text.replace(text.find("/dev/stdout, 0, 0"), 17, "/dev/stdout, 0, 1");
  const auto manifest = folder.Write("m", text);
  chmod(manifest.c_str(), 0644);
  std::set<std::string> etags;
  for (int i = 0; i < 20; ++i) {
    const ToolResult run = RunTool({manifest}, {.uid = i % 2 == 0 ? 0u : 65534u});
    REQUIRE(run.status == 0);
    size_t at = 0;
    for (int line = 0; line < 3; ++line) {
      at = run.out.find('\n', at) + 1;
    }
    etags.insert(run.out.substr(at, run.out.find('\n', at) - at));
  }
  REQUIRE(etags.size() == 1);
  CHECK(etags.begin()->find("/dev/memory ") != std::string::npos);
}

TEST_CASE("the digest of the memory counts against the wall clock") {
  TestFolder folder;
  std::string text = Manifest(Guest("hello"));
  text.replace(text.find("33554432, 0"), 11, "4294967296, 1");
  const auto manifest = folder.Write("m", text);
  const ToolResult run = RunTool({"--wall-ms", "100", "--report", "json", manifest});
  CHECK(run.status == 4);
  CHECK(Has(run.out, "\"outcome\":\"limited\""));
  CHECK(Has(run.out, "\"reason\":\"limit-wall-time\""));
  CHECK(Has(run.out, "\"memoryEtag\":null"));
  CHECK(run.seconds < 1.5);
}

TEST_CASE("the trace tells stages and traps in order") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(Guest("hello")));
  CHECK(RunTool({"-T", "relative", manifest}).status == 14);
  CHECK(RunTool({"-T", folder.Path("trace"), manifest}).status == 0);
  const std::string trace = folder.Read("trace");
  size_t last = 0;
  for (const char* text : {"[manifest]", "[user module preparation]", "[channels mounting]",
                           "[lockdown]", "TrapWrite(1, 0x", "TrapExit(0) = 0", "[exit]"}) {
    CAPTURE(text);
    const size_t at = trace.find(text);
    REQUIRE(at != std::string::npos);
    CHECK(at > last);
    last = at;
  }
}

TEST_CASE("a descriptor that is no sealed image is refused") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(Guest("hello")));
  const int fd = memfd_create("test", MFD_ALLOW_SEALING);
  const ToolResult run = RunTool({"--image-fd", std::to_string(fd), "--report", "json", manifest},
                                 {.keep_fd = fd});
  CHECK(run.status == 22);
  CHECK(Has(run.out, "\"code\":\"image-invalid\""));
  close(fd);
}

TEST_CASE("an image is run only under rules that it was judged under") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(Guest("hello")));
  const auto run = [&](const ValidatorPolicy& policy, const std::vector<std::string>& switches) {
    auto program = OpenProgram(Guest("hello").c_str());
    REQUIRE(program.ok());
    auto image = PrepareProgram(program.value().get(), {.policy = policy});
    REQUIRE(image.ok());
    const int fd = image.value().fd.get();
    std::vector<std::string> words = {"--image-fd", std::to_string(fd), "--report", "json"};
    words.insert(words.end(), switches.begin(), switches.end());
    words.push_back(manifest);
    return RunTool(words, {.keep_fd = fd});
  };
  ValidatorPolicy policy = {.features = CpuFeatures::OfThisCpu(), .refuse_rdtsc = true};
  CHECK(run(policy, {}).status == 0);
  const ToolResult cpuid = run(policy, {"--refuse-cpuid"});
  CHECK(cpuid.status == 8);
  CHECK(Has(cpuid.out, "\"code\":\"policy-refused\""));
  policy.refuse_rdtsc = false;
  CHECK(run(policy, {}).status == 8);
}

TEST_CASE("wrong command lines are usage, wrong numbers are 14") {
  CHECK(RunTool({}).status == 22);
  CHECK(RunTool({"--nonsense"}).status == 22);
  CHECK(RunTool({"a", "b"}).status == 22);
  CHECK(RunTool({"-T"}).status == 22);
  CHECK(RunTool({"--report", "xml", "a"}).status == 22);
  CHECK(RunTool({"-v", "many", "a"}).status == 14);
  CHECK(RunTool({"--wall-ms", "-1", "a"}).status == 14);
  CHECK(RunTool({"--help"}).status == 0);
  CHECK(RunTool({"/nonexistent/manifest"}).status == 2);
}

TEST_CASE("the walls that stand around a guest are shown") {
  for (const unsigned uid : {0u, 65533u}) {
    const ToolResult run = RunTool({"--show-lockdown"}, {.uid = uid});
    CHECK(run.status == 0);
    for (const char* line : {"no_new_privs: yes", "seccomp: yes", "privileges_dropped: yes",
                             "descriptors_closed: yes", "rlimits: yes", "not_dumpable: yes"}) {
      CAPTURE(line);
      CHECK(Has(run.out, line));
    }
  }
}

}  // namespace
}  // namespace zvm
