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

struct NameServer {
  uint32_t address = 0;  // IPv4, network order
  uint16_t port = 0;
};

struct Manifest {
  std::string program;            // path, or "fd:N" in strict mode
  int64_t memory_bytes = 0;       // as written; the address space checks its range
  bool memory_etag = false;
  int64_t timeout_s = 0;          // >= 1
  std::vector<ChannelSpec> channels;
  std::optional<NameServer> name_server;
  uint32_t node = 0;
  std::string job;                // path of the daemon's socket, empty = none
  std::string etag;               // stored, unused (classic keyword)
};

inline constexpr size_t kManifestSizeMax = 512 * 1024;
inline constexpr size_t kManifestLinesMax = 8192;

// Errors carry line and column (1-based) where they belong to a place, and a stable code.
[[nodiscard]] Result<Manifest, Failure> ParseManifest(std::string_view text, ManifestMode mode);

// Reads the file (status 2 when it cannot be opened, 5 when empty, 14 when too long) and parses it.
[[nodiscard]] Result<Manifest, Failure> ReadManifest(const char* path, ManifestMode mode);

}  // namespace zvm
