// Streams between a real TCP connection and a real pipe: every byte once and in order, never one
// too many, and an end whatever the other sides do.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "pump/pump.h"

namespace zvm::test {
namespace {

struct Connection {
  UniqueFd server, client;
  Connection() {
    signal(SIGPIPE, SIG_IGN);
    UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener.get(), generic, size) == 0);
    REQUIRE(listen(listener.get(), 1) == 0);
    REQUIRE(getsockname(listener.get(), generic, &size) == 0);
    client.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect(client.get(), generic, size) == 0);
    server.Reset(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(server.valid());
  }
};

struct Pipe {
  UniqueFd read_end, write_end;
  Pipe() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    read_end.Reset(ends[0]);
    write_end.Reset(ends[1]);
    // One buffer: a spliced one may hold more than a page.
    REQUIRE(fcntl(write_end.get(), F_SETPIPE_SZ, 4096) == 4096);
  }
};

// A pump on a thread of its own, as the addon has it.
struct Running {
  PumpProgress progress;
  PumpResult result;
  UniqueFd stop{eventfd(0, EFD_CLOEXEC)};
  std::thread thread;

  template <typename Pump>
  explicit Running(Pump pump) : thread([this, pump] { result = pump(stop.get(), progress); }) {}
  ~Running() {
    if (thread.joinable()) {
      Stop();
      thread.join();
    }
  }
  void Stop() {
    progress.stop_wanted = true;
    CHECK(eventfd_write(stop.get(), 1) == 0);
  }
  const PumpResult& Join() {
    thread.join();
    return result;
  }
  void WaitUntil(PumpWait what) {
    while (progress.waits_for.load() != what) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
};

std::string Pattern(size_t size_bytes) {
  std::string text(size_bytes, '\0');
  uint32_t state = 1;
  for (char& byte : text) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

void WriteAllTo(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t got = write(fd, text.data(), text.size());
    if (got < 0) {
      return;
    }
    text.remove_prefix(static_cast<size_t>(got));
  }
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got <= 0) {
      return text;
    }
    text.append(buffer, static_cast<size_t>(got));
  }
}

size_t Queued(int fd) {
  int size = 0;
  REQUIRE(ioctl(fd, FIONREAD, &size) == 0);
  return static_cast<size_t>(size);
}

// The content of whole chunks; empties `text` up to what is no whole chunk.
std::string Unchunk(std::string& text) {
  std::string content;
  for (;;) {
    const size_t line = text.find("\r\n");
    if (line == std::string::npos) {
      return content;
    }
    const size_t size = std::stoul(text.substr(0, line), nullptr, 16);
    REQUIRE(size > 0);
    if (text.size() < line + 4 + size) {
      return content;
    }
    content += text.substr(line + 2, size);
    REQUIRE(text.substr(line + 2 + size, 2) == "\r\n");
    text.erase(0, line + 4 + size);
  }
}

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

constexpr size_t kLarge = size_t{8} << 20;
const std::string kDelimiter = "\r\n--boundary";

auto Receive(const Connection& connection, const Pipe& pipe, uint64_t size_bytes) {
  return [&, size_bytes](int stop, PumpProgress& progress) {
    return ReceiveBytes({connection.server.get(), pipe.write_end.get(), stop}, size_bytes,
                        progress);
  };
}

auto Until(const Connection& connection, const Pipe& pipe, uint64_t body_left_bytes,
           uint64_t content_bytes_max = UINT64_MAX, const std::string& begun = {}) {
  (void)fcntl(pipe.write_end.get(), F_SETFL, O_NONBLOCK);
  return [&, body_left_bytes, content_bytes_max, begun](int stop, PumpProgress& progress) {
    return ReceiveUntil({connection.server.get(), pipe.write_end.get(), stop},
                        {Bytes(kDelimiter), Bytes(begun), body_left_bytes, content_bytes_max},
                        progress);
  };
}

auto Send(const Connection& connection, const Pipe& pipe, bool chunked) {
  (void)fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
  return [&, chunked](int stop, PumpProgress& progress) {
    return SendAll({pipe.read_end.get(), connection.server.get(), stop}, chunked, progress);
  };
}

}  // namespace

TEST_CASE("receiving takes exactly what it may and leaves the rest in the socket") {
  const Connection connection;
  Pipe pipe;
  const std::string text = Pattern(kLarge);
  Running pump(Receive(connection, pipe, kLarge));
  std::thread writer([&] { WriteAllTo(connection.client.get(), text + "next"); });
  std::string got;
  std::thread reader([&] { got = ReadAll(pipe.read_end.get()); });
  CHECK(pump.Join().end == PumpEnd::kDone);
  writer.join();
  pipe.write_end.Reset();
  reader.join();
  CHECK(pump.result.content_bytes == kLarge);
  CHECK(pump.progress.socket_bytes == kLarge);
  CHECK(got == text);
  CHECK(Queued(connection.server.get()) == 4);
}

