// The classic daemon from outside: a program with a Job passes its checkpoint, clients send
// manifests over its socket and get reports.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/unique_fd.h"
#include "run_tool.h"

namespace zvm {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

template <class Condition>
bool Eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// The daemon of asm/daemon with a folder of its own; ended with this object.
class Daemon {
 public:
  explicit Daemon(const std::string& program = "daemon")
      : name_("d" + std::to_string(getpid()) + "-" + std::to_string(++count_)),
        manifest_(Manifest(Guest(program), folder_.Write("empty", ""), folder_.Path("out"),
                           "Job = " + folder_.Path(name_) + "\n")) {}
  ~Daemon() {
    if (const pid_t pid = Pid(); pid > 0) {
      kill(pid, SIGTERM);
      CHECK(Eventually([&] { return !folder_.Exists(name_); }));
    }
  }

  ToolResult Start() { return RunTool({folder_.Write("manifest", manifest_)}); }
  // By the name that it gives itself; 0 when there is none.
  pid_t Pid() const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "comm");
      std::string name;
      if (std::getline(file, name) && name == ("zvm." + name_).substr(0, 15)) {
        return static_cast<pid_t>(std::stol(entry.path().filename()));
      }
    }
    return 0;
  }
  std::string ManifestWith(const std::string& what, const std::string& by) const {
    std::string text = manifest_;
    text.replace(text.find(what), what.size(), by);
    return text;
  }
  std::string ManifestFor(const std::string& output) const {
    return ManifestWith(folder_.Path("out"), folder_.Path(output));
  }
  // Sends the bytes, then nothing more; all that comes back.
  std::string Ask(const std::string& request) const {
    const UniqueFd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, folder_.Path(name_).c_str());
    REQUIRE(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    (void)send(client.get(), request.data(), request.size(), MSG_NOSIGNAL);
    shutdown(client.get(), SHUT_WR);
    std::string answer;
    char block[4096];
    for (ssize_t got; (got = read(client.get(), block, sizeof block)) > 0;) {
      answer.append(block, static_cast<size_t>(got));
    }
    return answer;
  }
  std::string AskWith(const std::string& manifest) const {
    char length[16];
    snprintf(length, sizeof length, "%-8zu", manifest.size());
    return Ask(length + manifest);
  }

  const TestFolder& folder() const { return folder_; }
  const std::string& name() const { return name_; }

 private:
  static inline int count_ = 0;
  TestFolder folder_;
  const std::string name_, manifest_;
};

// The report behind its length, which must be right.
std::string ReportOf(const std::string& answer) {
  REQUIRE(answer.size() > 8);
  CHECK(answer.starts_with("0x"));
  CHECK(std::stoul(answer.substr(2, 6), nullptr, 16) == answer.size() - 8);
  return answer.substr(8);
}

}  // namespace

TEST_CASE("a program becomes a daemon and goes on once for each client") {
  Daemon daemon;
  const ToolResult first = daemon.Start();
  CHECK(first.status == 0);
  CHECK(first.out.starts_with("0\n1\n0\n"));
  CHECK(daemon.folder().Read("out") == "before fork\n");
  struct stat status;
  REQUIRE(stat(daemon.folder().Path(daemon.name()).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  daemon.folder().Write("empty", "xyz");
  for (const char* const output : {"one", "two"}) {
    const std::string report = ReportOf(daemon.AskWith(daemon.ManifestFor(output)));
    CHECK(report.starts_with("0\n0\n7\n"));
    CHECK(StateLine(report) == "ok");
    // Where the channel stood: behind the text that was written before.
    CHECK(daemon.folder().Read(output) == std::string(12, '\0') + "after fork\nx");
  }
  CHECK(daemon.folder().Read("out") == "before fork\n");
  // Sessions that have ended are waited for.
  const std::string id = std::to_string(daemon.Pid());
  CHECK(Eventually([&] {
    std::ifstream file("/proc/" + id + "/task/" + id + "/children");
    return file.good() && file.peek() == std::ifstream::traits_type::eof();
  }));
}

TEST_CASE("requests in the forms that clients send") {
  Daemon daemon;
  REQUIRE(daemon.Start().status == 0);
  std::string padded = daemon.ManifestFor("padded");
  padded.resize(4096, '\0');
  CHECK(StateLine(ReportOf(daemon.Ask("0x1000\n\n" + padded))) == "ok");
  CHECK(StateLine(ReportOf(daemon.Ask("0x001000" + daemon.ManifestFor("short")))) == "ok");
}

TEST_CASE("requests that make no session get a report") {
  Daemon daemon;
  REQUIRE(daemon.Start().status == 0);
  const std::string manifest = daemon.ManifestFor("other");
  const auto state = [&](const std::string& answer) { return StateLine(ReportOf(answer)); };
  CHECK(state(daemon.Ask("123")) == "manifest read error");
  CHECK(state(daemon.Ask("manifest" + manifest)) == "the request begins with no length");
  CHECK(state(daemon.Ask("0x10 xx " + manifest)) == "the request begins with no length");
  CHECK(state(daemon.Ask("-1      " + manifest)) == "the request begins with no length");
  CHECK(state(daemon.Ask("0xffffff" + manifest)) == "manifest is larger than 512 KiB");
  CHECK(state(daemon.Ask("99999999" + std::string(1 << 20, 'x'))) ==
        "manifest is larger than 512 KiB");
  CHECK(state(daemon.AskWith("Version = 1\n")).starts_with("MANIFEST 1: "));
  CHECK(state(daemon.AskWith(daemon.ManifestWith("/dev/stderr, 0", "/dev/stderr, 2"))) ==
        "difference in types of channels");
  CHECK(state(daemon.AskWith(daemon.ManifestWith("99, 9999, 0", "99, 9998, 0"))) ==
        "difference in limits of channels");
  CHECK(state(daemon.AskWith(manifest + "Channel = /dev/null, /x, 0, 0, 1, 1, 0, 0\n")) ==
        "difference in the number of channels");
  CHECK_FALSE(daemon.folder().Exists("other"));
  CHECK(StateLine(ReportOf(daemon.AskWith(manifest))) == "ok");
}

TEST_CASE("a program that never forks leaves no daemon") {
  Daemon daemon("hello");
  const ToolResult run = daemon.Start();
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("0\n0\n0\n"));
  CHECK(Eventually([&] { return !daemon.folder().Exists(daemon.name()); }));
  CHECK(Eventually([&] { return daemon.Pid() == 0; }));
}

TEST_CASE("nothing but a dead socket makes room for the socket") {
  Daemon daemon;
  daemon.folder().Write(daemon.name(), "precious");
  const ToolResult refused = daemon.Start();
  CHECK(refused.status != 0);
  CHECK(StateLine(refused.out).starts_with("the socket of the Job cannot be made"));
  CHECK(daemon.folder().Read(daemon.name()) == "precious");
  std::filesystem::remove(daemon.folder().Path(daemon.name()));
  REQUIRE(daemon.Start().status == 0);
  CHECK(daemon.Start().status != 0);  // the first one listens
  const pid_t pid = daemon.Pid();
  REQUIRE(pid > 0);
  kill(pid, SIGKILL);
  CHECK(Eventually([&] { return daemon.Pid() == 0; }));
  CHECK(daemon.Start().status == 0);
}

}  // namespace zvm
