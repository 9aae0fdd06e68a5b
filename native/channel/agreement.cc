#include "channel/agreement.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace zvm {
namespace {

constexpr int kStatusNoAgreement = EIO;
constexpr int kStatusOutOfSync = EPIPE;

void Fail(AgreedRead& result, int status, const char* text) {
  result.end = TransferEnd::kError;
  result.status = status;
  result.text = text;
}

// Reads one chunk or piece of it from one source and counts it.
Transfer ReadOne(SourceSlot& slot, uint8_t* chunk, size_t size_bytes, AgreedRead& result) {
  const Transfer transfer = slot.source->Read(chunk, size_bytes, slot.position);
  result.host_reads += 1;
  result.host_read_bytes += transfer.size_bytes;
  slot.position += static_cast<int64_t>(transfer.size_bytes);
  return transfer;
}

// Brings a source that was not asked in earlier chunks to `position`. False: `result` says why the
// read is over; an error of the source only makes it invalid.
bool FastForward(SourceSlot& slot, uint8_t* chunk, int64_t position, AgreedRead& result) {
  if (slot.source->positional()) {
    slot.position = position;
    return true;
  }
  while (slot.valid && slot.position < position) {
    const int64_t gap = position - slot.position;
    const size_t part = static_cast<size_t>(std::min<int64_t>(gap, kChunkSizeBytes));
    switch (ReadOne(slot, chunk, part, result).end) {
      case TransferEnd::kFull:
        break;
      case TransferEnd::kEnd:
        Fail(result, kStatusOutOfSync, "a source is out of sync");
        return false;
      case TransferEnd::kStopped:
        result.end = TransferEnd::kStopped;
        return false;
      case TransferEnd::kError:
        slot.valid = false;
    }
  }
  return true;
}

// One chunk of at most `size_bytes` at `position`: returns the slot whose bytes two sources agree
// about and sets its length, or none (null) with the reason in `result`.
const uint8_t* ReadChunk(std::span<SourceSlot> slots, uint8_t* scratch, size_t size_bytes,
                         int64_t position, AgreedRead& result, size_t* agreed_bytes) {
  struct Vote {
    const uint8_t* chunk;
    size_t size_bytes;
  };
  Vote votes[kSourcesMax];
  size_t vote_count = 0;
  bool any_valid = false;
  for (size_t i = 0; i < slots.size(); ++i) {
    SourceSlot& slot = slots[i];
    uint8_t* chunk = scratch + i * kChunkSizeBytes;
    if (!slot.valid) {
      continue;
    }
    if (!FastForward(slot, chunk, position, result)) {
      return nullptr;
    }
    const Transfer transfer = slot.valid ? ReadOne(slot, chunk, size_bytes, result)
                                         : Transfer{.end = TransferEnd::kError};
    if (transfer.end == TransferEnd::kStopped) {
      result.end = TransferEnd::kStopped;
      return nullptr;
    }
    if (transfer.end == TransferEnd::kError) {
      slot.valid = false;
      continue;
    }
    any_valid = true;
    for (size_t v = 0; v < vote_count; ++v) {
      if (votes[v].size_bytes == transfer.size_bytes &&
          memcmp(votes[v].chunk, chunk, transfer.size_bytes) == 0) {
        *agreed_bytes = transfer.size_bytes;
        return chunk;
      }
    }
    votes[vote_count++] = {chunk, transfer.size_bytes};
  }
  Fail(result, kStatusNoAgreement,
       any_valid ? "no two sources agree" : "all sources failed to read");
  return nullptr;
}

}  // namespace

AgreedRead ReadAgreed(std::span<SourceSlot> slots, uint8_t* scratch, uint8_t* buffer,
                      size_t size_bytes, int64_t position) {
  ZVM_CHECK(slots.size() <= kSourcesMax);
  AgreedRead result;
  while (result.size_bytes < size_bytes) {
    const size_t wanted = std::min(size_bytes - result.size_bytes, kChunkSizeBytes);
    size_t agreed_bytes = 0;
    const uint8_t* chunk =
        ReadChunk(slots, scratch, wanted, position + static_cast<int64_t>(result.size_bytes),
                  result, &agreed_bytes);
    if (chunk == nullptr) {
      return result;
    }
    if (agreed_bytes == 0) {
      result.end = TransferEnd::kEnd;
      return result;
    }
    // SAFETY: agreed_bytes <= wanted, because no source moves more than it was asked for.
    ZVM_CHECK(agreed_bytes <= wanted);
    memcpy(buffer + result.size_bytes, chunk, agreed_bytes);
    result.size_bytes += agreed_bytes;
  }
  return result;
}

}  // namespace zvm
