// Channels with several sources: a write goes to each of them (channel_table does that); a read is
// believed when two sources tell the same. docs/abi.md §7.6. Apart from the rest because few use
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "channel/source.h"

namespace zvm {

// What the traps of a session count in: 64 KiB pieces, whatever the system calls were.
inline constexpr size_t kChunkSizeBytes = 64 * 1024;
inline constexpr size_t kSourcesMax = 16;

// One source of a channel and how far it was read. `position` matters for streams; a source that
// failed once is not asked again.
struct SourceSlot {
  std::unique_ptr<Source> source;
  int64_t position = 0;
  bool valid = true;
};

struct AgreedRead {
  TransferEnd end = TransferEnd::kFull;
  size_t size_bytes = 0;
  // kError: 5 = no agreement or no source left, 32 = a source is out of sync; why; its errno or 0.
  int status = 0;
  const char* text = "failed to read";
  int error = 0;
  uint64_t host_reads = 0;  // reads and bytes of all sources together, for the accounting
  uint64_t host_read_bytes = 0;
};

// Reads until `size_bytes` or an agreed end. In each chunk the sources are asked in order until two
// agree about length and bytes, ends of file included. `scratch` holds a chunk for each slot.
AgreedRead ReadAgreed(std::span<SourceSlot> slots, uint8_t* scratch, uint8_t* buffer,
                      size_t size_bytes, int64_t position);

}  // namespace zvm
