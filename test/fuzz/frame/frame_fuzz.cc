// Any bytes as a frame: the reader never touches what lies behind them, and what it accepts adds
// up. The first byte is the number of descriptors that came with the rest.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "wire/frame_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zvm;
  if (size == 0) {
    return 0;
  }
  const std::span<const uint8_t> frame(data + 1, size - 1);
  WireHeader header;
  if (ReadHeader(frame, data[0], &header) != FrameError::kNone) {
    return 0;
  }
  WirePrepare prepare;
  if (ReadPrepare(frame, &prepare) == FrameError::kNone) {
    ZVM_CHECK(prepare.header.fd_count == 2 && prepare.profile <= 1);
  }
  static StartRequest request;
  if (ReadStart(frame, &request) == FrameError::kNone) {
    size_t sources = request.first_source(), aliases = 0, inputs = 0;
    for (const StartChannel& channel : request.view()) {
      ZVM_CHECK(channel.first_source == sources);
      sources += channel.fields.source_count;
      aliases += channel.alias.size();
      inputs += channel.bytes.size();
      for (const char c : channel.alias) {
        volatile char seen = c;
        (void)seen;
      }
    }
    ZVM_CHECK(sources == data[0]);
    ZVM_CHECK(sizeof(WireStart) + request.view().size() * sizeof(WireChannel) + aliases + inputs ==
              frame.size());
  }
  return 0;
}
