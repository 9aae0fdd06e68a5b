#include "channel/network_open.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "channel/channel_failure.h"
#include "channel/ledger.h"
#include "channel/name_service.h"
#include "channel/network_source.h"

namespace zvm {
namespace {

constexpr int kNameTriesMax = 10;
constexpr int kNameWaitMs = 1200;      // for each try
constexpr int kConnectRetryMs = 20;    // a peer that does not listen yet
constexpr int kGreetingWaitMs = 2000;  // a stranger that connects and says nothing
constexpr int kBacklog = 16;

struct Connection {
  const NetworkEnd* end;
  bool reads;
  UniqueFd fd;               // listening, then connected
  sockaddr_in address = {};  // writers: the peer
};

class Opener {
 public:
  Opener(std::span<const NetworkEnd> ends, const NetworkOptions& options, const StopRequest& stop)
      : options_(options), stop_(stop) {
    for (const NetworkEnd& end : ends) {
      const bool reads = DirectionOf(end.channel->limits) == Direction::kRead;
      connections_.push_back({.end = &end, .reads = reads, .fd = {}});
    }
  }

  Failure Run();

 private:
  Failure Refuse(const Connection& at, int status, std::string_view code, std::string_view text,
                 int error = 0) const {
    return RefuseChannel(*at.end->channel, status, code, text, error);
  }
  Failure Stopped(const Connection& at) const {
    return Refuse(at, EINTR, "stopped", "stopped while a peer was awaited");
  }
  Failure Listen(Connection& connection);
  Failure AskNames();
  bool Exchange(int fd, NameRecord* record);
  Failure Connect(Connection& connection);
  Failure Accept(Connection& connection);
  bool Greets(int fd, const ChannelSource& source) const;

