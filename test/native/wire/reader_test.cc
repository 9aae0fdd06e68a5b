// What the reader refuses, and with which reason: every field at its edges, every size, every
// reserved byte.
#include <doctest/doctest.h>

#include <cstring>

#include "sample_frames.h"
#include "wire/frame_reader.h"

namespace zvm::test {
namespace {

FrameError Header(const Bytes& frame, size_t fds) {
  WireHeader header;
  return ReadHeader(frame, fds, &header);
}

FrameError Start(const Bytes& frame) {
  static StartRequest request;
  const FrameError error = Header(frame, 4);
  return error != FrameError::kNone ? error : ReadStart(frame, &request);
}

FrameError Prepare(const Bytes& frame) {
  WirePrepare prepare;
  const FrameError error = Header(frame, 2);
  return error != FrameError::kNone ? error : ReadPrepare(frame, &prepare);
}

template <class T>
Bytes With(Bytes frame, size_t offset, T value) {
  std::memcpy(frame.data() + offset, &value, sizeof value);
  return frame;
}

// Keeps the header's size true to the frame.
Bytes Resized(Bytes frame, size_t size) {
  frame.resize(size);
  return size >= sizeof(WireHeader) ? With(frame, 8, static_cast<uint32_t>(size)) : frame;
}

}  // namespace

TEST_CASE("well-formed frames are read") {
  CHECK(Prepare(PrepareFrame()) == FrameError::kNone);
  CHECK(Start(StartFrame()) == FrameError::kNone);
  static StartRequest request;
  const Bytes frame = StartFrame();
  REQUIRE(ReadStart(frame, &request) == FrameError::kNone);
  REQUIRE(request.view().size() == 3);
  CHECK(request.view()[1].alias == "/dev/stdout");
  CHECK(request.view()[1].first_source == 2);
  CHECK(request.view()[1].fields.writes == 100);
}

TEST_CASE("header: one wrong field, one reason") {
  const Bytes good = StartFrame();
  CHECK(Header({}, 0) == FrameError::kSize);
  CHECK(Header(Bytes(good.begin(), good.begin() + 23), 4) == FrameError::kSize);
  CHECK(Header(With<uint32_t>(good, 0, 0x574D565B), 4) == FrameError::kMagic);
  CHECK(Header(With<uint16_t>(good, 4, 0), 4) == FrameError::kVersion);
  CHECK(Header(With<uint16_t>(good, 4, 2), 4) == FrameError::kVersion);
  CHECK(Header(With<uint32_t>(good, 8, 0), 4) == FrameError::kSize);
  CHECK(Header(With<uint32_t>(good, 8, ~0u), 4) == FrameError::kSize);
  CHECK(Header(With<uint16_t>(good, 14, 1), 4) == FrameError::kReserved);
  for (const size_t fds : {0, 3, 5, 253}) {
    CHECK(Header(good, fds) == FrameError::kDescriptors);
  }
  CHECK(Header(Bytes(kFrameSizeMax + 1), 0) == FrameError::kSize);
}

TEST_CASE("start: fields out of range") {
  const Bytes good = StartFrame();
  CHECK(Start(With<uint16_t>(good, 48, kWireChannelsMax + 1)) == FrameError::kField);
  CHECK(Start(With<uint16_t>(good, 48, 0xFFFF)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, 50, 2)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, 51, 2)) == FrameError::kField);
  CHECK(Start(With<uint32_t>(good, 52, 32)) == FrameError::kReserved);
  // A snapshot needs a descriptor, unless it is one that the worker has; nobody wants both.
  CHECK(Start(With<uint32_t>(good, 52, 8)) == FrameError::kDescriptors);
  CHECK(Start(With<uint32_t>(good, 52, 16)) == FrameError::kDescriptors);
  CHECK(Start(With<uint32_t>(good, 52, 24)) == FrameError::kField);
  CHECK(Start(With<uint64_t>(good, 56, 1)) == FrameError::kReserved);
  constexpr size_t kChannel = sizeof(WireStart);
  CHECK(Start(With<uint16_t>(good, kChannel, 0)) == FrameError::kField);
  CHECK(Start(With<uint16_t>(good, kChannel, kWireAliasSizeMax + 1)) == FrameError::kField);
  CHECK(Start(With<uint16_t>(good, kChannel, kWireAliasSizeMax)) == FrameError::kSize);
  CHECK(Start(With<uint8_t>(good, kChannel + 2, 4)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, kChannel + 3, 8)) == FrameError::kReserved);
  // Inline or discarded, but with a source; bytes of an input without the flag.
  CHECK(Start(With<uint8_t>(good, kChannel + 3, kChannelInline)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, kChannel + 3, kChannelDiscard)) == FrameError::kField);
  CHECK(Start(With<uint32_t>(good, kChannel + 40, 1)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, kChannel + 4, 0)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, kChannel + 4, 17)) == FrameError::kField);
  CHECK(Start(With<uint8_t>(good, kChannel + 4, 2)) == FrameError::kDescriptors);
  for (const size_t reserved : {5, 6, 7, 44, 47}) {
    CHECK(Start(With<uint8_t>(good, kChannel + reserved, 1)) == FrameError::kReserved);
  }
}

