#include "session/daemon.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/end_process.h"
#include "channel/channel_check.h"
#include "session/prepare.h"

namespace zvm {
namespace {

constexpr size_t kLengthSize = 8;
constexpr int kBacklog = 16;

volatile sig_atomic_t g_ended = 0;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ZVM_CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// A socket that nobody listens on any more.
bool IsStale(const std::string& path) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const sockaddr_un address = AddressOf(path);
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

// Only its owner may connect. Nothing but a dead socket is ever removed to make room.
Failure Listen(const std::string& path, UniqueFd* listener) {
  listener->Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (IsStale(path)) {
    unlink(path.c_str());
  }
  const sockaddr_un address = AddressOf(path);
  const mode_t mask = umask(0177);
  const bool bound = bind(listener->get(), reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 0;
  const int error = errno;
  umask(mask);
  if (!bound || listen(listener->get(), kBacklog) != 0) {
    return MakeFailure(bound ? errno : error, "job-socket-failed",
                       "the socket of the Job cannot be made: ", path);
  }
  return {};
}

// False: the other side ended, or was too slow.
bool ReadWhole(int fd, void* to, size_t size) {
  for (auto* at = static_cast<uint8_t*>(to); size > 0;) {
    const ssize_t got = read(fd, at, size);
    if (got < 0 && errno == EINTR && g_ended == 0) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

// What a client still sends when it is refused: thrown away, so that it can read why.
void Drain(int connection) {
  static char block[kManifestSizeMax];
  const timeval limit = {1, 0};
  shutdown(connection, SHUT_WR);
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)ReadWhole(connection, block, sizeof block);
}

class Daemon {
 public:
  Daemon(Manifest manifest, const SessionOptions& options, ManifestMode mode)
      : manifest_(std::move(manifest)), options_(options), mode_(mode) {
    SortChannels(manifest_.channels);
    positions_.resize(manifest_.channels.size());
  }

  // Takes over the descriptors; never returns.
  void Run(UniqueFd listener, UniqueFd image, UniqueFd snapshot, UniqueFd told);

 private:
  void Detach();
  bool Learn(int told);
  void Serve(int listener);
  void Answer(int connection);
  Failure ReadRequest(int connection, std::string* text);
  Failure CheckChannels(const Manifest& manifest) const;

  Manifest manifest_;  // channels in guest order
  SessionOptions options_;
  const ManifestMode mode_;
  std::vector<ChannelPosition> positions_;
  UniqueFd image_, snapshot_;
};

// Nothing of whoever started the tool is kept: descriptors, session, folder.
void Daemon::Detach() {
  setsid();
  signal(SIGHUP, SIG_IGN);
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  ZVM_CHECK(chdir("/") == 0 && null.valid());
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    ZVM_CHECK(dup2(null.get(), fd) == fd);
  }
  const std::string name = "zvm." + manifest_.job.substr(manifest_.job.rfind('/') + 1);
  prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
}

// Waits for the session that this process is made of. False: it did not become a daemon.
bool Daemon::Learn(int told) {
  return ReadWhole(told, positions_.data(), positions_.size() * sizeof positions_[0]) &&
         !SealImage(snapshot_.get()).failed();
}

// 8 bytes that hold a number in C notation, filled up with blanks, then as many bytes of manifest.
// A client that ends early has sent a shorter one.
Failure Daemon::ReadRequest(int connection, std::string* text) {
  const timeval limit = {kDaemonRequestSeconds, 0};
  char length[kLengthSize + 1] = {};
  if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      !ReadWhole(connection, length, kLengthSize)) {
    return MakeFailure(EIO, "manifest-read-failed", "manifest read error");
  }
  char* end = nullptr;
  errno = 0;
  const unsigned long long size = std::strtoull(length, &end, 0);
  const std::string_view rest(end, static_cast<size_t>(length + kLengthSize - end));
  const bool clean = rest.find_first_not_of(" \t\r\n") == rest.npos;
  if (errno != 0 || end == length || length[0] == '-' || !clean || size == 0) {
    return MakeFailure(EFAULT, "job-length-invalid", "the request begins with no length");
  }
  if (size > kManifestSizeMax) {
    return MakeFailure(EFAULT, "manifest-too-large", "manifest is larger than 512 KiB");
  }
  text->resize(size);
  size_t done = 0;
  for (ssize_t got = 1; done < size && got != 0; done += static_cast<size_t>(got)) {
    got = read(connection, text->data() + done, size - done);
    if (got < 0) {
      return MakeFailure(EIO, "manifest-read-failed", "manifest read error");
    }
  }
  text->resize(done);
  // What fills it up to the length.
  text->resize(text->find_last_not_of(std::string_view("\0", 1)) + 1);
  return {};
}

// The program knows its channels: names, types and limits are what they were.
Failure Daemon::CheckChannels(const Manifest& manifest) const {
  const auto differ = [](const char* what) {
    return MakeFailure(EFAULT, "job-channels-differ", "difference in ", what);
  };
  if (manifest.channels.size() != manifest_.channels.size()) {
    return differ("the number of channels");
  }
  for (size_t i = 0; i < manifest.channels.size(); ++i) {
    const ChannelSpec &a = manifest.channels[i], &b = manifest_.channels[i];
    if (a.alias != b.alias) {
      return differ("names of channels");
    }
    if (a.type != b.type) {
      return differ("types of channels");
    }
    if (a.limits.reads != b.limits.reads || a.limits.read_bytes != b.limits.read_bytes ||
        a.limits.writes != b.limits.writes || a.limits.write_bytes != b.limits.write_bytes) {
      return differ("limits of channels");
    }
  }
  return {};
}

// In a process of its own: one request, one session, one report. Does not return.
void Daemon::Answer(int connection) {
  ZVM_CHECK(dup2(connection, kReportDescriptor) == kReportDescriptor);
  const auto refuse = [&](const Failure& failure) {
    const int status = ReportFailure(failure, options_.report_format, true);
    Drain(connection);
    EndProcess(status);
  };
  std::string text;
  if (Failure failure = ReadRequest(connection, &text); failure.failed()) {
    refuse(failure);
  }
  auto parsed = ParseManifest(text, mode_);
  if (!parsed.ok()) {
    refuse(parsed.error());
  }
  Manifest& manifest = parsed.value();
  SortChannels(manifest.channels);
  if (Failure failure = CheckChannels(manifest); failure.failed()) {
    refuse(failure);
  }
  close(connection);
  manifest.memory_bytes = manifest_.memory_bytes;
  manifest.memory_etag = manifest_.memory_etag;
  SessionOptions options = options_;
  options.image_fd = image_.Release();
  options.of_daemon = {snapshot_.Release(), positions_};
  options.length_prefix = true;
  static Trace trace;
  EndProcess(RunSession(std::move(manifest), options, trace));
}

// One process for each client, each waited for.
void Daemon::Serve(int listener) {
  int running = 0;
  while (g_ended == 0) {
    int status = 0;
    while (running > 0 &&
           waitpid(-1, &status, running < kDaemonSessionsMax ? WNOHANG : 0) > 0) {
      --running;
    }
    const UniqueFd connection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) {
      continue;  // a child has ended, or this process is to end
    }
    const pid_t child = fork();
    if (child == 0) {
      for (const int signal_number : {SIGCHLD, SIGTERM, SIGINT}) {
        signal(signal_number, SIG_DFL);
      }
      close(listener);
      Answer(connection.get());
    }
    running += child > 0;
  }
}

void Daemon::Run(UniqueFd listener, UniqueFd image, UniqueFd snapshot, UniqueFd told) {
  image_ = std::move(image);
  snapshot_ = std::move(snapshot);
  Detach();
  struct sigaction action = {};
  // Without SA_RESTART: waiting ends, and the loop looks why.
  action.sa_handler = [](int signal_number) {
    if (signal_number != SIGCHLD) {
      g_ended = 1;
    }
  };
  for (const int signal_number : {SIGCHLD, SIGTERM, SIGINT}) {
    sigaction(signal_number, &action, nullptr);
  }
  if (Learn(told.get())) {
    told.Reset();
    Serve(listener.get());
  }
  unlink(manifest_.job.c_str());
  EndProcess(0);
}

// Everything that the process had open before, but these four, which are close-on-exec.
void CloseOthers(std::initializer_list<int> keep) {
  std::vector<int> sorted(keep);
  std::sort(sorted.begin(), sorted.end());
  unsigned from = STDERR_FILENO + 1;
  for (const int fd : sorted) {
    if (static_cast<unsigned>(fd) > from) {
      close_range(from, static_cast<unsigned>(fd) - 1, 0);
    }
    from = static_cast<unsigned>(fd) + 1;
  }
  close_range(from, ~0u, 0);
}

}  // namespace