  const NetworkOptions& options_;
  const StopRequest& stop_;
  std::vector<Connection> connections_;
};

Failure Opener::Listen(Connection& connection) {
  const ChannelSource& source = *connection.end->source;
  connection.fd.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = source.host_is_address ? source.host : INADDR_ANY;
  address.sin_port = htons(source.port);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  const int yes = 1;
  if (!connection.fd.valid() ||
      setsockopt(connection.fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(connection.fd.get(), plain, size) != 0 ||
      listen(connection.fd.get(), kBacklog) != 0 ||
      getsockname(connection.fd.get(), plain, &size) != 0) {
    return Refuse(connection, errno, "channel-listen-failed", "cannot listen", errno);
  }
  connection.address = address;
  return {};
}

// One request and its answer, tried again when either is lost.
bool Opener::Exchange(int fd, NameRecord* record) {
  const std::vector<uint8_t> request = EncodeNameRequest(*record);
  std::vector<uint8_t> answer(kNameDatagramMax);
  for (int tries = 0; tries < kNameTriesMax && !request.empty(); ++tries) {
    // A refused datagram says that the server is not up yet: the wait is the same.
    (void)send(fd, request.data(), request.size(), 0);
    pollfd waiting = {.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, kNameWaitMs);
    if (stop_.requested()) {
      return false;
    }
    if (ready <= 0) {
      continue;
    }
    const ssize_t got = recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
    if (got < 0) {
      poll(nullptr, 0, kNameWaitMs);
    } else if (DecodeNameAnswer({answer.data(), static_cast<size_t>(got)}, record)) {
      return true;
    }
  }
  return false;
}

Failure Opener::AskNames() {
  NameRecord record;
  record.node = options_.node;
  for (const Connection& connection : connections_) {
    const ChannelSource& source = *connection.end->source;
    if (connection.reads) {
      record.binds.push_back({source.host, ntohs(connection.address.sin_port)});
    } else {
      record.connects.push_back({source.host, 0, source.port});
    }
  }
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in server = {};
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = options_.name_server->address;
  server.sin_port = htons(options_.name_server->port);
  // Connected, so that only the server's datagrams are received.
  if (!fd.valid() ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 ||
      !Exchange(fd.get(), &record)) {
    return stop_.requested() ? Stopped(connections_.front())
                             : Refuse(connections_.front(), EAGAIN, "name-service-failed",
                                      "the name server does not answer");
  }
  size_t next = 0;
  for (Connection& connection : connections_) {
    if (!connection.reads) {
      const NameConnect& peer = record.connects[next++];
      connection.address.sin_family = AF_INET;
      connection.address.sin_addr.s_addr = peer.address;
      connection.address.sin_port = htons(peer.port);
    }
  }
  return {};
}

Failure Opener::Connect(Connection& connection) {
  const ChannelSource& source = *connection.end->source;
  if (!options_.name_server) {
    if (!source.host_is_address || source.port == 0) {
      return Refuse(connection, EFAULT, "channel-address-missing",
                    "without a name server a writer needs address and port");
    }
    connection.address.sin_family = AF_INET;
    connection.address.sin_addr.s_addr = source.host;
    connection.address.sin_port = htons(source.port);
  }
  const auto* const address = reinterpret_cast<const sockaddr*>(&connection.address);
  for (;;) {
    if (stop_.requested()) {
      return Stopped(connection);
    }
    connection.fd.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!connection.fd.valid()) {
      return Refuse(connection, errno, "channel-connect-failed", "no socket", errno);
    }
    if (connect(connection.fd.get(), address, sizeof connection.address) == 0) {
      break;
    }
    if (errno != ECONNREFUSED && errno != EINTR && errno != ETIMEDOUT) {
      return Refuse(connection, errno, "channel-connect-failed", "cannot connect", errno);
    }
    poll(nullptr, 0, kConnectRetryMs);
  }
  const int yes = 1;
  (void)setsockopt(connection.fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const uint32_t to_node = source.host_is_address ? 0 : source.host;
  const LinkGreeting greeting = {htonl(kLinkMagic), htonl(kLinkVersion), htonl(options_.node),
                                 htonl(to_node)};
  // Sixteen bytes fit the buffer of a fresh connection.
  if (send(connection.fd.get(), &greeting, sizeof greeting, MSG_NOSIGNAL) != sizeof greeting) {
    return Refuse(connection, EPIPE, "channel-connect-failed", "the peer hung up", errno);
  }
  return {};
}

// SAFETY: anybody on the network can connect; only the peer that the manifest names gets further.
bool Opener::Greets(int fd, const ChannelSource& source) const {
  const timeval wait = {kGreetingWaitMs / 1000, kGreetingWaitMs % 1000 * 1000};
  const timeval forever = {0, 0};
  LinkGreeting greeting = {};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
      recv(fd, &greeting, sizeof greeting, MSG_WAITALL) != sizeof greeting ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever) != 0) {
    return false;
  }
  const bool known_peer = source.host_is_address || ntohl(greeting.from_node) == source.host;
  const uint32_t to_node = ntohl(greeting.to_node);
  return ntohl(greeting.magic) == kLinkMagic && ntohl(greeting.version) == kLinkVersion &&
         known_peer && (to_node == 0 || to_node == options_.node);
}

Failure Opener::Accept(Connection& connection) {
  for (;;) {
    if (stop_.requested()) {
      return Stopped(connection);
    }
    UniqueFd peer(accept4(connection.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      return Refuse(connection, errno, "channel-accept-failed", "cannot accept", errno);
    }
    if (Greets(peer.get(), *connection.end->source)) {
      connection.fd = std::move(peer);
      return {};
    }
  }
}

Failure Opener::Run() {
  for (Connection& connection : connections_) {
    if (Failure failure = connection.reads ? Listen(connection) : Failure{}; failure.failed()) {
      return failure;
    }
  }
  if (options_.name_server) {
    if (Failure failure = AskNames(); failure.failed()) {
      return failure;
    }
  }
  for (const bool reads : {false, true}) {
    for (Connection& connection : connections_) {
      if (connection.reads != reads) {
        continue;
      }
      if (Failure failure = reads ? Accept(connection) : Connect(connection); failure.failed()) {
        return failure;
      }
    }
  }
  for (Connection& connection : connections_) {
    *connection.end->opened =
        std::make_unique<NetworkSource>(std::move(connection.fd), !connection.reads, stop_);
  }
  return {};
}

}  // namespace

Failure OpenNetwork(std::span<const NetworkEnd> ends, const NetworkOptions& options,
                    const StopRequest& stop) {
  if (ends.empty()) {
    return {};
  }
  return Opener(ends, options, stop).Run();
}

}  // namespace zvm
