// Sources that need no descriptor: bytes that are here already, an output that its owner collects,
// an output that nobody wants. For small inputs and outputs, which travel in frames.
#pragma once

#include <memory>
#include <span>

#include "base/failure.h"
#include "channel/source.h"
#include "channel/spec.h"

namespace zvm {

// Takes what sessions write to collected channels. Belongs to the process.
class OutputSink {
 public:
  // All of `bytes` were written to the channel that its owner calls `tag`. Returns like
  // Source::Write; may block until `stop`.
  virtual Transfer Take(uint16_t tag, std::span<const uint8_t> bytes, const StopRequest& stop) = 0;

 protected:
  ~OutputSink() = default;
};

// True for kBytes, kCollected and kDiscarded.
bool NeedsNoDescriptor(SourceKind kind);

// What of such a source makes no sense for `channel`. Statuses and codes as for a stream.
[[nodiscard]] Failure CheckMemorySource(const ChannelSpec& channel, const ChannelSource& source);
std::unique_ptr<Source> MakeMemorySource(const ChannelSource& source, const StopRequest& stop);

}  // namespace zvm
