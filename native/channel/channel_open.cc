// Opening of all channels in two passes: first every source is opened and nothing that exists is
// changed, then files are emptied and extended. A session that cannot start leaves no trace unless
// the second pass itself fails.
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "channel/channel_failure.h"
#include "channel/channel_state.h"
#include "channel/memory_source.h"
#include "channel/network_open.h"
#include "channel/source_open.h"

namespace zvm {
namespace {

// Descriptors of the process that are no channels: the standard three, program image, report,
// trace, a pin while a path is being opened.
constexpr rlim_t kOtherDescriptorsMax = 64;

// Whether opening makes the file as long as the channel may write.
bool Reserves(const Channel& channel, const ChannelSource& source, bool preallocate) {
  return preallocate && !(source.kind == SourceKind::kPath && source.path == "/dev/null") &&
         DirectionOf(channel.spec.limits) != Direction::kRead;
}

// `ready_count`: sources that were passed open, or need no descriptor. Thousands of channels are
// allowed; the usual soft limit is 1024. When the system refuses, opening tells which channel found
// no descriptor.
void RaiseDescriptorLimit(size_t source_count, size_t ready_count) {
  if (source_count == ready_count) {
    return;
  }
  rlimit limit;
  const rlim_t wanted = source_count + kOtherDescriptorsMax;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Sets what the guest sees of existing files.
Failure SizeChannel(Channel& channel) {
  const Direction direction = DirectionOf(channel.spec.limits);
  if (direction == Direction::kWrite) {
    return {};
  }
  Ledger& ledger = channel.ledger;
  for (const SourceSlot& slot : channel.slots) {
    const int64_t size_bytes = slot.source->size_bytes();
    // All files are cut to one size at the end, so they must agree about it from the start.
    if (direction == Direction::kReadWrite && &slot != &channel.slots.front() &&
        size_bytes != ledger.size_bytes) {
      return RefuseChannel(channel.spec, EFAULT, "channel-sources-differ",
                           "the sources differ in size");
    }
    ledger.size_bytes = std::max(ledger.size_bytes, size_bytes);
  }
  channel.start_size_bytes = ledger.type == ZVM_CHANNEL_SEQUENTIAL ? 0 : ledger.size_bytes;
  if (direction == Direction::kReadWrite && ledger.type == ZVM_CHANNEL_APPEND) {
    ledger.write_position = ledger.size_bytes;
  }
  return {};
}

Failure OpenChannel(Channel& channel, bool preallocate, const StopRequest& stop) {
  for (size_t i = 0; i < channel.slots.size(); ++i) {
    if (stop.requested()) {
      return RefuseChannel(channel.spec, EINTR, "stopped", "stopped before it was opened");
    }
    const ChannelSource& source = channel.spec.sources[i];
    if (source.kind == SourceKind::kTcp) {
      continue;  // all connections are opened together, before
    }
    const bool reserves = Reserves(channel, source, preallocate);
    UniqueFd passed = channel.passed.empty() ? UniqueFd() : std::move(channel.passed[i]);
    Failure failure = OpenSource({channel.spec, source}, std::move(passed), reserves, stop,
                                 &channel.slots[i].source);
    if (failure.failed()) {
      return failure;
    }
  }
  return SizeChannel(channel);
}

Failure BeginChannel(Channel& channel, bool preallocate) {
  const Direction direction = DirectionOf(channel.spec.limits);
  if (direction == Direction::kRead) {
    return {};
  }
  for (size_t i = 0; i < channel.slots.size(); ++i) {
    // A file that is read and written is extended only when it is new.
    const bool reserves = channel.ledger.size_bytes == 0 &&
                          Reserves(channel, channel.spec.sources[i], preallocate);
    const int error = channel.slots[i].source->Begin(
        direction == Direction::kWrite, reserves ? channel.spec.limits.write_bytes : 0);
    if (error != 0) {
      return RefuseChannel(channel.spec, error, "channel-preallocation-failed",
                           "the file cannot be set to its size", error);
    }
  }
  return {};
}

std::vector<NetworkEnd> NetworkEnds(std::vector<Channel>& channels) {
  std::vector<NetworkEnd> ends;
  for (Channel& channel : channels) {
    for (size_t i = 0; i < channel.slots.size(); ++i) {
      if (channel.spec.sources[i].kind == SourceKind::kTcp) {
        ends.push_back({&channel.spec, &channel.spec.sources[i], &channel.slots[i].source});
      }
    }
  }
  return ends;
}

}  // namespace

Failure ChannelTable::State::OpenAll(const ChannelOptions& options, const StopRequest& stop) {
  size_t source_count = 0, passed_count = 0, memory_count = 0, voters_max = 0;
  for (Channel& channel : channels) {
    if (channel.spec.etag) {
      channel.digest.emplace(options.etag_algorithm);
    }
    const size_t count = channel.spec.sources.size();
    source_count += count;
    voters_max = std::max(voters_max, count);
    channel.slots.resize(count);
    for (size_t i = 0; i < count; ++i) {
      if (channel.spec.sources[i].kind == SourceKind::kDescriptor) {
        channel.passed.resize(count);
        channel.passed[i].Reset(channel.spec.sources[i].descriptor);
        ++passed_count;
      }
      memory_count += NeedsNoDescriptor(channel.spec.sources[i].kind);
    }
  }
  RaiseDescriptorLimit(source_count, passed_count + memory_count);
  if (Failure reason = OpenNetwork(NetworkEnds(channels), options.network, stop); reason.failed()) {
    return reason;
  }
  for (Channel& channel : channels) {
    if (Failure reason = OpenChannel(channel, options.preallocate, stop); reason.failed()) {
      return reason;
    }
  }
  for (Channel& channel : channels) {
    if (Failure reason = BeginChannel(channel, options.preallocate); reason.failed()) {
      return reason;
    }
  }
  if (voters_max > 1) {
    scratch = std::make_unique<uint8_t[]>(voters_max * kChunkSizeBytes);
  }
  descriptors.reserve(source_count - memory_count);
  for (const Channel& channel : channels) {
    for (const SourceSlot& slot : channel.slots) {
      if (slot.source->descriptor() >= 0) {
        descriptors.push_back(slot.source->descriptor());
      }
    }
  }
  std::sort(descriptors.begin(), descriptors.end());
  return {};
}

void ChannelTable::State::Abandon() {
  for (Channel& channel : channels) {
    for (SourceSlot& slot : channel.slots) {
      if (slot.source != nullptr) {
        slot.source->Abandon();
      }
    }
    channel.passed.clear();
  }
}

}  // namespace zvm
