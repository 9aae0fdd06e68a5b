// Any bytes as a manifest, in both modes: every result keeps the promises of manifest.h, and what
// strict mode accepts in classic words means the same in compat mode.
#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "manifest/manifest.h"

namespace zvm {
namespace {

bool SameSource(const ChannelSource& a, const ChannelSource& b) {
  return a.kind == b.kind && a.path == b.path && a.host == b.host &&
         a.host_is_address == b.host_is_address && a.port == b.port;
}

bool SameChannel(const ChannelSpec& a, const ChannelSpec& b) {
  return a.alias == b.alias && a.type == b.type && a.etag == b.etag &&
         a.limits.reads == b.limits.reads && a.limits.read_bytes == b.limits.read_bytes &&
         a.limits.writes == b.limits.writes && a.limits.write_bytes == b.limits.write_bytes &&
         a.manifest_line == b.manifest_line &&
         std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end(),
                    SameSource);
}

bool SameManifest(const Manifest& a, const Manifest& b) {
  return a.program == b.program && a.memory_bytes == b.memory_bytes &&
         a.memory_etag == b.memory_etag && a.timeout_s == b.timeout_s && a.node == b.node &&
         a.job == b.job && a.etag == b.etag &&
         a.name_server.has_value() == b.name_server.has_value() &&
         std::equal(a.channels.begin(), a.channels.end(), b.channels.begin(), b.channels.end(),
                    SameChannel);
}

void CheckFailure(const Failure& failure, std::string_view text) {
  ZVM_CHECK(failure.status == 14 && !failure.code.empty() && failure.text_size > 0);
  ZVM_CHECK((failure.line == 0) == (failure.column == 0));
  ZVM_CHECK(failure.line <= text.size() + 1 && failure.column <= text.size() + 1);
  for (const char c : failure.message()) {
    ZVM_CHECK(c >= 0x20 && c < 0x7F);
  }
}

void CheckManifest(const Manifest& manifest) {
  ZVM_CHECK(manifest.timeout_s >= 1);
  ZVM_CHECK(manifest.job.size() <= kManifestJobSizeMax);
  ZVM_CHECK(manifest.channels.size() <= kManifestLinesMax);
  for (const ChannelSpec& channel : manifest.channels) {
    ZVM_CHECK(!channel.sources.empty() && channel.sources.size() <= kManifestSourcesMax);
    ZVM_CHECK(channel.manifest_line >= 1 && channel.manifest_line <= kManifestLinesMax);
    const ChannelLimits& limits = channel.limits;
    ZVM_CHECK(std::min({limits.reads, limits.read_bytes, limits.writes, limits.write_bytes}) >= 0);
  }
}

// Strict mode understands more than compat mode in two places: '=' in values and descriptors.
bool SaysOnlyClassicThings(std::string_view text, const Manifest& manifest) {
  if (manifest.program_descriptor >= 0) {
    return false;
  }
  for (const ChannelSpec& channel : manifest.channels) {
    for (const ChannelSource& source : channel.sources) {
      if (source.kind == SourceKind::kDescriptor) {
        return false;
      }
    }
  }
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (std::count(line.begin(), line.end(), '=') > 1) {
      return false;
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return true;
}

}  // namespace
}  // namespace zvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zvm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto strict = ParseManifest(text, ManifestMode::kStrict);
  const auto compat = ParseManifest(text, ManifestMode::kCompat);
  for (const auto* result : {&strict, &compat}) {
    if (result->ok()) {
      CheckManifest(result->value());
    } else {
      CheckFailure(result->error(), text);
    }
  }
  if (strict.ok() && SaysOnlyClassicThings(text, strict.value())) {
    ZVM_CHECK(compat.ok() && SameManifest(strict.value(), compat.value()));
  }
  return 0;
}
