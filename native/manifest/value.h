// The typed values of the manifest: integers with a range, switches, sources, whole channels.
// Every function returns false after it has told `errors` why; what it would have returned is then
// unspecified.
#pragma once

#include <cstdint>
#include <string_view>

#include "manifest/error_sink.h"
#include "manifest/manifest.h"

namespace zvm {

struct ManifestContext {
  ManifestMode mode;
  ErrorSink& errors;
  bool strict() const { return mode == ManifestMode::kStrict; }
};

// Strict mode: `min` <= value <= `max` and not empty. Compat mode: any 64-bit integer, empty is 0;
// the caller narrows it to the width of its field, as the classic parser did.
struct IntegerRange {
  int64_t min = INT64_MIN;
  int64_t max = INT64_MAX;
};
bool ParseInteger(ManifestContext context, std::string_view token, IntegerRange range,
                  int64_t& value);

// 0 or 1 in both modes; `code` and `message` name the field.
bool ParseSwitch(ManifestContext context, std::string_view token, std::string_view code,
                 std::string_view message, bool& value);

// "fd:N" -> N, any but the report's.
bool ParseDescriptor(ManifestContext context, std::string_view token, int& descriptor);
inline constexpr std::string_view kDescriptorPrefix = "fd:";

// `tcp:host:port`, `fd:N` (strict mode) or an absolute path.
bool ParseSource(ManifestContext context, std::string_view token, ChannelSource& source);

// `udp:host:port`. `is_udp` is false for the tcp that compat mode lets pass while nobody uses it.
bool ParseNameServer(ManifestContext context, std::string_view token, NameServer& server,
                     bool& is_udp);

// `sources, alias, type, etag, reads, read bytes, writes, write bytes`.
bool ParseChannel(ManifestContext context, std::string_view token, ChannelSpec& channel);

}  // namespace zvm
