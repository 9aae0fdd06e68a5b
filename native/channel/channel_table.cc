#include "channel/channel_table.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "channel/channel_check.h"
#include "channel/channel_failure.h"
#include "channel/channel_state.h"

namespace zvm {
namespace {

// Every operation that fails on the host ends the session with this status.
constexpr int kStatusIoFailed = EIO;

// Bytes that are hashed between two looks at the stop request.
constexpr size_t kDigestStepBytes = size_t{4} << 20;

constexpr uint64_t ChunksOf(size_t size_bytes) {
  return size_bytes / kChunkSizeBytes + (size_bytes % kChunkSizeBytes != 0 ? 1 : 0);
}

// Whether what was read is what the writers say they have written. Nodes may use different digests;
// then nothing can be compared.
bool AgreesWithPeers(const Channel& channel) {
  const DigestText own = channel.digest->Value();
  for (const SourceSlot& slot : channel.slots) {
    const std::string_view told = slot.source->peer_digest();
    if (told.size() == own.size && told != own.view()) {
      return false;
    }
  }
  return true;
}

}  // namespace

ChannelTable::ChannelTable() : state_(std::make_unique<State>()) {}
ChannelTable::~ChannelTable() { Close(); }

Failure ChannelTable::Check(std::vector<ChannelSpec> specs) {
  ZVM_CHECK(state_->channels.empty() && !state_->checked);
  SortChannels(specs);
  state_->failure = CheckChannels(specs);
  if (specs.size() <= kChannelsMax) {
    state_->channels.reserve(specs.size());
    for (ChannelSpec& spec : specs) {
      state_->channels.emplace_back(std::move(spec), !state_->failure.failed());
    }
  }
  state_->checked = !state_->failure.failed();
  return state_->failure;
}

Failure ChannelTable::Open(const ChannelOptions& options, const StopRequest& stop) {
  ZVM_CHECK(state_->checked);
  state_->checked = false;
  state_->session_stop = &stop;
  state_->failure = state_->OpenAll(options, stop);
  state_->open = !state_->failure.failed();
  if (!state_->open) {
    state_->Abandon();
  }
  return state_->failure;
}

size_t ChannelTable::count() const { return state_->channels.size(); }

ChannelView ChannelTable::view(size_t channel) const {
  ZVM_CHECK(channel < state_->channels.size());
  const Channel& entry = state_->channels[channel];
  return {.alias = entry.spec.alias,
          .type = entry.ledger.type,
          .etag = entry.spec.etag,
          .limits = entry.spec.limits,
          .used = entry.ledger.used,
          .start_size_bytes = entry.start_size_bytes,
          .digest = entry.digest ? entry.digest->Value() : DigestText{}};
}

ChannelPosition ChannelTable::position(size_t channel) const {
  ZVM_CHECK(channel < state_->channels.size());
  const Ledger& ledger = state_->channels[channel].ledger;
  return {ledger.used, ledger.read_position, ledger.write_position};
}

bool ChannelTable::MoveTo(size_t channel, const ChannelPosition& position) {
  ZVM_CHECK(channel < state_->channels.size());
  Ledger& ledger = state_->channels[channel].ledger;
  const auto within = [](int64_t used, int64_t limit) { return used >= 0 && used <= limit; };
  const ChannelLimits& used = position.used;
  if (!within(used.reads, ledger.limits.reads) ||
      !within(used.read_bytes, ledger.limits.read_bytes) ||
      !within(used.writes, ledger.limits.writes) ||
      !within(used.write_bytes, ledger.limits.write_bytes) || position.read < 0 ||
      position.write < 0) {
    return false;
  }
  ledger.used = used;
  ledger.read_position = position.read;
  ledger.write_position = position.write;
  return true;
}

Channel* ChannelTable::State::Find(int32_t number) {
  ZVM_CHECK(open);
  // SAFETY: the only index a guest chooses; negative numbers wrap to large ones.
  return static_cast<uint32_t>(number) < channels.size() ? &channels[static_cast<size_t>(number)]
                                                         : nullptr;
}

IoResult ChannelTable::State::Fail(const Failure& reason) {
  if (!failure.failed()) {
    failure = reason;
  }
  return {.status = IoStatus::kFailed, .value = 0};
}

IoResult ChannelTable::Read(int32_t channel, uint8_t* buffer, int32_t size, int64_t offset) {
  Channel* entry = state_->Find(channel);
  if (entry == nullptr) {
    return {.status = IoStatus::kDone, .value = -EINVAL};
  }
  const Grant grant = GrantRead(entry->ledger, size, offset);
  if (grant.size <= 0) {
    return {.status = IoStatus::kDone, .value = grant.size};
  }
  return state_->ReadGranted(*entry, grant, buffer);
}

// False when a stop arrived on the way: then the digest is as before, like limits and positions of
// an operation that was stopped.
bool ChannelTable::State::AddToDigest(Channel& channel, const uint8_t* bytes, size_t size_bytes) {
  if (!channel.digest) {
    return true;
  }
  const Digest before = *channel.digest;
  for (size_t done = 0; done < size_bytes;) {
    if (done != 0 && session_stop->requested()) {
      *channel.digest = before;
      return false;
    }
    const size_t part = std::min(size_bytes - done, kDigestStepBytes);
    channel.digest->Update(bytes + done, part);
    done += part;
  }
  return true;
}

IoResult ChannelTable::State::ReadGranted(Channel& channel, const Grant& grant, uint8_t* buffer) {
  const size_t wanted = static_cast<size_t>(grant.size);
  AgreedRead read;
  if (channel.slots.size() == 1) {
    const Transfer transfer = channel.slots[0].source->Read(buffer, wanted, grant.offset);
    read = {.end = transfer.end,
            .size_bytes = transfer.size_bytes,
            .status = kStatusIoFailed,
            .error = transfer.error,
            .host_reads = ChunksOf(transfer.size_bytes) + (transfer.end == TransferEnd::kEnd),
            .host_read_bytes = transfer.size_bytes};
  } else {
    read = ReadAgreed(channel.slots, scratch.get(), buffer, wanted, grant.offset);
  }
  const bool network = channel.slots[0].source->network();
  (network ? accounting.network_reads : accounting.local_reads) += read.host_reads;
  (network ? accounting.network_read_bytes : accounting.local_read_bytes) += read.host_read_bytes;
  if (read.end == TransferEnd::kStopped) {
    return {.status = IoStatus::kStopped, .value = 0};
  }
  if (read.end == TransferEnd::kError) {
    return Fail(RefuseChannel(channel.spec, read.status, "channel-read-failed", read.text,
                              read.error));
  }
  // SAFETY: the digest reads what was written into the buffer, which the grant has bounded.
  ZVM_CHECK(read.size_bytes <= wanted);
  const int32_t moved = static_cast<int32_t>(read.size_bytes);
  if (!AddToDigest(channel, buffer, read.size_bytes)) {
    return {.status = IoStatus::kStopped, .value = 0};
  }
  EnterRead(channel.ledger, grant, moved, read.end == TransferEnd::kEnd);
  if (channel.digest && read.end == TransferEnd::kEnd && !AgreesWithPeers(channel)) {
    return Fail(RefuseChannel(channel.spec, EPIPE, "channel-corrupted",
                              "the bytes are not those that the writer sent"));
  }
  return {.status = IoStatus::kDone, .value = moved};
}

IoResult ChannelTable::Write(int32_t channel, const uint8_t* buffer, int32_t size,
                             int64_t offset) {
  Channel* entry = state_->Find(channel);
  if (entry == nullptr) {
    return {.status = IoStatus::kDone, .value = -EINVAL};
  }
  const Grant grant = GrantWrite(entry->ledger, size, offset);
  if (grant.size <= 0) {
    return {.status = IoStatus::kDone, .value = grant.size};
  }
  return state_->WriteGranted(*entry, grant, buffer);
}

IoResult ChannelTable::State::WriteGranted(Channel& channel, const Grant& grant,
                                           const uint8_t* buffer) {
  const size_t size_bytes = static_cast<size_t>(grant.size);
  for (SourceSlot& slot : channel.slots) {
    const Transfer transfer = slot.source->Write(buffer, size_bytes, grant.offset);
    const bool network = slot.source->network();
    (network ? accounting.network_writes : accounting.local_writes) += 1;
    (network ? accounting.network_write_bytes : accounting.local_write_bytes) +=
        transfer.size_bytes;
    if (transfer.end == TransferEnd::kStopped) {
      return {.status = IoStatus::kStopped, .value = 0};
    }
    if (transfer.end != TransferEnd::kFull) {
      return Fail(RefuseChannel(channel.spec, kStatusIoFailed, "channel-write-failed",
                                "failed to write", transfer.error));
    }
  }
  if (!AddToDigest(channel, buffer, size_bytes)) {
    return {.status = IoStatus::kStopped, .value = 0};
  }
  EnterWrite(channel.ledger, grant, grant.size);
  return {.status = IoStatus::kDone, .value = grant.size};
}

void ChannelTable::Complete() {
  if (!state_->open) {
    return;
  }
  for (Channel& channel : state_->channels) {
    const DigestText digest = channel.digest ? channel.digest->Value() : DigestText{};
    for (SourceSlot& slot : channel.slots) {
      const Transfer transfer = slot.source->Complete(digest.view());
      if (transfer.end != TransferEnd::kFull) {
        state_->Fail(RefuseChannel(channel.spec, kStatusIoFailed, "channel-close-failed",
                                   "the end cannot be told", transfer.error));
      }
    }
  }
  // Only now: a peer may be waiting for one of these ends before it goes on to its own.
  for (Channel& channel : state_->channels) {
    for (SourceSlot& slot : channel.slots) {
      slot.source->Drain();
    }
  }
}

void ChannelTable::Close() {
  if (!state_->open) {
    return;
  }
  state_->open = false;
  for (Channel& channel : state_->channels) {
    for (SourceSlot& slot : channel.slots) {
      const int error = slot.source->End(channel.ledger.size_bytes);
      if (error != 0) {
        state_->Fail(RefuseChannel(channel.spec, kStatusIoFailed, "channel-close-failed",
                                   "failed to close", error));
      }
    }
  }
  state_->descriptors.clear();
}

const Failure& ChannelTable::failure() const { return state_->failure; }
const ChannelAccounting& ChannelTable::accounting() const { return state_->accounting; }
std::span<const int> ChannelTable::descriptors() const { return state_->descriptors; }

}  // namespace zvm
