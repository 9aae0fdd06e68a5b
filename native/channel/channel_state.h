// The inside of a ChannelTable, shared by its two halves: channel_open (before the guest starts)
// and channel_table (traps and the end).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/failure.h"
#include "base/stop_request.h"
#include "base/unique_fd.h"
#include "channel/agreement.h"
#include "channel/channel_table.h"
#include "channel/digest.h"
#include "channel/ledger.h"
#include "channel/spec.h"

namespace zvm {

struct Channel {
  // `valid`: the spec passed all checks; otherwise it is only shown in the report.
  Channel(ChannelSpec channel_spec, bool valid) : spec(std::move(channel_spec)) {
    ledger.type = valid ? static_cast<zvm_channel_type>(spec.type) : ZVM_CHANNEL_SEQUENTIAL;
    ledger.limits = spec.limits;
  }

  ChannelSpec spec;
  Ledger ledger;
  int64_t start_size_bytes = 0;
  std::optional<Digest> digest;
  // Descriptors that wait for their source to be opened, one for each source or none at all.
  std::vector<UniqueFd> passed;
  std::vector<SourceSlot> slots;  // one for each of spec.sources
};

struct ChannelTable::State {
  std::vector<Channel> channels;
  std::vector<int> descriptors;        // ascending
  std::unique_ptr<uint8_t[]> scratch;  // chunks of the sources that vote
  ChannelAccounting accounting;
  Failure failure;
  const StopRequest* session_stop = nullptr;  // from Open on
  bool checked = false;
  bool open = false;

  // channel_open.cc. After a failure Abandon must follow.
  Failure OpenAll(const ChannelOptions& options, const StopRequest& stop);
  void Abandon();

  // channel_table.cc
  Channel* Find(int32_t number);
  IoResult Fail(const Failure& reason);
  IoResult ReadGranted(Channel& channel, const Grant& grant, uint8_t* buffer);
  IoResult WriteGranted(Channel& channel, const Grant& grant, const uint8_t* buffer);
  bool AddToDigest(Channel& channel, const uint8_t* bytes, size_t size_bytes);
};

}  // namespace zvm