TEST_CASE("receiving for a guest that does not read, or no more, or a client that goes") {
  Connection connection;
  Pipe pipe;
  const std::string text = Pattern(kLarge);
  Running pump(Receive(connection, pipe, kLarge));
  SUBCASE("the guest goes: the rest is thrown away") {
    std::thread writer([&] { WriteAllTo(connection.client.get(), text); });
    pump.WaitUntil(PumpWait::kSink);
    pipe.read_end.Reset();
    writer.join();
    CHECK(pump.Join().end == PumpEnd::kDone);
    CHECK(pump.result.content_bytes == kLarge);
  }
  SUBCASE("the client goes while the guest does not read") {
    WriteAllTo(connection.client.get(), text.substr(0, 60'000));
    pump.WaitUntil(PumpWait::kSink);
    connection.client.Reset();
    CHECK(pump.Join().end == PumpEnd::kSourceEnded);
  }
  SUBCASE("the client goes while the guest waits") {
    WriteAllTo(connection.client.get(), "little");
    pump.WaitUntil(PumpWait::kSource);
    connection.client.Reset();
    CHECK(pump.Join().end == PumpEnd::kSourceEnded);
    CHECK(pump.result.content_bytes == 6);
  }
  SUBCASE("stopped while it waits for either") {
    pump.WaitUntil(PumpWait::kSource);
    pump.Stop();
    CHECK(pump.Join().end == PumpEnd::kStopped);
  }
}

TEST_CASE("a client that has sent all and closes its side is no loss") {
  Connection connection;
  Pipe pipe;
  const std::string text = Pattern(60'000);
  Running pump(Receive(connection, pipe, text.size()));
  WriteAllTo(connection.client.get(), text);
  pump.WaitUntil(PumpWait::kSink);
  shutdown(connection.client.get(), SHUT_WR);
  std::string got;
  std::thread reader([&] { got = ReadAll(pipe.read_end.get()); });
  CHECK(pump.Join().end == PumpEnd::kDone);
  pipe.write_end.Reset();
  reader.join();
  CHECK(got == text);
}

TEST_CASE("the delimiter is found wherever the pieces of the body are cut") {
  const std::string content = "\r\n--bound\r\n\r\r\n--boundar-\r\n--";
  const std::string body = content + kDelimiter + "--\r\n";
  for (size_t cut = 1; cut < body.size(); ++cut) {
    const Connection connection;
    Pipe pipe;
    Running pump(Until(connection, pipe, body.size()));
    WriteAllTo(connection.client.get(), body.substr(0, cut));
    while (pump.progress.socket_bytes != cut) {
      std::this_thread::yield();
    }
    WriteAllTo(connection.client.get(), body.substr(cut) + "more");
    CHECK(pump.Join().end == PumpEnd::kDelimiter);
    pipe.write_end.Reset();
    CHECK(ReadAll(pipe.read_end.get()) == content);
    CHECK(pump.result.content_bytes == content.size());
    const std::string rest(pump.result.rest.begin(), pump.result.rest.end());
    const std::string tail = "--\r\n";
    CHECK(tail.starts_with(rest));
    CHECK(Queued(connection.server.get()) == 4 + tail.size() - rest.size());
  }
}

TEST_CASE("a delimiter that had begun before the pump did") {
  for (size_t begun = 0; begun < kDelimiter.size(); ++begun) {
    const Connection connection;
    Pipe pipe;
    const std::string body = kDelimiter.substr(begun) + "--";
    WriteAllTo(connection.client.get(), body);
    Running pump(
        Until(connection, pipe, body.size(), UINT64_MAX, kDelimiter.substr(0, begun)));
    CHECK(pump.Join().end == PumpEnd::kDelimiter);
    CHECK(pump.result.content_bytes == 0);
    CHECK(Queued(pipe.read_end.get()) == 0);
  }
}

TEST_CASE("large content up to its delimiter, through a small pipe") {
  const Connection connection;
  Pipe pipe;
  const std::string text = Pattern(kLarge);
  const std::string body = text + kDelimiter + "\r\n";
  Running pump(Until(connection, pipe, body.size()));
  std::thread writer([&] { WriteAllTo(connection.client.get(), body); });
  std::string got;
  std::thread reader([&] { got = ReadAll(pipe.read_end.get()); });
  CHECK(pump.Join().end == PumpEnd::kDelimiter);
  writer.join();
  pipe.write_end.Reset();
  reader.join();
  CHECK(got == text);
}

TEST_CASE("content without a delimiter ends with the body, and one above its limit at once") {
  const Connection connection;
  const Pipe pipe;
  const std::string text = "content\r\n--bo";
  SUBCASE("the body is over") {
    Running pump(Until(connection, pipe, text.size()));
    WriteAllTo(connection.client.get(), text + "behind");
    CHECK(pump.Join().end == PumpEnd::kSourceEnded);
    CHECK(std::string(pump.result.rest.begin(), pump.result.rest.end()) == "\r\n--bo");
    CHECK(Queued(connection.server.get()) == 6);
  }
  SUBCASE("too large") {
    Running pump(Until(connection, pipe, 1000, 6));
    WriteAllTo(connection.client.get(), text);
    CHECK(pump.Join().end == PumpEnd::kTooLarge);
  }
}

TEST_CASE("sending: chunks of HTTP with all that the guest wrote, or the bytes as they are") {
  for (const bool chunked : {true, false}) {
    Connection connection;
    Pipe pipe;
    const std::string text = Pattern(kLarge);
    Running pump(Send(connection, pipe, chunked));
    std::string got;
    std::thread reader([&] { got = ReadAll(connection.client.get()); });
    WriteAllTo(pipe.write_end.get(), text);
    pipe.write_end.Reset();
    CHECK(pump.Join().end == PumpEnd::kDone);
    CHECK(pump.result.rest.empty());
    connection.server.Reset();
    reader.join();
    CHECK(got.size() == pump.progress.socket_bytes);
    CHECK((chunked ? Unchunk(got) : got) == text);
    if (chunked) {
      CHECK(got.empty());
    }
  }
}

TEST_CASE("what a guest has written reaches the client although more may come") {
  const Connection connection;
  Pipe pipe;
  Running pump(Send(connection, pipe, true));
  WriteAllTo(pipe.write_end.get(), "hello");
  char buffer[8];
  REQUIRE(recv(connection.client.get(), buffer, 8, MSG_WAITALL) == 8);
  CHECK(std::string(buffer, 8) == "5\r\nhello");
  pump.WaitUntil(PumpWait::kSource);
  pump.Stop();
  CHECK(pump.Join().end == PumpEnd::kStopped);
  CHECK(pump.result.chunk_left_bytes == 0);
  CHECK(std::string(pump.result.rest.begin(), pump.result.rest.end()) == "\r\n");
}

TEST_CASE("sending that is stopped leaves what the chunk lacks in the pipe") {
  Connection connection;
  Pipe pipe;
  const std::string text = Pattern(kLarge);
  Running pump(Send(connection, pipe, true));
  std::thread writer([&] { WriteAllTo(pipe.write_end.get(), text); });
  pump.WaitUntil(PumpWait::kSink);
  pump.Stop();
  REQUIRE(pump.Join().end == PumpEnd::kStopped);
  const PumpResult& result = pump.result;
  std::string rest(result.rest.begin(), result.rest.end());
  std::string left(result.chunk_left_bytes, '\0');
  // The pipe is non-blocking, and what the chunk lacks is in it.
  REQUIRE(static_cast<size_t>(read(pipe.read_end.get(), left.data(), left.size())) ==
          left.size());
  pipe.read_end.Reset();
  writer.join();
  const std::string end = rest + left + (left.empty() ? "" : "\r\n");
  std::thread sender([&] {
    (void)fcntl(connection.server.get(), F_SETFL, 0);
    WriteAllTo(connection.server.get(), end);
    connection.server.Reset();
  });
  std::string got = ReadAll(connection.client.get());
  sender.join();
  const std::string content = Unchunk(got);
  CHECK(got.empty());
  CHECK(content.size() == result.content_bytes + left.size());
  CHECK(text.starts_with(content));
}

TEST_CASE("sending to a client that goes") {
  Connection connection;
  const Pipe pipe;
  Running pump(Send(connection, pipe, true));
  SUBCASE("while the guest is silent") {
    pump.WaitUntil(PumpWait::kSource);
    // Closing with unread bytes resets the connection.
    REQUIRE(send(connection.server.get(), "x", 1, 0) == 1);
  }
  SUBCASE("while it does not read") {
    WriteAllTo(pipe.write_end.get(), Pattern(64 * 1024));
    while (pump.progress.socket_bytes < 64 * 1024) {
      std::this_thread::yield();
    }
  }
  connection.client.Reset();
  CHECK(pump.Join().end == PumpEnd::kSinkGone);
}

}  // namespace zvm::test