int RunDaemonSession(Manifest manifest, SessionOptions options, ManifestMode mode, Trace& trace) {
  // Without an image there will be no daemon; the session says why.
  auto program = manifest.program_descriptor >= 0 ? Result<UniqueFd, Failure>(UniqueFd())
                                                  : OpenProgram(manifest.program.c_str());
  if (!program.ok() || !program.value().valid()) {
    return RunSession(std::move(manifest), options, trace);
  }
  auto image = PrepareProgram(program.value().get(), {.policy = options.policy,
                                                      .memory_bytes = manifest.memory_bytes});
  auto snapshot = MakeImageFile();
  if (!image.ok() || !snapshot.ok()) {
    return RunSession(std::move(manifest), options, trace);
  }
  UniqueFd listener;
  if (Failure failure = Listen(manifest.job, &listener); failure.failed()) {
    return ReportFailure(failure, options.report_format);
  }
  int ends[2];
  ZVM_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd told(ends[0]);
  options.becomes_daemon = {snapshot.value().Release(), ends[1]};
  UniqueFd copy(fcntl(image.value().fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  const pid_t child = fork();
  if (child == 0) {
    CloseOthers({listener.get(), copy.get(), options.becomes_daemon.snapshot_fd, told.get()});
    UniqueFd file(options.becomes_daemon.snapshot_fd);
    options.becomes_daemon = {};
    options.verbosity = 0;
    Daemon daemon(std::move(manifest), options, mode);
    daemon.Run(std::move(listener), std::move(copy), std::move(file), std::move(told));
  }
  if (child < 0) {
    unlink(manifest.job.c_str());
    return ReportFailure(MakeFailure(errno, "job-fork-failed", "the daemon cannot be started"),
                         options.report_format);
  }
  listener.Reset();
  told.Reset();
  copy.Reset();
  options.image_fd = image.value().fd.Release();
  return RunSession(std::move(manifest), options, trace);
}

}  // namespace zvm