TEST_CASE("start: with a mapped image no descriptor for it comes") {
  Bytes frame = With<uint32_t>(StartFrame(), 52, kStartMappedImage);
  CHECK(Start(frame) == FrameError::kDescriptors);
  frame = With<uint16_t>(frame, 12, 3);
  StartRequest request;
  CHECK(ReadStart(frame, &request) == FrameError::kNone);
  CHECK(request.names_mapped_image());
  CHECK(request.view()[0].first_source == 0);
  CHECK(request.view()[2].first_source == 2);
  CHECK(ReadStart(With<uint64_t>(frame, 56, 1), &request) == FrameError::kNone);
  CHECK(request.fields.program_check[0] == 1);
}

TEST_CASE("start: inputs in the frame, outputs without descriptors") {
  const Bytes good = InlineStartFrame();
  StartRequest request;
  REQUIRE(ReadStart(good, &request) == FrameError::kNone);
  const auto& input = request.view()[0].bytes;
  CHECK(std::string(input.begin(), input.end()) == "hello");
  CHECK(request.view()[1].bytes.empty());
  CHECK(request.view()[2].bytes.empty());
  constexpr size_t kInput = sizeof(WireStart), kOutput = kInput + sizeof(WireChannel);
  for (const uint32_t size : {0u, 4u, 6u, ~0u}) {
    CHECK(ReadStart(With<uint32_t>(good, kInput + 40, size), &request) == FrameError::kSize);
  }
  // An output has no input; nothing is both inline and dropped.
  CHECK(ReadStart(With<uint32_t>(good, kOutput + 40, 1), &request) == FrameError::kField);
  CHECK(ReadStart(With<uint8_t>(good, kOutput + 3, kChannelInline | kChannelDiscard), &request) ==
        FrameError::kField);
  CHECK(ReadStart(With<uint8_t>(good, kOutput + 3, 0), &request) == FrameError::kField);
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK(Start(Resized(good, size)) != FrameError::kNone);
  }
}

TEST_CASE("every shorter and longer frame is refused") {
  const Bytes start = StartFrame(), prepare = PrepareFrame();
  for (size_t size = 0; size < start.size() + 64; ++size) {
    CAPTURE(size);
    CHECK((Start(Resized(start, size)) == FrameError::kNone) == (size == start.size()));
    CHECK((Prepare(Resized(prepare, size)) == FrameError::kNone) == (size == prepare.size()));
  }
}

TEST_CASE("prepare: profile, reserved bytes, two descriptors") {
  const Bytes good = PrepareFrame();
  CHECK(Prepare(With<uint8_t>(good, 24, 2)) == FrameError::kField);
  for (size_t at = 25; at < 32; ++at) {
    CHECK(Prepare(With<uint8_t>(good, at, 1)) == FrameError::kReserved);
  }
  WirePrepare prepare;
  CHECK(ReadPrepare(With<uint16_t>(good, 12, 1), &prepare) == FrameError::kDescriptors);
}

}  // namespace zvm::test
