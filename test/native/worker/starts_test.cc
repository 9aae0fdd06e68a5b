// Many sessions in one frame (docs/wire.md §2.8): the same reports as of frames that come alone, in
// order; what ends the worker in the middle; frames that are refused.
#include <doctest/doctest.h>

#include <cstring>

#include "worker/serve.h"
#include "worker_driver.h"

namespace zvm::test {
namespace {

// `count` sessions of hello in one frame, numbered from `first`; the first brings the image unless
// `named`.
Bytes MakeStarts(uint64_t first, int count, const std::string& named, uint16_t fd_count = 1) {
  Bytes frame(sizeof(WireHeader));
  for (int i = 0; i < count; ++i) {
    StartOptions options = {.fd_count = 0, .program_sha256_hex = named, .in_frames = true};
    if (named.empty() && i == 0) {
      options.fd_count = 1;
    }
    options.session_id = first + static_cast<uint64_t>(i);
    Bytes start = MakeStart(options);
    if (named.empty() && i > 0) {
      auto fields = As<WireStart>(start);
      fields.header.fd_count = 0;
      memcpy(start.data(), &fields, sizeof fields);
    }
    frame.insert(frame.end(), start.begin(), start.end());
  }
  WireHeader header;
  header.type = static_cast<uint16_t>(FrameType::kStarts);
  header.size_bytes = static_cast<uint32_t>(frame.size());
  header.fd_count = fd_count;
  memcpy(frame.data(), &header, sizeof header);
  return frame;
}

// Takes `reports` frames until `count` sessions have been told; checks order and output.
void TakeHellos(WorkerDriver& worker, uint64_t first, int count, int* frames,
                uint64_t cancelled = 0) {
  for (int i = 0; i < count; ++*frames) {
    const Bytes frame = worker.Receive();
    REQUIRE(frame.size() > sizeof(WireHeader));
    REQUIRE(As<WireHeader>(frame).type == static_cast<uint16_t>(FrameType::kReports));
    for (size_t at = sizeof(WireHeader); at < frame.size(); ++i) {
      const Bytes rest(frame.begin() + static_cast<long>(at), frame.end());
      const auto report = As<WireReport>(rest);
      REQUIRE(report.header.size_bytes <= rest.size());
      CHECK(report.header.session_id == first + static_cast<uint64_t>(i));
      const bool stopped = cancelled != 0 && report.header.session_id == cancelled;
      CHECK(report.outcome == (stopped ? 3 : 0));
      CHECK(std::string(rest.begin(), rest.begin() + report.header.size_bytes)
                .ends_with("hello world\n") == !stopped);
      at += report.header.size_bytes;
    }
  }
}

std::string HelloDigest(WorkerDriver& worker, int image) {
  const int fds[] = {image};
  REQUIRE(worker.Send(MakeStart({.fd_count = 1, .in_frames = true}), fds) == 0);
  return std::string(As<WireReport>(worker.Receive()).program_sha256_hex, 64);
}

}  // namespace

TEST_CASE("hundreds of sessions in one frame come back in order, in few frames") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "0");
  const std::string named = HelloDigest(worker, image.get());
  int frames = 0;
  for (uint64_t round = 0; round < 5; ++round) {
    REQUIRE(worker.Send(MakeStarts(round * 1000, 200, named, 0), {}) == 0);
    TakeHellos(worker, round * 1000, 200, &frames);
  }
  CHECK(frames < 500);
}

TEST_CASE("the descriptor of the frame is the first session's image; one alone is fine") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "0");
  const int fds[] = {image.get()};
  int frames = 0;
  REQUIRE(worker.Send(MakeStarts(5, 1, ""), fds) == 0);
  TakeHellos(worker, 5, 1, &frames);
  // And frames that come alone go on behind it.
  CHECK(HelloDigest(worker, image.get()).size() == 64);
}

TEST_CASE("a cancelled session in the middle is the only one") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "0");
  const std::string named = HelloDigest(worker, image.get());
  worker.Cancel(3);
  int frames = 0;
  REQUIRE(worker.Send(MakeStarts(1, 5, named, 0), {}) == 0);
  TakeHellos(worker, 1, 5, &frames, 3);
}

TEST_CASE("a frame of frames that does not add up is refused behind the reports of what was done") {
  const UniqueFd image = PrepareImage("asm/hello");
  for (const int kind : {0, 1, 2, 3}) {
    CAPTURE(kind);
    WorkerDriver worker("session", "0");
    const std::string named = HelloDigest(worker, image.get());
    Bytes frame = MakeStarts(1, kind == 0 ? 0 : 2, named, 0);
    const size_t second = (frame.size() + sizeof(WireHeader)) / 2;
    if (kind == 1) {
      frame[second + 8] = 1;  // smaller than a header
    } else if (kind == 2) {
      frame[second + 10] = 1;  // beyond the frame
    } else if (kind == 3) {
      frame[second + 6] = static_cast<uint8_t>(FrameType::kStarts);  // no frames in these
    }
    REQUIRE(worker.Send(frame, {}) == 0);
    int frames = 0;
    if (kind != 0) {
      TakeHellos(worker, 1, 1, &frames);
    }
    const Bytes refusal = worker.Receive();
    REQUIRE(refusal.size() >= sizeof(WireRefusal));
    CHECK(As<WireHeader>(refusal).type == static_cast<uint16_t>(FrameType::kRefusal));
    const auto reason = kind == 3 ? FrameError::kType : FrameError::kSize;
    CHECK(As<WireRefusal>(refusal).reason == static_cast<uint32_t>(reason));
    CHECK(worker.Wait() == kWorkerRefused);
  }
}

TEST_CASE("a worker of bounded tasks stops in the middle; a prepare worker takes none") {
  const UniqueFd image = PrepareImage("asm/hello");
  WorkerDriver worker("session", "3");
  const std::string named = HelloDigest(worker, image.get());
  REQUIRE(worker.Send(MakeStarts(1, 5, named, 0), {}) == 0);
  int frames = 0;
  TakeHellos(worker, 1, 2, &frames);
  CHECK(worker.Receive().empty());
  CHECK(worker.Wait() == kWorkerDone);
  WorkerDriver preparing("prepare");
  REQUIRE(preparing.Send(MakeStarts(1, 1, named, 0), {}) == 0);
  CHECK(As<WireHeader>(preparing.Receive()).type == static_cast<uint16_t>(FrameType::kRefusal));
}

}  // namespace zvm::test
