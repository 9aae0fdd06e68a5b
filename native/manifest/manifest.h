// The classic manifest, version 20130611: text in, Manifest out. Grammar and exit statuses:
// docs/abi.md §5. Strict by default; kCompat has the leniency of the original.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/result.h"
#include "channel/spec.h"

namespace zvm {

enum class ManifestMode : uint8_t { kStrict, kCompat };

// A position in the manifest, 1-based, columns in bytes; zeros mean the manifest as a whole.
struct ManifestPlace {
  unsigned line = 0;
  unsigned column = 0;
};

struct NameServer {
  uint32_t address = 0;  // IPv4, network order
  uint16_t port = 0;
};

struct Manifest {
  std::string program;            // path, or "fd:N" in strict mode
  ManifestPlace program_place;    // for failures that later layers find
  int program_descriptor = -1;    // the N of "fd:N", -1 = program is a path
  int64_t memory_bytes = 0;       // as written; the address space checks its range
  bool memory_etag = false;
  ManifestPlace memory_place;
  int64_t timeout_s = 0;          // >= 1
  std::vector<ChannelSpec> channels;
  std::optional<NameServer> name_server;
  uint32_t node = 0;
  std::string job;                // path of the daemon's socket, empty = none
  std::string etag;               // stored, unused (classic keyword)
};

// Where the report of a session goes: strict mode knows it as no program's and no channel's.
inline constexpr int kReportDescriptor = 1;

inline constexpr size_t kManifestSizeMax = 512 * 1024;
inline constexpr size_t kManifestLinesMax = 8192;
inline constexpr size_t kManifestTokenSizeMax = 8 * 1024;  // key or value, strict mode
inline constexpr size_t kManifestSourcesMax = 16;          // of one channel
inline constexpr size_t kManifestJobSizeMax = 107;         // what a Unix socket address holds

// Errors carry line and column (1-based, in bytes) where they belong to a place, a stable code and
// status 14. Left to later layers: the range of memory_bytes (address space, status 12), the
// number, names, kinds and directions of channels (ChannelTable::Check). Linear in the text.
[[nodiscard]] Result<Manifest, Failure> ParseManifest(std::string_view text, ManifestMode mode);

// Reads the file (status 2 when it cannot be opened, 5 when empty or unreadable, 14 when too long)
// and parses it. Never reads more than kManifestSizeMax + 1 bytes; opening a FIFO may block.
[[nodiscard]] Result<Manifest, Failure> ReadManifest(const char* path, ManifestMode mode);

}  // namespace zvm
