// Where a channel leads to: paths, descriptors and connections (docs/abi.md §5.3). Part of value.h.
#include <arpa/inet.h>

#include <climits>

#include "channel/source_open.h"
#include "manifest/token.h"
#include "manifest/value.h"

namespace zvm {
namespace {

constexpr size_t kConnectionParts = 3;  // protocol, host, port

struct Connection {
  std::string_view protocol;
  std::string_view host;
  std::string_view port;
};

// Only the shape; the caller judges the protocol.
bool SplitConnection(ManifestContext context, std::string_view token, Connection& connection) {
  std::string_view parts[kConnectionParts];
  if (SplitFields(token, ':', parts) != kConnectionParts) {
    return context.errors.FailAt(token, "invalid-connection", "invalid channel url");
  }
  connection = {parts[0], parts[1], parts[2]};
  return true;
}

// Four decimal numbers, nothing shorter; 0.0.0.0 names no machine. Network order.
bool ParseAddress(ManifestContext context, std::string_view token, uint32_t& address) {
  char text[INET_ADDRSTRLEN] = {};
  in_addr parsed = {};
  if (token.size() < sizeof text) {
    token.copy(text, token.size());
    if (inet_pton(AF_INET, text, &parsed) == 1 && parsed.s_addr != 0) {
      address = parsed.s_addr;
      return true;
    }
  }
  return context.errors.FailAt(token, "malformed-address", "malformed ip token");
}

// A host with a dot is an address, anything else an integer whose meaning the caller knows.
bool ParseHost(ManifestContext context, std::string_view token, uint32_t& host, bool& is_address) {
  is_address = token.find('.') != token.npos;
  if (is_address) {
    return ParseAddress(context, token, host);
  }
  int64_t number = 0;
  if (!ParseInteger(context, token, {0, UINT32_MAX}, number)) {
    return false;
  }
  host = static_cast<uint32_t>(number);
  return true;
}

// An empty port is 0 in both modes: "to be learnt", the usual way to write a connection.
bool ParsePort(ManifestContext context, std::string_view token, uint16_t& port) {
  port = 0;
  if (token.empty()) {
    return true;
  }
  int64_t number = 0;
  if (!ParseInteger(context, token, {0, UINT16_MAX}, number)) {
    return false;
  }
  port = static_cast<uint16_t>(number);
  return true;
}

std::string_view ProtocolOf(std::string_view token) {
  return Strip(token.substr(0, token.find(':')));
}

bool ParseTcp(ManifestContext context, std::string_view token, ChannelSource& source) {
  Connection connection;
  source.kind = SourceKind::kTcp;
  return SplitConnection(context, token, connection) &&
         ParseHost(context, connection.host, source.host, source.host_is_address) &&
         ParsePort(context, connection.port, source.port);
}

}  // namespace

bool ParseSource(ManifestContext context, std::string_view token, ChannelSource& source) {
  if (EqualsIgnoringCase(ProtocolOf(token), "tcp")) {
    return ParseTcp(context, token, source);
  }
  if (context.strict() && token.starts_with(kDescriptorPrefix)) {
    source.kind = SourceKind::kDescriptor;
    return ParseDescriptor(context, token, source.descriptor);
  }
  if (token.find(':') != token.npos) {
    return token.starts_with('/')
               ? context.errors.FailAt(token, "path-with-colon", "invalid channel name")
               : context.errors.FailAt(token, "unsupported-protocol", "invalid channel protocol ",
                                       Quoted(ProtocolOf(token)));
  }
  if (!token.starts_with('/')) {
    return context.errors.FailAt(token, "relative-path",
                                 "only absolute path channels are allowed");
  }
  source.kind = SourceKind::kPath;
  source.path = token;
  return true;
}

bool ParseNameServer(ManifestContext context, std::string_view token, NameServer& server,
                     bool& is_udp) {
  Connection connection;
  if (!SplitConnection(context, token, connection)) {
    return false;
  }
  is_udp = EqualsIgnoringCase(connection.protocol, "udp");
  const bool tolerated = !context.strict() && EqualsIgnoringCase(connection.protocol, "tcp");
  if (!is_udp && !tolerated) {
    return context.errors.FailAt(connection.protocol, "name-server-protocol",
                                 "name server only support udp protocol");
  }
  // An integer host is the address as the raw word in network order.
  bool is_address = false;
  if (!ParseHost(context, connection.host, server.address, is_address) ||
      !ParsePort(context, connection.port, server.port)) {
    return false;
  }
  if (context.strict() && server.address == 0) {
    return context.errors.FailAt(connection.host, "malformed-address", "malformed ip token");
  }
  if (context.strict() && server.port == 0) {
    return context.errors.FailAt(connection.port, "invalid-connection",
                                 "a name server needs a port");
  }
  return true;
}

}  // namespace zvm
