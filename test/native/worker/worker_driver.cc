#include "worker_driver.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>

#include "wire/frame_socket.h"
#include "wire/frame_writer.h"

namespace zvm::test {
namespace {

uint8_t g_buffer[kFrameSizeMax];

}  // namespace

WorkerDriver::WorkerDriver(const char* role, const char* tasks, const char* program,
                           int stderr_fd) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  socket_.Reset(ends[0]);
  UniqueFd theirs(ends[1]);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    dup2(theirs.get(), 0);
    if (stderr_fd >= 0) {
      dup2(stderr_fd, 2);
    }
    const std::string path = std::string(ZVM_BUILD_DIR "/") + program;
    execl(path.c_str(), program, role, "0", "0", "0", tasks, nullptr);
    _exit(127);
  }
  theirs.Reset();
  hello_ = Receive();
}

WorkerDriver::~WorkerDriver() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    Wait();
  }
}

int WorkerDriver::Send(const Bytes& frame, std::span<const int> fds) {
  return SendFrame(socket_.get(), frame, fds);
}

Bytes WorkerDriver::Receive() {
  size_t size = 0;
  const ReceiveEnd end = ReceiveFrame(socket_.get(), g_buffer, &size);
  CHECK((end == ReceiveEnd::kFrame || end == ReceiveEnd::kClosed || end == ReceiveEnd::kUnread));
  return Bytes(g_buffer, g_buffer + size);
}

void WorkerDriver::Cancel(uint64_t session_id) {
  sigval value;
  value.sival_ptr = reinterpret_cast<void*>(session_id);
  REQUIRE(sigqueue(pid_, SIGRTMIN, value) == 0);
}

int WorkerDriver::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

Bytes MakeStart(const StartOptions& options) {
  WireStart start;
  start.memory_bytes = options.memory_bytes;
  start.wall_ms = options.wall_ms;
  start.cpu_ms = options.cpu_ms;
  start.channel_count = options.channel_count;
  start.profile = options.profile;
  start.flags = options.flags;
  const std::string& hex = options.program_sha256_hex;
  if (!hex.empty()) {
    start.flags |= kStartMappedImage;
    for (size_t i = 0; i < sizeof start.program_check; ++i) {
      start.program_check[i] =
          static_cast<uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
    }
  }
  if ((options.flags & kStartSnapshot) != 0) {
    std::fill(std::begin(start.program_check), std::end(start.program_check),
              options.snapshot_name);
  }
  std::vector<std::string> aliases = {"/dev/stderr", "/dev/stdout", "/dev/stdin"};
  while (aliases.size() < options.channel_count) {
    aliases.push_back("c" + std::to_string(aliases.size()));
  }
  FrameWriter frame(g_buffer);
  frame.Add(start);
  for (const std::string& alias : aliases) {
    WireChannel channel;
    channel.alias_size = static_cast<uint16_t>(alias.size());
    channel.source_count = 1;
    const bool writes = alias == "/dev/stdout" || alias == "/dev/stderr";
    if (options.in_frames) {
      channel.source_count = 0;
      channel.flags = alias == "/dev/stderr" ? kChannelDiscard : kChannelInline;
      channel.inline_size =
          alias == "/dev/stdin" ? static_cast<uint32_t>(options.input.size()) : 0;
    }
    (writes ? channel.writes : channel.reads) = 1000;
    (writes ? channel.write_bytes : channel.read_bytes) = 65536;
    frame.Add(channel);
  }
  for (const std::string& alias : aliases) {
    frame.AddText(alias);
  }
  frame.AddText(options.in_frames ? options.input : "");
  const auto bytes = frame.Finish(FrameType::kStart, options.session_id, options.fd_count);
  return Bytes(bytes.begin(), bytes.end());
}

Bytes MakePrepare(uint8_t profile) {
  WirePrepare prepare;
  prepare.profile = profile;
  FrameWriter frame(g_buffer);
  frame.Add(prepare);
  const auto bytes = frame.Finish(FrameType::kPrepare, 11, 2);
  return Bytes(bytes.begin(), bytes.end());
}

UniqueFd TryPrepareImage(const std::string& name) {
  const UniqueFd program(open((ZVM_BUILD_DIR "/guest/" + name + ".nexe").c_str(), O_RDONLY));
  UniqueFd image(memfd_create("zvm-image", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x10u));
  REQUIRE(program.valid());
  WorkerDriver worker("prepare");
  const int fds[] = {program.get(), image.get()};
  REQUIRE(worker.Send(MakePrepare(), fds) == 0);
  const auto prepared = As<WirePrepared>(worker.Receive());
  CHECK(worker.Wait() == 0);
  return prepared.valid == 1 ? std::move(image) : UniqueFd();
}

UniqueFd PrepareImage(const std::string& name) {
  UniqueFd image = TryPrepareImage(name);
  REQUIRE(image.valid());
  return image;
}

std::string TextAt(const Bytes& frame, size_t offset) {
  return offset < frame.size() ? std::string(frame.begin() + static_cast<long>(offset), frame.end())
                               : std::string();
}

}  // namespace zvm::test
