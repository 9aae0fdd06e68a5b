// What a session is told about one channel before it starts: plain data made by the manifest
// parser or by the wire, read by channel_table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "abi/user_manifest.h"

namespace zvm {

enum class SourceKind : uint8_t {
  kPath,        // an absolute path of the host: regular file, character device or FIFO
  kDescriptor,  // an open file descriptor that was passed to this process
  kTcp,         // the classic connection to another node
  kBytes,       // an input that is in memory
  kCollected,   // an output that a sink of this process takes, written in order
  kDiscarded,   // an output that nobody wants
};

class OutputSink;

struct ChannelSource {
  SourceKind kind = SourceKind::kPath;
  std::string path;         // kPath
  int descriptor = -1;      // kDescriptor: borrowed number, owned by the channel after opening
  uint32_t host = 0;        // kTcp: IPv4 in network order, or the node id when !host_is_address
  bool host_is_address = false;
  uint16_t port = 0;        // kTcp: host order, 0 = to be learnt
  std::span<const uint8_t> bytes;  // kBytes: borrowed until the session has ended
  OutputSink* sink = nullptr;      // kCollected: memory_source.h
  uint16_t tag = 0;                // kCollected: what the sink calls the channel
};

// Limits in operations and bytes of one session, each 0..2^63-1. They define the direction: a
// channel can be read when reads and read_bytes are both positive, written when both of the others
// are.
struct ChannelLimits {
  int64_t reads = 0;
  int64_t read_bytes = 0;
  int64_t writes = 0;
  int64_t write_bytes = 0;
};

struct ChannelSpec {
  std::string alias;
  int64_t type = ZVM_CHANNEL_SEQUENTIAL;  // enum zvm_channel_type once ChannelTable::Check agreed
  bool etag = false;
  ChannelLimits limits;
  std::vector<ChannelSource> sources;  // at least one
  // Place of its value, for messages; 0 = not from a classic manifest.
  uint32_t manifest_line = 0, manifest_column = 0;
};

}  // namespace zvm
