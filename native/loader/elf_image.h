// The program file: ELF bytes in, a checked layout out. Knows nothing of memory, of the validator
// or of processes; whoever copies segments uses only the numbers that are checked here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "abi/layout.h"
#include "base/result.h"

namespace zvm {

// What can be wrong with a program file. Order and exit statuses: docs/abi.md §1.2.
enum class LoadCode : uint8_t {
  kTruncatedHeader,
  kTooManyProgramHeaders,
  kProgramHeaderSize,
  kProgramHeaderOffset,
  kTruncatedProgramHeaders,
  kNotElf,
  kClass,
  kType,
  kMachine,
  kVersion,
  kSegmentKind,
  kSegmentRepeated,
  kTextAddress,
  kSegmentAddress,
  kSegmentEnd,
  kSegmentFileSize,
  kNoText,
  kTextSize,
  kEntry,
  kSegmentOrder,
  kSegmentAlignment,
  kStackOverlap,
  kSegmentOutsideFile,
  kNoHaltSled,
};

struct LoadError {
  LoadCode code;
  int32_t header = -1;  // index of the program header, -1 = the file header
  uint64_t value = 0;   // what was found
};

// A stable kebab-case identifier ("elf-entry"), a sentence, and the classic exit status (5, 8, 14).
std::string_view LoadCodeName(LoadCode code);
std::string_view LoadCodeReason(LoadCode code);
int LoadCodeStatus(LoadCode code);

// One loaded segment. Absent: memory_size_bytes == 0. Ends are below 2^32;
// file_size_bytes <= memory_size_bytes; the file part lies inside the file.
struct NexeSegment {
  uint32_t start = 0;
  uint64_t file_offset = 0;
  uint64_t file_size_bytes = 0;
  uint64_t memory_size_bytes = 0;

  bool present() const { return memory_size_bytes != 0; }
  uint64_t file_end() const { return start + file_size_bytes; }
  uint64_t end() const { return start + memory_size_bytes; }
};

// Invariants: 0x20000 = text.start <= entry < text.file_end(); entry is a bundle start;
// text_end is a multiple of 64 KiB with at least 32 halts before it; text_end <= rodata.start and
// <= data.start; rodata.end() <= data.start; break_address <= 0xFF000000.
struct NexeLayout {
  NexeSegment text;
  NexeSegment rodata;
  NexeSegment data;
  uint32_t entry = 0;
  uint64_t text_end = 0;       // padded: [0x20000, text_end) is what the validator judges
  uint64_t break_address = 0;  // end of data and bss, or of everything when there is no data
};

// Reads parts of a program file. ReadAt fills all of `out` or returns false.
class NexeFile {
 public:
  virtual uint64_t size_bytes() const = 0;
  virtual bool ReadAt(uint64_t offset, std::span<uint8_t> out) const = 0;

 protected:
  ~NexeFile() = default;
};

[[nodiscard]] Result<NexeLayout, LoadError> ParseNexe(const NexeFile& file);
// The same for a file that is in memory.
[[nodiscard]] Result<NexeLayout, LoadError> ParseNexe(std::span<const uint8_t> bytes);

}  // namespace zvm
