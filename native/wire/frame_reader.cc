#include "wire/frame_reader.h"

#include <algorithm>
#include <cstring>

namespace zvm {
namespace {

constexpr uint8_t kProfileMax = 1;
constexpr uint8_t kEtagAlgorithmMax = 1;
constexpr uint8_t kChannelTypeMax = 3;
constexpr size_t kPrepareDescriptors = 2;

template <class T>
T CopyAt(std::span<const uint8_t> frame, size_t offset) {
  T value;
  std::memcpy(&value, frame.data() + offset, sizeof value);
  return value;
}

template <class T, size_t N>
bool AllZero(const T (&values)[N]) {
  return std::all_of(std::begin(values), std::end(values), [](T value) { return value == 0; });
}

FrameError ReadChannel(const WireChannel& fields) {
  if (fields.alias_size == 0 || fields.alias_size > kWireAliasSizeMax ||
      fields.type > kChannelTypeMax || fields.source_count > kWireSourcesMax) {
    return FrameError::kField;
  }
  if ((fields.flags & ~kChannelFlags) != 0 || !AllZero(fields.reserved_5) ||
      fields.reserved_44 != 0) {
    return FrameError::kReserved;
  }
  const bool inlined = (fields.flags & kChannelInline) != 0;
  const bool discarded = (fields.flags & kChannelDiscard) != 0;
  const bool input = inlined && fields.reads > 0 && fields.read_bytes > 0;
  if ((inlined && discarded) || (fields.source_count == 0) != (inlined || discarded) ||
      (fields.inline_size != 0 && !input)) {
    return FrameError::kField;
  }
  return FrameError::kNone;
}

}  // namespace

FrameError ReadHeader(std::span<const uint8_t> frame, size_t fd_count, WireHeader* header) {
  if (frame.size() < sizeof *header || frame.size() > kFrameSizeMax) {
    return FrameError::kSize;
  }
  *header = CopyAt<WireHeader>(frame, 0);
  if (header->magic != kWireMagic) {
    return FrameError::kMagic;
  }
  if (header->version != kWireVersion) {
    return FrameError::kVersion;
  }
  if (header->size_bytes != frame.size()) {
    return FrameError::kSize;
  }
  if (header->fd_count != fd_count) {
    return FrameError::kDescriptors;
  }
  return header->reserved == 0 ? FrameError::kNone : FrameError::kReserved;
}

FrameError TakeInnerFrame(std::span<const uint8_t>* rest, std::span<const uint8_t>* frame) {
  if (rest->size() < sizeof(WireHeader)) {
    return FrameError::kSize;
  }
  const size_t size = CopyAt<WireHeader>(*rest, 0).size_bytes;
  if (size < sizeof(WireHeader) || size > rest->size()) {
    return FrameError::kSize;
  }
  *frame = rest->first(size);
  *rest = rest->subspan(size);
  return FrameError::kNone;
}

FrameError ReadPrepare(std::span<const uint8_t> frame, WirePrepare* prepare) {
  if (frame.size() != sizeof *prepare) {
    return FrameError::kSize;
  }
  *prepare = CopyAt<WirePrepare>(frame, 0);
  if (prepare->header.fd_count != kPrepareDescriptors) {
    return FrameError::kDescriptors;
  }
  if (prepare->profile > kProfileMax) {
    return FrameError::kField;
  }
  return AllZero(prepare->reserved) ? FrameError::kNone : FrameError::kReserved;
}

FrameError ReadStart(std::span<const uint8_t> frame, StartRequest* request) {
  if (frame.size() < sizeof(WireStart)) {
    return FrameError::kSize;
  }
  const WireStart fields = CopyAt<WireStart>(frame, 0);
  if (fields.channel_count > kWireChannelsMax || fields.profile > kProfileMax ||
      fields.etag_algorithm > kEtagAlgorithmMax) {
    return FrameError::kField;
  }
  if ((fields.flags & ~kStartFlags) != 0 ||
      ((fields.flags & (kStartMappedImage | kStartSnapshot)) == 0 &&
       !AllZero(fields.program_check))) {
    return FrameError::kReserved;
  }
  constexpr uint32_t kBothSnapshots = kStartMakeSnapshot | kStartSnapshot;
  if ((fields.flags & kBothSnapshots) == kBothSnapshots) {
    return FrameError::kField;
  }
  request->fields = fields;
  // SAFETY: channel_count is bounded above, so the product cannot wrap.
  const size_t records_size = fields.channel_count * sizeof(WireChannel);
  if (records_size > frame.size() - sizeof(WireStart)) {
    return FrameError::kSize;
  }
  size_t alias_at = sizeof(WireStart) + records_size;
  size_t source = request->first_source();
  for (size_t i = 0; i < fields.channel_count; ++i) {
    StartChannel& channel = request->channels[i];
    channel.fields = CopyAt<WireChannel>(frame, sizeof(WireStart) + i * sizeof(WireChannel));
    if (const FrameError error = ReadChannel(channel.fields); error != FrameError::kNone) {
      return error;
    }
    if (channel.fields.alias_size > frame.size() - alias_at) {
      return FrameError::kSize;
    }
    channel.alias = {reinterpret_cast<const char*>(frame.data() + alias_at),
                     channel.fields.alias_size};
    channel.first_source = static_cast<uint16_t>(source);
    alias_at += channel.fields.alias_size;
    source += channel.fields.source_count;
  }
  size_t input_at = alias_at;
  for (StartChannel& channel : request->channels_in_use()) {
    if (channel.fields.inline_size > frame.size() - input_at) {
      return FrameError::kSize;
    }
    channel.bytes = frame.subspan(input_at, channel.fields.inline_size);
    input_at += channel.fields.inline_size;
  }
  if (input_at != frame.size()) {
    return FrameError::kSize;
  }
  // SAFETY: every source number that was handed out above is a descriptor that did arrive.
  return source == fields.header.fd_count ? FrameError::kNone : FrameError::kDescriptors;
}

}  // namespace zvm
