// From the bytes of a frame to checked fields. Bytes come from a buffer of our own that the peer
// cannot change any more; every field is checked here, once, and nothing here acts on one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "wire/layout.h"

namespace zvm {

// `frame` is one whole message, `fd_count` the descriptors that arrived with it. Checks size,
// magic, version, the header's own fields and that the numbers of descriptors agree. The version is
// looked at before anything that may differ between versions.
[[nodiscard]] FrameError ReadHeader(std::span<const uint8_t> frame, size_t fd_count,
                                    WireHeader* header);

// Takes the next frame out of `rest`, the body of a frame that carries frames (`starts`,
// `reports`): `frame` gets as many bytes as its own size_bytes says. kSize when they are not there.
[[nodiscard]] FrameError TakeInnerFrame(std::span<const uint8_t>* rest,
                                        std::span<const uint8_t>* frame);

// For the types below: `frame` has passed ReadHeader.
[[nodiscard]] FrameError ReadPrepare(std::span<const uint8_t> frame, WirePrepare* prepare);

// One channel of a start frame. Its sources are the descriptors [first_source, + source_count) of
// the frame. `alias` points into the frame.
struct StartChannel {
  WireChannel fields;
  std::string_view alias;
  std::span<const uint8_t> bytes;  // of an inline input; points into the frame
  uint16_t first_source = 0;
};

struct StartRequest {
  WireStart fields;
  std::array<StartChannel, kWireChannelsMax> channels;
  std::span<const StartChannel> view() const { return {channels.data(), fields.channel_count}; }
  std::span<StartChannel> channels_in_use() { return {channels.data(), fields.channel_count}; }
  bool names_mapped_image() const { return (fields.flags & kStartMappedImage) != 0; }
  bool makes_snapshot() const { return (fields.flags & kStartMakeSnapshot) != 0; }
  bool uses_snapshot() const { return (fields.flags & kStartSnapshot) != 0; }
  // Descriptors in front of those of the channels: the image, if it travels, then the snapshot.
  size_t snapshot_index() const { return names_mapped_image() ? 0 : 1; }
  bool brings_snapshot() const {
    return makes_snapshot() || (uses_snapshot() && !names_mapped_image());
  }
  size_t first_source() const { return snapshot_index() + (brings_snapshot() ? 1 : 0); }
};

// Checks shapes and ranges of fields. What makes no sense as a session (too few channels, a
// negative limit, the same alias twice) is left to the session, whose report tells it.
[[nodiscard]] FrameError ReadStart(std::span<const uint8_t> frame, StartRequest* request);

}  // namespace zvm
