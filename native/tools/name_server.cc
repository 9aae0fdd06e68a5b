#include "tools/name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "base/text_buffer.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "channel/name_service.h"

namespace zvm {
namespace {

constexpr uint32_t kNodesMax = 10'000;
constexpr int kGatherMs = 600'000;  // from one new node to the next
constexpr int kQuietMs = 5'000;     // after the answers: for replies that were lost
constexpr int kMalformedStatus = EFAULT;

struct Arguments {
  uint32_t nodes = 0;
  uint16_t port = 0;
};

bool ParseArguments(const char* text, Arguments* arguments) {
  const char* const end = text + std::strlen(text);
  auto [at, error] = std::from_chars(text, end, arguments->nodes);
  if (error != std::errc() || arguments->nodes == 0 || arguments->nodes > kNodesMax) {
    return false;
  }
  if (at == end) {
    return true;
  }
  if (*at != ',') {
    return false;
  }
  const auto [last, port_error] = std::from_chars(at + 1, end, arguments->port);
  return port_error == std::errc() && last == end;
}

struct Node {
  NameRecord record;
  sockaddr_in address;
};

class NameServer {
 public:
  NameServer(UniqueFd fd, uint32_t nodes) : fd_(std::move(fd)), wanted_(nodes) {}
  int Run();

 private:
  void Take();
  void Answer(const Node& node);

  UniqueFd fd_;
  const uint32_t wanted_;
  std::map<uint32_t, Node> nodes_;
  std::vector<uint8_t> datagram_ = std::vector<uint8_t>(kNameDatagramMax);
};

// Any datagram from anybody. What is no request is dropped.
void NameServer::Take() {
  Node node = {};
  socklen_t size = sizeof node.address;
  auto* const plain = reinterpret_cast<sockaddr*>(&node.address);
  const ssize_t got =
      recvfrom(fd_.get(), datagram_.data(), datagram_.size(), MSG_DONTWAIT, plain, &size);
  if (got < 0 || !DecodeNameRequest({datagram_.data(), static_cast<size_t>(got)}, &node.record)) {
    return;
  }
  const uint32_t id = node.record.node;
  const bool complete = nodes_.size() == wanted_;
  if (!nodes_.contains(id) && complete) {
    return;  // a stranger
  }
  // A node that asks again has lost its answer, or has started again: its last word counts.
  nodes_[id] = std::move(node);
  if (complete) {
    Answer(nodes_[id]);
  } else if (nodes_.size() == wanted_) {
    for (const auto& [other, each] : nodes_) {
      Answer(each);
    }
  }
}

// The k-th connection of a node to a peer gets the k-th port that the peer has bound for the node.
void NameServer::Answer(const Node& node) {
  NameRecord record = node.record;
  std::map<uint32_t, size_t> used;
  for (NameConnect& connect : record.connects) {
    size_t skip = used[connect.peer]++;
    connect.port = 0;
    const auto peer = nodes_.find(connect.peer);
    if (peer == nodes_.end()) {
      continue;
    }
    for (const NameBind& bind : peer->second.record.binds) {
      if (bind.peer == node.record.node && skip-- == 0) {
        connect.address = peer->second.address.sin_addr.s_addr;
        connect.port = bind.port;
        break;
      }
    }
  }
  const std::vector<uint8_t> answer = EncodeNameAnswer(record);
  (void)sendto(fd_.get(), answer.data(), answer.size(), 0,
               reinterpret_cast<const sockaddr*>(&node.address), sizeof node.address);
}

int NameServer::Run() {
  for (;;) {
    pollfd waiting = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const bool complete = nodes_.size() == wanted_;
    const int ready = poll(&waiting, 1, complete ? kQuietMs : kGatherMs);
    if (ready > 0) {
      Take();
    } else if (ready == 0) {
      return complete ? 0 : ETIMEDOUT;
    } else if (errno != EINTR) {
      return errno;
    }
  }
}

}  // namespace

int RunNameServer(const char* argument) {
  Arguments arguments;
  if (!ParseArguments(argument, &arguments)) {
    WriteAll(STDERR_FILENO, "zvm-run: --name-server takes NODES (1 to 10000) or NODES,PORT\n");
    return kMalformedStatus;
  }
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(arguments.port);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (!fd.valid() || bind(fd.get(), plain, size) != 0 ||
      getsockname(fd.get(), plain, &size) != 0) {
    const int error = errno;
    WriteAll(STDERR_FILENO, "zvm-run: the name server cannot listen\n");
    return error;
  }
  FixedText<16> port;
  port.AddUnsigned(ntohs(address.sin_port)).AddChar('\n');
  WriteAll(STDOUT_FILENO, port.view());
  return NameServer(std::move(fd), arguments.nodes).Run();
}

}  // namespace zvm
