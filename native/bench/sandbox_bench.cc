// npm run bench -- sandbox: what a sandbox costs beside what the machine itself costs, in one run.
// Fresh processes against posix_spawn of a static hello; entering, trapping and copying in this
// process against plain system calls. Usage: bench-sandbox [--rounds N] [--json FILE].
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "bench/measure.h"
#include "sandbox/cpu.h"
#include "sandbox/exec_memory.h"
#include "sandbox/faults.h"
#include "sandbox/guest_run.h"
#include "session/prepare.h"
#include "session/session.h"

extern char** environ;

namespace zvm {
namespace {

constexpr int64_t kMemoryBytes = 64 << 20;
constexpr int64_t kUnlimited = int64_t{1} << 60;
constexpr size_t kCopySizeBytes = 256 << 20;
constexpr size_t kCopyBlockSizeBytes = 64 << 10;
constexpr int kTrapsPerRun = 0x100000;
constexpr int kWritesPerRun = 0x40000;
constexpr int kEntriesPerSample = 1000;

const std::string kBuild = ZVM_BUILD_DIR;

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(2);
}

void Check(const Failure& failure) {
  if (failure.failed()) {
    fprintf(stderr, "bench-sandbox: %.*s\n", static_cast<int>(failure.text_size), failure.text);
    exit(2);
  }
}

PreparedImage Prepare(const std::string& guest) {
  const std::string path = kBuild + "/guest/" + guest + ".nexe";
  auto program = OpenProgram(path.c_str());
  if (!program.ok()) {
    Die(path.c_str());
  }
  PrepareOptions options;
  options.policy = SessionOptions().policy;  // of zvm-run, which is to run the image
  auto image = PrepareProgram(program.value().get(), options);
  if (!image.ok()) {
    Check(image.error().failure);
  }
  return std::move(image.value());
}

// A guest in this process, entered as often as one likes. No outer wall: the guests are ours, and
// what is measured is the inner machinery.
class Guest {
 public:
  Guest(const std::string& name, int input_fd, int output_fd);
  ~Guest();
  void Run();

