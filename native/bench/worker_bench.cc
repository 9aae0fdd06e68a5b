// npm run bench -- worker: what a session costs in a worker that runs many, beside posix_spawn of a
// static hello in the same rounds. Inside: the code of the worker itself in a locked-down process,
// from a start frame in memory to the end of the reset. Outside: a real zvm-worker with a socket.
// Usage: bench-worker [--rounds N] [--sessions N] [--json FILE].
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/end_process.h"
#include "bench/measure.h"
#include "lockdown/lockdown.h"
#include "session/prepare.h"
#include "wire/frame_reader.h"
#include "wire/frame_socket.h"
#include "wire/frame_writer.h"
#include "worker/serve.h"

extern char** environ;

namespace zvm {
namespace {

const std::string kBuild = ZVM_BUILD_DIR;
constexpr int kInsideSamples = 20'000;
constexpr int kWarmUp = 200;
constexpr int kExchangesPerRound = 200;
constexpr int kPipelined = 16;
constexpr double kSpawnShare = 1.0 / 200;
constexpr int kFlatFrom = 1000;
constexpr double kFlatWithin = 1.02;

using Bytes = std::vector<uint8_t>;

struct StartShape {
  bool mapped = false;   // the image is named, not sent
  bool in_frames = true; // channels without descriptors
};

Bytes MakeStart(const PreparedImage& image, const StartShape& shape) {
  static uint8_t buffer[kFrameSizeMax];
  WireStart start;
  start.memory_bytes = 32 << 20;
  start.wall_ms = 5000;
  start.cpu_ms = 5000;
  start.channel_count = 3;
  start.profile = 1;
  start.etag_algorithm = 1;
  if (shape.mapped) {
    start.flags = kStartMappedImage;
    for (size_t i = 0; i < sizeof start.program_check; ++i) {
      const std::string digits(image.header.nexe_sha256_hex + 2 * i, 2);
      start.program_check[i] = static_cast<uint8_t>(std::stoul(digits, nullptr, 16));
    }
  }
  FrameWriter frame(buffer);
  frame.Add(start);
  const std::string_view aliases[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (size_t i = 0; i < 3; ++i) {
    WireChannel channel;
    channel.alias_size = static_cast<uint16_t>(aliases[i].size());
    channel.source_count = shape.in_frames ? 0 : 1;
    channel.flags = shape.in_frames ? kChannelInline : 0;
    (i == 0 ? channel.reads : channel.writes) = 1000;
    (i == 0 ? channel.read_bytes : channel.write_bytes) = 65536;
    frame.Add(channel);
  }
  for (const std::string_view alias : aliases) {
    frame.AddText(alias);
  }
  const size_t fds = (shape.mapped ? 0 : 1) + (shape.in_frames ? 0 : 3);
  const auto bytes = frame.Finish(FrameType::kStart, 7, fds);
  return Bytes(bytes.begin(), bytes.end());
}

// True for a report of a session that has said hello in it.
bool IsHello(const uint8_t* frame, size_t size, bool in_frames) {
  WireReport report;
  std::memcpy(&report, frame, std::min(size, sizeof report));
  const std::string_view text(reinterpret_cast<const char*>(frame), size);
  return size >= sizeof report && report.outcome == 0 && report.exit_code == 0 &&
         (!in_frames || text.ends_with("hello world\n"));
}

void PinTo(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0) {
    CPU_SET(cpu, &set);
  } else {
    for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); ++i) {
      CPU_SET(i, &set);
    }
  }
  ZVM_CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

// A zvm-worker without a bound on its tasks, on `cpu` (-1 = any).
class Worker {
 public:
  explicit Worker(int cpu) {
    PinTo(cpu);
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
    ZVM_CHECK(Receive() == sizeof(WireHello));
  }
  ~Worker() {
    socket_.Reset();
    waitpid(pid_, nullptr, 0);
    PinTo(-1);
  }
  pid_t pid() const { return pid_; }
  void Send(const Bytes& frame, std::span<const int> fds) {
    ZVM_CHECK(SendFrame(socket_.get(), frame, fds) == 0);
  }
  size_t Receive() {
    size_t size = 0;
    ZVM_CHECK(ReceiveFrame(socket_.get(), buffer_, &size) == ReceiveEnd::kFrame);
    return size;
  }
  // How many sessions the next frame tells of.
  size_t ReceiveReports() {
    size_t told = 0;
    std::span<const uint8_t> rest(buffer_, Receive()), report;
    for (rest = rest.subspan(sizeof(WireHeader)); !rest.empty(); ++told) {
      ZVM_CHECK(TakeInnerFrame(&rest, &report) == FrameError::kNone);
      ZVM_CHECK(IsHello(report.data(), report.size(), true));
    }
    return told;
  }
  void Exchange(const Bytes& frame, std::span<const int> fds, bool in_frames) {
    Send(frame, fds);
    ZVM_CHECK(IsHello(buffer_, Receive(), in_frames));
  }

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
  uint8_t buffer_[kFrameSizeMax];
};

// Takes one frame as the worker does. The report goes to descriptor 0.
void TakeFrame(Role& role, TaskFrame& task) {
  ZVM_CHECK(ReadHeader(task.bytes, task.descriptors.count(), &task.header) == FrameError::kNone);
  ZVM_CHECK(role.Do(task) == FrameError::kNone);
  task.descriptors.CloseAll();
  ZVM_CHECK(role.Renew());
}

// In a child: becomes a worker whose reports go to /dev/null, and measures itself.
void RunInside(int socket, const Bytes& first, const Bytes& named, double* samples) {
  ZVM_CHECK(dup2(open("/dev/null", O_RDWR), kControlDescriptor) == kControlDescriptor);
  WorkerOptions options;
  options.tasks_max = 0;
  Role& role = SessionRole();
  ZVM_CHECK(!role.SetUp(options).failed());
  std::vector<int> keep = {0, 1, 2, socket};
  for (const int fd : role.kept_descriptors()) {
    if (fd >= 0) {
      keep.push_back(fd);
    }
  }
  std::sort(keep.begin(), keep.end());
  LockdownOptions lockdown;
  lockdown.stage = role.stage(options);
  lockdown.keep_descriptors = keep;
  lockdown.descriptors_max = 300;
  LockdownStatus status;
  ZVM_CHECK(!Lockdown(lockdown, &status).failed());
  static uint8_t buffer[kFrameSizeMax];
  static TaskFrame task;
  size_t size = 0;
  ZVM_CHECK(ReceiveFrame(socket, buffer, &size, &task.descriptors) == ReceiveEnd::kFrame &&
            size == first.size());
  task.bytes = {buffer, size};
  TakeFrame(role, task);
  task.bytes = named;
  for (int i = -kWarmUp; i < kInsideSamples; ++i) {
    const double ns = TimeNs([&] { TakeFrame(role, task); });
    if (i >= 0) {
      samples[i] = ns / 1000;
    }
  }
  EndProcess(0);
}

Row MeasureInside(const PreparedImage& image) {
  const Bytes first = MakeStart(image, {}), named = MakeStart(image, {.mapped = true});
  auto* const samples = static_cast<double*>(mmap(nullptr, kInsideSamples * sizeof(double),
                                                  PROT_READ | PROT_WRITE,
                                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int ends[2];
  ZVM_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
  const int fds[] = {image.fd.get()};
  ZVM_CHECK(SendFrame(ends[0], first, fds) == 0);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    RunInside(ends[1], first, named, samples);
  }
  int status = 0;
  ZVM_CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  close(ends[0]);
  close(ends[1]);
  Row row{{"session inside: frame, hello out, exit, report, reset", "us", false, {}}, -1, 10};
  row.samples.values.assign(samples, samples + kInsideSamples);
  return row;
}

// One exchange after the other.
void MeasureExchange(Row& row, int cpu, const PreparedImage& image, bool in_frames, int rounds) {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const int all[] = {image.fd.get(), null.get(), null.get(), null.get()};
  Worker worker(cpu);
  const Bytes first = MakeStart(image, {.mapped = false, .in_frames = in_frames});
  const Bytes named = MakeStart(image, {.mapped = true, .in_frames = in_frames});
  const auto fds = std::span(all).first(in_frames ? 1 : 4);
  worker.Exchange(first, fds, in_frames);
  for (int i = -kWarmUp; i < rounds * kExchangesPerRound; ++i) {
    const double ns = TimeNs([&] { worker.Exchange(named, fds.subspan(1), in_frames); });
    if (i >= 0) {
      row.samples.values.push_back(ns / 1000);
    }
  }
}

// Several frames on their way at once: time a session.
void MeasurePipelined(Row& row, int cpu, const PreparedImage& image, int rounds) {
  const int fds[] = {image.fd.get()};
  Worker worker(cpu);
  const Bytes named = MakeStart(image, {.mapped = true});
  worker.Exchange(MakeStart(image, {}), fds, true);
  for (int i = 0; i < rounds * kExchangesPerRound / kPipelined; ++i) {
    row.samples.values.push_back(TimeNs([&] {
                                   for (int n = 0; n < kPipelined; ++n) {
                                     worker.Send(named, {});
                                   }
                                   for (int n = 0; n < kPipelined; ++n) {
                                     (void)worker.Receive();
                                   }
                                 }) /
                                 1000 / kPipelined);
  }
}

// As many sessions in one frame as fit: time a session.
void MeasureBatched(Row& row, int cpu, const PreparedImage& image, int rounds) {
  const int fds[] = {image.fd.get()};
  Worker worker(cpu);
  const Bytes named = MakeStart(image, {.mapped = true});
  worker.Exchange(MakeStart(image, {}), fds, true);
  const size_t count = (kFrameSizeMax - sizeof(WireHeader)) / named.size();
  Bytes frame(sizeof(WireHeader));
  for (size_t i = 0; i < count; ++i) {
    frame.insert(frame.end(), named.begin(), named.end());
  }
  WireHeader header;
  header.type = static_cast<uint16_t>(FrameType::kStarts);
  header.size_bytes = static_cast<uint32_t>(frame.size());
  std::memcpy(frame.data(), &header, sizeof header);
  for (int i = 0; i < rounds * kExchangesPerRound / kPipelined; ++i) {
    row.samples.values.push_back(TimeNs([&] {
                                   worker.Send(frame, {});
                                   for (size_t told = 0; told < count;) {
                                     told += worker.ReceiveReports();
                                   }
                                 }) /
                                 1000 / static_cast<double>(count));
  }
}

// A field of /proc/PID/status in KiB, 0 when it cannot be read.
double StatusKib(pid_t pid, const char* name) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE* const file = fopen(path, "r");
  double value = 0;
  while (file != nullptr && fgets(line, sizeof line, file) != nullptr) {
    if (strncmp(line, name, strlen(name)) == 0) {
      value = atof(line + strlen(name) + 1);
    }
  }
  if (file != nullptr) {
    fclose(file);
  }
  return value;
}

// What a worker has grown to after `sessions`, against what it was after the first thousand.
void MeasureGrowth(std::vector<Row>& rows, const PreparedImage& image, int sessions) {
  const int fds[] = {image.fd.get()};
  Worker worker(-1);
  const Bytes named = MakeStart(image, {.mapped = true});
  worker.Exchange(MakeStart(image, {}), fds, true);
  const auto measure = [&](const char* when) {
    for (const auto& [field, what] : {std::pair{"VmRSS", "resident"}, {"VmPTE", "page tables"}}) {
      rows.push_back({{std::string(what) + " after " + when, "KiB", false,
                       {StatusKib(worker.pid(), field)}}});
    }
  };
  for (int i = 0; i < kFlatFrom; ++i) {
    worker.Exchange(named, {}, true);
  }
  measure("1 000 sessions");
  for (int i = kFlatFrom; i < sessions; ++i) {
    worker.Exchange(named, {}, true);
  }
  const int first = static_cast<int>(rows.size()) - 2;
  measure((std::to_string(sessions) + " sessions").c_str());
  rows[static_cast<size_t>(first) + 2].peer = first;
  rows[static_cast<size_t>(first) + 2].goal = kFlatWithin;
  rows[static_cast<size_t>(first) + 3].peer = first + 1;
  rows[static_cast<size_t>(first) + 3].goal = kFlatWithin;
}

void SpawnHello() {
  const std::string path = kBuild + "/bench-static-hello";
  char* argv[] = {const_cast<char*>(path.c_str()), nullptr};
  pid_t pid = -1;
  ZVM_CHECK(posix_spawn(&pid, path.c_str(), nullptr, nullptr, argv, environ) == 0);
  ZVM_CHECK(waitpid(pid, nullptr, 0) == pid);
}

Row MeasureSpawn(int rounds) {
  Row row{{"posix_spawn of a static hello", "us", false, {}}};
  fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
  for (int i = 0; i < rounds; ++i) {
    row.samples.values.push_back(TimeNs(SpawnHello) / 1000);
  }
  dup2(saved, STDOUT_FILENO);
  return row;
}

PreparedImage PrepareHello() {
  auto program = OpenProgram((kBuild + "/guest/asm/hello.nexe").c_str());
  ZVM_CHECK(program.ok());
  PrepareOptions options;
  options.policy = {.profile = Profile::kZvm,
                    .features = CpuFeatures::OfThisCpu(),
                    .refuse_rdtsc = true};
  auto image = PrepareProgram(program.value().get(), options);
  ZVM_CHECK(image.ok());
  return std::move(image.value());
}

int Main(int argc, char** argv) {
  int rounds = 50, sessions = 100'000;
  const char* json_path = nullptr;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rounds") == 0) {
      rounds = std::max(1, atoi(argv[i + 1]));
    } else if (strcmp(argv[i], "--sessions") == 0) {
      sessions = std::max(kFlatFrom, atoi(argv[i + 1]));
    } else if (strcmp(argv[i], "--json") == 0) {
      json_path = argv[i + 1];
    }
  }
  const PreparedImage image = PrepareHello();
  std::vector<Row> rows;
  rows.push_back(MeasureSpawn(rounds));
  rows.push_back(MeasureInside(image));
  rows.push_back({{"the same, against posix_spawn", "us", false, rows[1].samples.values},
                  0, kSpawnShare});
  rows.push_back({{"frame there and back, same core", "us", false, {}}, -1, 30});
  MeasureExchange(rows[3], 0, image, true, rounds);
  rows.push_back({{"the same, channels by descriptor (/dev/null)", "us", false, {}}, 0});
  MeasureExchange(rows[4], 0, image, false, rounds);
  rows.push_back({{"frame there and back, any core", "us", false, {}}, 0});
  MeasureExchange(rows[5], -1, image, true, rounds);
  rows.push_back({{"a session of 16 frames under way, same core", "us", false, {}}, 0});
  MeasurePipelined(rows[6], 0, image, rounds);
  rows.push_back({{"a session of a frame with many, same core", "us", false, {}}, 0});
  MeasureBatched(rows[7], 0, image, rounds);
  MeasureGrowth(rows, image, sessions);
  PrintTable("worker", rows, json_path);
  return 0;
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) { return zvm::Main(argc, argv); }
