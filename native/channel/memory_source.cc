#include "channel/memory_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "channel/channel_failure.h"
#include "channel/ledger.h"

namespace zvm {
namespace {

// What the three have in common: nothing to begin, to end or to take back.
class MemorySource : public Source {
 public:
  int descriptor() const override { return -1; }
  int Begin(bool, int64_t) override { return 0; }
  int End(int64_t) override { return 0; }
  void Abandon() override {}
};

class BytesSource final : public MemorySource {
 public:
  explicit BytesSource(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  Transfer Read(uint8_t* buffer, size_t size_bytes, int64_t position) override {
    const auto at = static_cast<uint64_t>(position);
    if (position < 0 || at > bytes_.size()) {
      return {.end = TransferEnd::kEnd, .size_bytes = 0, .error = 0};
    }
    // SAFETY: at <= size, so the difference cannot wrap.
    const size_t take = std::min(size_bytes, bytes_.size() - at);
    if (take != 0) {
      std::memcpy(buffer, bytes_.data() + at, take);
    }
    return {.end = take < size_bytes ? TransferEnd::kEnd : TransferEnd::kFull,
            .size_bytes = take,
            .error = 0};
  }
  Transfer Write(const uint8_t*, size_t, int64_t) override {
    return {.end = TransferEnd::kError, .size_bytes = 0, .error = EBADF};
  }
  bool positional() const override { return true; }
  int64_t size_bytes() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  std::span<const uint8_t> bytes_;
};

// An output; without a sink its bytes are dropped.
class OutputSource final : public MemorySource {
 public:
  OutputSource(OutputSink* sink, uint16_t tag, const StopRequest& stop)
      : sink_(sink), tag_(tag), stop_(stop) {}

  Transfer Read(uint8_t*, size_t, int64_t) override {
    return {.end = TransferEnd::kError, .size_bytes = 0, .error = EBADF};
  }
  Transfer Write(const uint8_t* buffer, size_t size_bytes, int64_t) override {
    if (sink_ == nullptr) {
      return {.end = TransferEnd::kFull, .size_bytes = size_bytes, .error = 0};
    }
    return sink_->Take(tag_, {buffer, size_bytes}, stop_);
  }
  bool positional() const override { return false; }
  int64_t size_bytes() const override { return 0; }

 private:
  OutputSink* sink_;
  uint16_t tag_;
  const StopRequest& stop_;
};

}  // namespace

bool NeedsNoDescriptor(SourceKind kind) {
  return kind == SourceKind::kBytes || kind == SourceKind::kCollected ||
         kind == SourceKind::kDiscarded;
}

Failure CheckMemorySource(const ChannelSpec& channel, const ChannelSource& source) {
  const Direction direction = DirectionOf(channel.limits);
  if (direction == Direction::kReadWrite) {
    return RefuseChannel(channel, EINVAL, "channel-stream-read-write",
                         "a stream is either read or written");
  }
  if ((source.kind == SourceKind::kBytes) != (direction == Direction::kRead)) {
    return RefuseChannel(channel, EBADF, "channel-open-failed", "the source cannot be opened",
                         EBADF);
  }
  if (source.kind == SourceKind::kCollected && WritesAtRandom(channel.type)) {
    return RefuseChannel(channel, EINVAL, "channel-inline-random",
                         "an output in the report is written in order");
  }
  return {};
}

std::unique_ptr<Source> MakeMemorySource(const ChannelSource& source, const StopRequest& stop) {
  ZVM_CHECK(NeedsNoDescriptor(source.kind));
  if (source.kind == SourceKind::kBytes) {
    return std::make_unique<BytesSource>(source.bytes);
  }
  return std::make_unique<OutputSource>(source.sink, source.tag, stop);
}

}  // namespace zvm