 private:
  AddressSpace space_;
  ChannelTable channels_;
  StopRequest stop_;
  GuestRun run_;
};

ChannelSpec Channel(const char* alias, int fd, bool readable) {
  ChannelSpec spec;
  spec.alias = alias;
  spec.limits = readable ? ChannelLimits{kUnlimited, kUnlimited, 0, 0}
                         : ChannelLimits{0, 0, kUnlimited, kUnlimited};
  ChannelSource source;
  source.kind = SourceKind::kDescriptor;
  source.descriptor = dup(fd);
  spec.sources.push_back(source);
  return spec;
}

Guest::Guest(const std::string& name, int input_fd, int output_fd) {
  const PreparedImage image = Prepare(name);
  const int null_fd = open("/dev/null", O_RDWR);
  std::vector<ChannelSpec> specs;
  specs.push_back(Channel("/dev/stdin", input_fd, true));
  specs.push_back(Channel("/dev/stdout", output_fd, false));
  specs.push_back(Channel("/dev/stderr", null_fd, false));
  close(null_fd);
  Check(AddressSpace::CheckMemory(image.layout(), kMemoryBytes));
  Check(channels_.Check(std::move(specs)));
  Check(space_.Reserve());
  Check(space_.Map(image, kMemoryBytes));
  ChannelOptions options;
  options.preallocate = false;
  Check(channels_.Open(options, stop_));
  Check(space_.WriteUserManifest(channels_));
  space_.WriteStartInfo();
  Check(SetGuestSegmentBase());
  static uint8_t* const scratch = static_cast<uint8_t*>(
      mmap(nullptr, ValidatorScratchBytes(kJailSizeMax), PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  run_.space = &space_;
  run_.channels = &channels_;
  run_.stop = &stop_;
  run_.jail_scratch = {scratch, ValidatorScratchBytes(kJailSizeMax)};
  run_.entry = image.layout().entry;
}

Guest::~Guest() {
  channels_.Close();
  munmap(reinterpret_cast<void*>(ZVM_WINDOW_BASE - ZVM_GUARD_SIZE_BYTES),
         2 * ZVM_GUARD_SIZE_BYTES + ZVM_WINDOW_SIZE_BYTES);
}

void Guest::Run() {
  const GuestOutcome outcome = RunGuest(run_);
  if (outcome.end != GuestEnd::kExited || outcome.exit_code != 0) {
    fprintf(stderr, "bench-sandbox: a guest ended with %d, code %d\n",
            static_cast<int>(outcome.end), outcome.exit_code);
    exit(2);
  }
}

// Runs a program to its end; returns the page faults that it took.
double Spawn(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  pid_t pid;
  if (posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) {
    Die(argv[0]);
  }
  int status = 0;
  rusage usage;
  wait4(pid, &status, 0, &usage);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "bench-sandbox: %s failed with status 0x%x\n", argv[0], status);
    exit(2);
  }
  return static_cast<double>(usage.ru_minflt);
}

std::string WriteHelloManifest(const std::string& folder) {
  const std::string path = folder + "/hello.manifest";
  FILE* const file = fopen(path.c_str(), "w");
  fprintf(file,
          "Version = 20130611\nProgram = %s/guest/asm/hello.nexe\nMemory = 33554432, 0\n"
          "Timeout = 5\nChannel = /dev/null, /dev/stdin, 0, 0, 9, 9, 0, 0\n"
          "Channel = /dev/null, /dev/stdout, 0, 0, 0, 0, 99, 99\n"
          "Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 99, 99\n",
          kBuild.c_str());
  fclose(file);
  return path;
}

// Fresh processes: rows 0..4.
void MeasureProcesses(int rounds, const std::string& folder, std::vector<Row>& rows) {
  const std::string manifest = WriteHelloManifest(folder);
  const PreparedImage image = Prepare("asm/hello");
  fcntl(image.fd.get(), F_SETFD, 0);
  const std::string image_fd = std::to_string(image.fd.get());
  const int saved_stdout = dup(STDOUT_FILENO);
  const int null_fd = open("/dev/null", O_WRONLY);
  Row spawn{{"posix_spawn of a static hello", "us", false, {}}};
  Row prepared{{"zvm-run, fresh process, prepared image", "us", false, {}}, 0, 2.0};
  Row raw{{"zvm-run, fresh process, nexe validated", "us", false, {}}, 0};
  Row faults_spawn{{"page faults of the static hello", "", false, {}}};
  Row faults_prepared{{"page faults of zvm-run with a prepared image", "", false, {}}, 3};
  const auto measure = [](Row& time, Row* faults, const std::vector<std::string>& words) {
    double count = 0;
    time.samples.values.push_back(TimeNs([&] { count = Spawn(words); }) / 1000);
    if (faults != nullptr) {
      faults->samples.values.push_back(count);
    }
  };
  fflush(stdout);
  dup2(null_fd, STDOUT_FILENO);
  for (int i = 0; i < rounds; ++i) {
    measure(spawn, &faults_spawn, {kBuild + "/bench-static-hello"});
    measure(prepared, &faults_prepared,
            {kBuild + "/zvm-run", "--image-fd", image_fd, manifest});
    measure(raw, nullptr, {kBuild + "/zvm-run", manifest});
  }
  dup2(saved_stdout, STDOUT_FILENO);
  close(saved_stdout);
  close(null_fd);
  rows.insert(rows.end(), {spawn, prepared, raw, faults_spawn, faults_prepared});
}

void MeasureEntry(int rounds, std::vector<Row>& rows) {
  const int null_fd = open("/dev/null", O_RDWR);
  Row enter{{"enter and leave a warm sandbox (full register scrub)", "ns", false, {}}, -1, 1000};
  Guest guest("bench/exit", null_fd, null_fd);
  for (int i = 0; i < rounds; ++i) {
    enter.samples.values.push_back(TimeNs([&] {
                                     for (int n = 0; n < kEntriesPerSample; ++n) {
                                       guest.Run();
                                     }
                                   }) /
                                   kEntriesPerSample);
  }
  rows.push_back(enter);
  close(null_fd);
}

void MeasureTraps(int rounds, std::vector<Row>& rows) {
  const int null_fd = open("/dev/null", O_RDWR);
  {
    Row trap{{"one trap without a system call", "ns", false, {}}, -1, 1000};
    Guest guest("bench/traps", null_fd, null_fd);
    for (int i = 0; i < rounds / 10 + 1; ++i) {
      trap.samples.values.push_back(TimeNs([&] { guest.Run(); }) / kTrapsPerRun);
    }
    rows.push_back(trap);
  }
  Row plain{{"write(2) of one byte to /dev/null", "ns", false, {}}};
  Row through{{"the same through a trap", "ns", false, {}}, static_cast<int>(rows.size())};
  Guest guest("bench/writes", null_fd, null_fd);
  for (int i = 0; i < rounds / 10 + 1; ++i) {
    plain.samples.values.push_back(TimeNs([&] {
                                     for (int n = 0; n < kWritesPerRun; ++n) {
                                       ZVM_CHECK(write(null_fd, "x", 1) == 1);
                                     }
                                   }) /
                                   kWritesPerRun);
    through.samples.values.push_back(TimeNs([&] { guest.Run(); }) / kWritesPerRun);
  }
  Row beyond{{"what the trap adds to the system call", "ns", false, {}}, -1, 1000};
  for (size_t i = 0; i < plain.samples.values.size(); ++i) {
    beyond.samples.values.push_back(through.samples.values[i] - plain.samples.values[i]);
  }
  rows.insert(rows.end(), {plain, through, beyond});
  close(null_fd);
}

double MbPerSecond(double ns) { return kCopySizeBytes / ns * 1000; }

void PlainCopy(int input_fd, int output_fd) {
  static std::unique_ptr<char[]> buffer(new char[kCopyBlockSizeBytes]);
  ssize_t got;
  while ((got = read(input_fd, buffer.get(), kCopyBlockSizeBytes)) > 0) {
    ZVM_CHECK(write(output_fd, buffer.get(), got) == got);
  }
}

void MeasureCopy(int rounds, std::vector<Row>& rows) {
  const int input_fd = memfd_create("bench-input", 0);
  std::vector<char> block(kCopyBlockSizeBytes, 'z');
  for (size_t done = 0; done < kCopySizeBytes; done += block.size()) {
    ZVM_CHECK(write(input_fd, block.data(), block.size()) == ssize_t(block.size()));
  }
  const int output_fd = memfd_create("bench-output", 0);
  Row plain{{"copy 256 MiB in 64 KiB blocks, read and write loop", "MB/s", true, {}}};
  Row guest_copy{{"the same by a guest", "MB/s", true, {}}, static_cast<int>(rows.size()), 0.9};
  for (int i = 0; i < rounds / 10 + 2; ++i) {
    lseek(input_fd, 0, SEEK_SET);
    lseek(output_fd, 0, SEEK_SET);
    plain.samples.values.push_back(
        MbPerSecond(TimeNs([&] { PlainCopy(input_fd, output_fd); })));
    lseek(input_fd, 0, SEEK_SET);
    lseek(output_fd, 0, SEEK_SET);
    Guest guest("bench/copy", input_fd, output_fd);
    guest_copy.samples.values.push_back(MbPerSecond(TimeNs([&] { guest.Run(); })));
  }
  rows.insert(rows.end(), {plain, guest_copy});
  close(input_fd);
  close(output_fd);
}

void OnTrustedFault(int signal) {
  fprintf(stderr, "bench-sandbox: signal %d in host code\n", signal);
  _exit(2);
}

int Main(int argc, char** argv) {
  int rounds = 100;
  const char* json_path = nullptr;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rounds") == 0) {
      rounds = atoi(argv[i + 1]);
    } else if (strcmp(argv[i], "--json") == 0) {
      json_path = argv[i + 1];
    }
  }
  char folder[] = "/tmp/zvm-bench-XXXXXX";
  if (mkdtemp(folder) == nullptr) {
    Die("mkdtemp");
  }
  std::vector<Row> rows;
  MeasureProcesses(rounds, folder, rows);
  static StopRequest stop;
  Check(QualifyCpu());
  Check(InstallSignalHandlers(&stop, OnTrustedFault));
  Check(MapThunk());
  MeasureEntry(rounds, rows);
  MeasureTraps(rounds, rows);
  MeasureCopy(rounds, rows);
  unlink((std::string(folder) + "/hello.manifest").c_str());
  rmdir(folder);
  PrintTable("sandbox", rows, json_path);
  return 0;
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) { return zvm::Main(argc, argv); }
