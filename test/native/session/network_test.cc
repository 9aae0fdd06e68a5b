// Classic connections between sessions: real zvm-run processes, a real name server.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "channel/name_service.h"
#include "channel/network_source.h"
#include "run_tool.h"

namespace zvm {
namespace {

// A port that was free a moment ago.
uint16_t FreePort(int type) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

int ConnectTo(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int tries = 0; tries < 500; ++tries) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return fd;
    }
    close(fd);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return -1;
}

void Greet(int fd, uint32_t from_node) {
  const LinkGreeting greeting = {htonl(kLinkMagic), htonl(kLinkVersion), htonl(from_node), 0};
  REQUIRE(write(fd, &greeting, sizeof greeting) == sizeof greeting);
}

std::string NodeManifest(int node, uint16_t server, const std::string& in, const std::string& out,
                         const char* guest = "relay", bool etag = true, int timeout_s = 10) {
  const std::string tag = etag ? "1" : "0";
  std::string text = "Version=20130611\nProgram=" + Guest(guest) + "\nMemory=33554432,0\nTimeout=" +
                     std::to_string(timeout_s) + "\n";
  if (node != 0) {
    text += "Node=" + std::to_string(node) + "\nNameServer=udp:127.0.0.1:" +
            std::to_string(server) + "\n";
  }
  text += "Channel=" + in + ",/dev/stdin,0," + tag + ",1000000,1073741824,0,0\n";
  text += "Channel=" + out + ",/dev/stdout,0," + tag + ",0,0,1000000,1073741824\n";
  text += "Channel=/dev/null,/dev/stderr,0,0,0,0,10,10\n";
  return text;
}

