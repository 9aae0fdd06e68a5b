#include "worker/session_request.h"

#include <charconv>

namespace zvm {
namespace {

ChannelSource MakeInline(const StartChannel& channel, uint16_t number, OutputSink& sink) {
  ChannelSource source;
  const bool reads = channel.fields.reads > 0 && channel.fields.read_bytes > 0;
  source.kind = (channel.fields.flags & kChannelDiscard) != 0 ? SourceKind::kDiscarded
                : reads                                       ? SourceKind::kBytes
                                                              : SourceKind::kCollected;
  source.bytes = channel.bytes;
  source.sink = source.kind == SourceKind::kCollected ? &sink : nullptr;
  source.tag = number;
  return source;
}

ChannelSpec MakeSpec(const StartChannel& channel, uint16_t number,
                     const FrameDescriptors& descriptors, OutputSink& sink) {
  ChannelSpec spec;
  spec.alias = channel.alias;
  spec.type = channel.fields.type;
  spec.etag = (channel.fields.flags & kChannelEtag) != 0;
  spec.limits = {channel.fields.reads, channel.fields.read_bytes, channel.fields.writes,
                 channel.fields.write_bytes};
  if (channel.fields.source_count == 0) {
    spec.sources.push_back(MakeInline(channel, number, sink));
    return spec;
  }
  spec.sources.resize(channel.fields.source_count);
  for (size_t i = 0; i < spec.sources.size(); ++i) {
    spec.sources[i].kind = SourceKind::kDescriptor;
    spec.sources[i].descriptor = descriptors.Peek(channel.first_source + i);
  }
  return spec;
}

}  // namespace

SessionRequest MakeRequest(const StartRequest& start, const FrameDescriptors& descriptors,
                           OutputSink& sink) {
  SessionRequest request;
  request.memory_bytes = start.fields.memory_bytes;
  request.memory_etag = (start.fields.flags & kStartMemoryEtag) != 0;
  request.daemon_requested = (start.fields.flags & kStartJob) != 0;
  request.channel_options.etag_algorithm =
      static_cast<DigestAlgorithm>(start.fields.etag_algorithm);
  request.limits = {.wall_ms = start.fields.wall_ms, .cpu_ms = start.fields.cpu_ms};
  request.policy = {.profile = static_cast<Profile>(start.fields.profile),
                    .features = CpuFeatures::OfThisCpu(),
                    .refuse_rdtsc = true};
  request.channels.reserve(start.fields.channel_count);
  for (const StartChannel& channel : start.view()) {
    const auto number = static_cast<uint16_t>(request.channels.size());
    request.channels.push_back(MakeSpec(channel, number, descriptors, sink));
  }
  return request;
}

void ReleaseSources(const StartRequest& start, FrameDescriptors& descriptors) {
  for (size_t i = start.first_source(); i < descriptors.count(); ++i) {
    (void)descriptors.Take(i).Release();
  }
}

bool NamesProgram(const StartRequest& start, const PreparedImage& image) {
  const char* const hex = image.header.nexe_sha256_hex;
  for (size_t i = 0; i < sizeof start.fields.program_check; ++i) {
    uint8_t byte = 0;
    const auto [end, error] = std::from_chars(hex + 2 * i, hex + 2 * i + 2, byte, 16);
    if (error != std::errc() || end != hex + 2 * i + 2 ||
        byte != start.fields.program_check[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace zvm
