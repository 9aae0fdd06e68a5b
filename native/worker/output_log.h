// What a session has written to channels whose output travels in frames: records in the order of
// the writes, sent in `output` frames when the log is full and with the report at the end. Fixed
// memory; docs/wire.md §2.7.
#pragma once

#include <cstdint>
#include <span>

#include "channel/memory_source.h"
#include "wire/layout.h"

namespace zvm {

class OutputLog final : public OutputSink {
 public:
  // A session begins: the log is empty.
  void Begin(uint64_t session_id);
  Transfer Take(uint16_t tag, std::span<const uint8_t> bytes, const StopRequest& stop) override;
  // Sends what is there unless the owner's socket is full: of a guest that computes on, so that its
  // output is seen while it runs. May be called whenever no other function of this object runs.
  void FlushNow();
  // What no `output` frame has taken.
  std::span<const uint8_t> records() const;

 private:
  bool Flush(const StopRequest& stop);
  void SetHeader();
  void StartRecord(uint16_t tag);

  uint64_t session_id_ = 0;
  size_t size_ = sizeof(WireHeader);
  size_t record_at_ = 0;  // of the last record; 0 = none
  WireOutputRecord record_;
  uint8_t frame_[sizeof(WireHeader) + kWireOutputMax];
};

}  // namespace zvm
