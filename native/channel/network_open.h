// Opens all connections of a session to other nodes, in an order that cannot deadlock: every reader
// listens, the name server (if any) tells where the others listen, every writer connects, every
// reader accepts. Waits for peers until a stop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/failure.h"
#include "base/stop_request.h"
#include "channel/source.h"
#include "channel/spec.h"

namespace zvm {

struct NameServerAddress {
  uint32_t address = 0;  // IPv4, network order
  uint16_t port = 0;     // host order
};
struct NetworkOptions {
  uint32_t node = 0;  // ours; 0 = without names
  std::optional<NameServerAddress> name_server;
};

// One connection to make. `opened` is set when all of them succeed.
struct NetworkEnd {
  const ChannelSpec* channel;
  const ChannelSource* source;
  std::unique_ptr<Source>* opened;
};

// Failures carry the channel's alias; classic statuses: 14 for what cannot be addressed, 11 for a
// name server that does not answer, 4 (code "stopped") for a stop, else the errno. `stop` must
// outlive the sources.
[[nodiscard]] Failure OpenNetwork(std::span<const NetworkEnd> ends, const NetworkOptions& options,
                                  const StopRequest& stop);

}  // namespace zvm