TEST_CASE("a chain of nodes finds itself through the name server, in any order of start") {
  TestFolder folder;
  std::string data;
  for (int i = 0; data.size() < 3'000'000; ++i) {
    data += std::to_string(int64_t{i} * 7919);
  }
  const auto input = folder.Write("input", data);
  const uint16_t port = FreePort(SOCK_DGRAM);
  const auto first = folder.Write("1", NodeManifest(1, port, input, "tcp:2:"));
  const auto second = folder.Write("2", NodeManifest(2, port, "tcp:1:", "tcp:3:"));
  const auto third = folder.Write("3", NodeManifest(3, port, "tcp:2:", folder.Path("output")));
  ToolResult results[3], server;
  std::thread names([&] { server = RunTool({"--name-server", "3," + std::to_string(port)}); });
  std::vector<std::thread> threads;
  for (const auto& [index, path] : {std::pair{2, third}, {0, first}, {1, second}}) {
    threads.emplace_back([&results, index = index, path = path] {
      results[index] = RunTool({"-P", "--report", "json", path});
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  names.join();
  CHECK(server.status == 0);
  for (const ToolResult& result : results) {
    CAPTURE(result.out);
    CHECK(result.status == 0);
    CHECK(Has(result.out, "\"outcome\":\"exited\""));
  }
  CHECK(folder.Read("output") == data);
}

TEST_CASE("explicit addresses need no name server, and a writer waits for its reader") {
  TestFolder folder;
  const std::string port = std::to_string(FreePort(SOCK_STREAM));
  const auto input = folder.Write("input", "through a socket");
  const auto writer = folder.Write("w", NodeManifest(0, 0, input, "tcp:127.0.0.1:" + port));
  const auto reader =
      folder.Write("r", NodeManifest(0, 0, "tcp:127.0.0.1:" + port, folder.Path("output")));
  ToolResult result;
  std::thread thread([&] { result = RunTool({"-P", writer}); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(RunTool({"-P", reader}).status == 0);
  thread.join();
  CHECK(result.status == 0);
  CHECK(folder.Read("output") == "through a socket");
}

// What a hostile writer sends, and what the reader's session makes of it.
struct HostilePeer {
  const char* what;
  std::string bytes;
  int status;
  const char* code;
};

TEST_CASE("a peer that dies, lies or sends nonsense ends the session with its own code") {
  const std::string whole("\0\0\0\3abc", 7);
  const HostilePeer peers[] = {
      {"dies before the end mark", whole, 5, "channel-read-failed"},
      {"dies inside a message", whole.substr(0, 5), 5, "channel-read-failed"},
      {"message above the bound", std::string("\0\1\0\1x", 5), 5, "channel-read-failed"},
      {"digest of a size that there is not", whole + std::string("\0\0\0\0\7wrong!!", 12), 5,
       "channel-read-failed"},
      {"digest of other bytes", whole + std::string("\0\0\0\0\x28", 5) + std::string(40, '0'), 32,
       "channel-corrupted"},
      {"no digest", whole + std::string("\0\0\0\0\0", 5), 0, "null"},
      {"the right digest",
       whole + std::string("\0\0\0\0\x28", 5) + "a9993e364706816aba3e25717850c26c9cd0d89d", 0,
       "null"},
  };
  for (const HostilePeer& peer : peers) {
    CAPTURE(peer.what);
    TestFolder folder;
    const uint16_t port = FreePort(SOCK_STREAM);
    const auto reader = folder.Write(
        "r", NodeManifest(0, 0, "tcp:127.0.0.1:" + std::to_string(port), folder.Path("output")));
    ToolResult result;
    std::thread thread([&] { result = RunTool({"-P", "--report", "json", reader}); });
    // A stranger first: it is hung up on, and the reader goes on waiting.
    const int stranger = ConnectTo(port);
    REQUIRE(write(stranger, "GET / HTTP/1.0\r\n\r\n", 18) == 18);
    const int fd = ConnectTo(port);
    Greet(fd, 7);
    CHECK(write(fd, peer.bytes.data(), peer.bytes.size()) ==
          static_cast<ssize_t>(peer.bytes.size()));
    close(fd);
    thread.join();
    close(stranger);
    CAPTURE(result.out);
    CHECK(result.status == peer.status);
    if (peer.status != 0) {
      CHECK(Has(result.out, std::string("\"code\":\"") + peer.code + "\""));
    }
  }
}

TEST_CASE("a writer that fails is no end for its reader") {
  TestFolder folder;
  const std::string port = std::to_string(FreePort(SOCK_STREAM));
  const auto writer = folder.Write(
      "w", NodeManifest(0, 0, "/dev/zero", "tcp:127.0.0.1:" + port, "relay", false, 1));
  const auto reader = folder.Write("r", NodeManifest(0, 0, "tcp:127.0.0.1:" + port, "/dev/null"));
  ToolResult result;
  std::thread thread([&] { result = RunTool({"-P", "--report", "json", reader}); });
  CHECK(RunTool({"-P", writer}).status != 0);
  thread.join();
  CHECK(result.status == 5);
  CHECK(Has(result.out, "\"code\":\"channel-read-failed\""));
  CHECK(result.seconds < 5);
}

TEST_CASE("a reader that has heard enough does not make its writer fail") {
  TestFolder folder;
  const std::string port = std::to_string(FreePort(SOCK_STREAM));
  const auto input = folder.Write("input", std::string(8'000'000, 'x'));
  const auto writer = folder.Write("w", NodeManifest(0, 0, input, "tcp:127.0.0.1:" + port));
  const auto reader =
      folder.Write("r", NodeManifest(0, 0, "tcp:127.0.0.1:" + port, "/dev/null", "wait_input"));
  ToolResult result;
  std::thread thread([&] { result = RunTool({"-P", "--report", "json", writer}); });
  const ToolResult heard = RunTool({"-P", "--report", "json", reader});
  thread.join();
  CAPTURE(result.out);
  CHECK(Has(result.out, "\"outcome\":\"exited\""));
  CHECK(Has(heard.out, "\"exitCode\":120"));
  CHECK(Has(heard.out, "\"readBytes\":1"));
}

TEST_CASE("two that have heard enough of each other do not wait for each other") {
  TestFolder folder;
  const std::string ports[] = {std::to_string(FreePort(SOCK_STREAM)),
                               std::to_string(FreePort(SOCK_STREAM))};
  const auto connection = [&](int at) { return "tcp:127.0.0.1:" + ports[at]; };
  const auto one = folder.Write("1", NodeManifest(0, 0, connection(0), connection(1), "hello"));
  const auto two = folder.Write("2", NodeManifest(0, 0, connection(1), connection(0), "hello"));
  ToolResult result;
  std::thread thread([&] { result = RunTool({"-P", one}); });
  CHECK(RunTool({"-P", two}).status == 0);
  thread.join();
  CHECK(result.status == 0);
  CHECK(result.seconds < 5);
}

TEST_CASE("peers that never come are bounded by the wall clock") {
  TestFolder folder;
  const uint16_t port = FreePort(SOCK_DGRAM);
  const std::string connection = "tcp:127.0.0.1:" + std::to_string(FreePort(SOCK_STREAM));
  const std::string manifests[] = {
      NodeManifest(0, 0, connection, "/dev/null", "relay", true, 1),
      NodeManifest(0, 0, "/dev/null", connection, "relay", true, 1),
      NodeManifest(1, port, "tcp:2:", "/dev/null", "relay", true, 1),
  };
  for (const std::string& text : manifests) {
    CAPTURE(text);
    const auto path = folder.Write("m", text);
    const ToolResult result = RunTool({"-P", "--report", "json", path});
    CHECK(Has(result.out, "\"outcome\":\"limited\""));
    CHECK(result.seconds < 4);
  }
}

TEST_CASE("what cannot be connected is refused before anything waits") {
  TestFolder folder;
  const auto path = folder.Write("m", NodeManifest(0, 0, "/dev/null", "tcp:2:"));
  const ToolResult result = RunTool({"-P", "--report", "json", path});
  CHECK(result.status == 14);
  const auto both = folder.Write(
      "b", Manifest(Guest("hello"), "/dev/null", "/dev/null",
                    "Channel=tcp:127.0.0.1:5,/dev/x,0,0,1,1,1,1\n"));
  CHECK(RunTool({both}).status == 14);
  const auto random = folder.Write(
      "c", Manifest(Guest("hello"), "/dev/null", "/dev/null",
                    "Channel=tcp:127.0.0.1:5,/dev/x,1,0,1,1,0,0\n"));
  CHECK(RunTool({random}).status == 14);
  CHECK(RunTool({"--name-server", "0"}).status == 14);
  CHECK(RunTool({"--name-server", "2,x"}).status == 14);
  CHECK(RunTool({"--name-server", "2,70000"}).status == 14);
}

TEST_CASE("records of the name service: the captured request, and damaged ones") {
  // Node 2 reads from node 1 on port 0x80F5 and writes to node 3 (docs/abi.md 7.8).
  const uint8_t captured[] = {0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1,
                              0, 0, 0, 1, 0x80, 0xF5, 0, 0, 0, 3, 0, 0};
  const NameRecord record = {.node = 2, .binds = {{1, 0x80F5}}, .connects = {{3, 0, 0}}};
  const std::vector<uint8_t> request = EncodeNameRequest(record);
  CHECK(std::string(request.begin(), request.end()) ==
        std::string(captured, captured + sizeof captured));
  for (size_t size = 0; size < sizeof captured; ++size) {
    NameRecord decoded;
    CHECK_FALSE(DecodeNameRequest({captured, size}, &decoded));
  }
  NameRecord answered = record;
  answered.connects[0] = {3, htonl(INADDR_LOOPBACK), 99};
  const std::vector<uint8_t> answer = EncodeNameAnswer(answered);
  NameRecord decoded = record;
  REQUIRE(DecodeNameAnswer(answer, &decoded));
  CHECK(decoded.connects[0].address == htonl(INADDR_LOOPBACK));
  CHECK(decoded.connects[0].port == 99);
  for (size_t at = 0; at < kNameHeaderSize; ++at) {
    std::vector<uint8_t> damaged = answer;
    damaged[at] ^= 0x80;
    CHECK_FALSE(DecodeNameAnswer(damaged, &decoded));
  }
  NameRecord none = record;
  CHECK_FALSE(DecodeNameAnswer(EncodeNameAnswer(record), &none));
}

}  // namespace
}  // namespace zvm
