#include "loader/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/guest_addr.h"

namespace zvm {
namespace {

constexpr uint64_t kWindowEnd = ZVM_WINDOW_SIZE_BYTES;
constexpr unsigned kProgramHeadersMax = 128;
// What the validator judges in one piece (1 GiB), less the halt sled.
constexpr uint64_t kTextSizeMax = (uint64_t{1} << 30) - ZVM_MAP_PAGE_SIZE_BYTES;

struct LoadCodeRow {
  std::string_view name;
  std::string_view reason;
  int status;
};

// Indexed by LoadCode. Statuses are frozen by clients: 5 = truncated, 8 = bad format, 14 = does not
// fit the address space.
constexpr LoadCodeRow kLoadCodes[] = {
    {"elf-truncated-header", "the file is shorter than an ELF header", 5},
    {"elf-too-many-program-headers", "more than 128 program headers", 8},
    {"elf-program-header-size", "program headers are smaller than 56 bytes", 8},
    {"elf-program-header-offset", "the program headers start behind the end of the file", 5},
    {"elf-truncated-program-headers", "the program headers end behind the end of the file", 5},
    {"elf-magic", "not an ELF file", 8},
    {"elf-class", "not a 64-bit ELF file", 8},
    {"elf-type", "not an executable (ET_EXEC)", 8},
    {"elf-machine", "not for x86-64", 8},
    {"elf-version", "unknown ELF version", 8},
    {"elf-segment-kind", "a segment of this type and with these flags is not allowed", 8},
    {"elf-segment-repeated", "a second segment of the same kind", 8},
    {"elf-text-address", "the text segment does not start at 0x20000", 8},
    {"elf-segment-address", "a segment starts below 0x20000", 8},
    {"elf-segment-end", "a segment ends above 4 GiB", 8},
    {"elf-segment-file-size", "a segment is larger in the file than in memory", 8},
    {"elf-no-text", "no text segment", 8},
    {"elf-text-size", "the text segment is larger than 1 GiB", 8},
    {"elf-entry", "the entry is not the start of a bundle inside the text", 8},
    {"elf-segment-order", "segments overlap or are not in the order text, rodata, data", 8},
    {"elf-segment-alignment", "rodata or data does not start on a multiple of 64 KiB", 8},
    {"elf-stack-overlap", "a segment reaches into the stack", 14},
    {"elf-segment-outside-file", "the bytes of a segment are not all in the file", 8},
    {"elf-no-halt-sled", "no room for 32 halts between the text and the next segment", 14},
};
static_assert(std::size(kLoadCodes) == static_cast<size_t>(LoadCode::kNoHaltSled) + 1);

// The segment kinds that may occur, each at most once (docs/abi.md §1.3).
enum class Action : uint8_t { kText, kRodata, kData, kStack, kIgnore };
struct SegmentKind {
  uint32_t type;
  uint32_t flags;
  Action action;
};
constexpr SegmentKind kSegmentKinds[] = {
    {PT_LOAD, PF_R | PF_X, Action::kText},    {PT_LOAD, PF_R, Action::kRodata},
    {PT_LOAD, PF_R | PF_W, Action::kData},    {PT_PHDR, PF_R, Action::kIgnore},
    {PT_TLS, PF_R, Action::kIgnore},          {PT_DYNAMIC, PF_R, Action::kIgnore},
    {PT_INTERP, PF_R, Action::kIgnore},       {PT_NOTE, PF_R, Action::kIgnore},
    {PT_GNU_EH_FRAME, PF_R, Action::kIgnore}, {PT_GNU_RELRO, PF_R, Action::kIgnore},
    {PT_NULL, PF_R, Action::kIgnore},         {PT_GNU_STACK, PF_R | PF_W, Action::kStack},
};

using ProgramHeaders = std::array<Elf64_Phdr, kProgramHeadersMax>;

// What the pass over the program headers collects.
struct Collected {
  NexeLayout layout;
  uint64_t highest = 0;
};

Err<LoadError> Refuse(LoadCode code, uint64_t value = 0, int32_t header = -1) {
  return Err{LoadError{code, header, value}};
}

Result<Unit, LoadError> CheckIdentity(const Elf64_Ehdr& ehdr) {
  if (std::memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0) {
    return Refuse(LoadCode::kNotElf);
  }
  if (ehdr.e_ident[EI_CLASS] != ELFCLASS64) {
    return Refuse(LoadCode::kClass, ehdr.e_ident[EI_CLASS]);
  }
  if (ehdr.e_type != ET_EXEC) {
    return Refuse(LoadCode::kType, ehdr.e_type);
  }
  if (ehdr.e_machine != EM_X86_64) {
    return Refuse(LoadCode::kMachine, ehdr.e_machine);
  }
  if (ehdr.e_version != EV_CURRENT) {
    return Refuse(LoadCode::kVersion, ehdr.e_version);
  }
  return Unit{};
}

Result<Elf64_Ehdr, LoadError> ReadHeaders(const NexeFile& file, ProgramHeaders& headers) {
  Elf64_Ehdr ehdr;
  if (!file.ReadAt(0, {reinterpret_cast<uint8_t*>(&ehdr), sizeof ehdr})) {
    return Refuse(LoadCode::kTruncatedHeader, file.size_bytes());
  }
  // The counts come before the magic: a text file is usually refused here, and clients know that.
  if (ehdr.e_phnum > kProgramHeadersMax) {
    return Refuse(LoadCode::kTooManyProgramHeaders, ehdr.e_phnum);
  }
  if (ehdr.e_phentsize < sizeof(Elf64_Phdr)) {
    return Refuse(LoadCode::kProgramHeaderSize, ehdr.e_phentsize);
  }
  if (ehdr.e_phoff > file.size_bytes()) {
    return Refuse(LoadCode::kProgramHeaderOffset, ehdr.e_phoff);
  }
  // Headers are read with a fixed stride of 56 bytes, whatever e_phentsize says: existing
  // behaviour.
  const size_t table_size = size_t{ehdr.e_phnum} * sizeof(Elf64_Phdr);
  if (!file.ReadAt(ehdr.e_phoff, {reinterpret_cast<uint8_t*>(headers.data()), table_size})) {
    return Refuse(LoadCode::kTruncatedProgramHeaders, ehdr.e_phoff);
  }
  if (auto ok = CheckIdentity(ehdr); !ok.ok()) {
    return Err{ok.error()};
  }
  return ehdr;
}

// Numbers of one segment that is mapped (or could be: a stack header with a size).
Result<Unit, LoadError> CheckRange(const Elf64_Phdr& header, bool is_text, int32_t index) {
  if (is_text && header.p_vaddr != ZVM_TEXT_START) {
    return Refuse(LoadCode::kTextAddress, header.p_vaddr, index);
  }
  if (header.p_vaddr < ZVM_TEXT_START) {
    return Refuse(LoadCode::kSegmentAddress, header.p_vaddr, index);
  }
  // SAFETY: no sum is formed before both terms are known to be below 2^32.
  if (header.p_vaddr >= kWindowEnd || header.p_memsz >= kWindowEnd - header.p_vaddr) {
    return Refuse(LoadCode::kSegmentEnd, header.p_memsz, index);
  }
  if (header.p_filesz > header.p_memsz) {
    return Refuse(LoadCode::kSegmentFileSize, header.p_filesz, index);
  }
  return Unit{};
}

void StoreSegment(const Elf64_Phdr& header, Action action, Collected& collected) {
  const NexeSegment segment{static_cast<uint32_t>(header.p_vaddr), header.p_offset, header.p_filesz,
                            header.p_memsz};
  collected.highest = std::max(collected.highest, segment.end());
  if (action == Action::kText) {
    collected.layout.text = segment;
  } else if (action == Action::kRodata) {
    collected.layout.rodata = segment;
  } else if (action == Action::kData) {
    collected.layout.data = segment;
  }
}

Result<Collected, LoadError> CollectSegments(std::span<const Elf64_Phdr> headers) {
  Collected collected;
  std::array<bool, std::size(kSegmentKinds)> seen{};
  for (size_t i = 0; i < headers.size(); ++i) {
    const Elf64_Phdr& header = headers[i];
    const auto index = static_cast<int32_t>(i);
    if (header.p_memsz == 0) {
      continue;
    }
    const auto* kind = std::find_if(
        std::begin(kSegmentKinds), std::end(kSegmentKinds), [&](const SegmentKind& k) {
          return k.type == header.p_type && k.flags == header.p_flags;
        });
    if (kind == std::end(kSegmentKinds)) {
      return Refuse(LoadCode::kSegmentKind, header.p_type, index);
    }
    if (std::exchange(seen[kind - kSegmentKinds], true)) {
      return Refuse(LoadCode::kSegmentRepeated, header.p_type, index);
    }
    if (kind->action == Action::kIgnore) {
      continue;
    }
    if (auto ok = CheckRange(header, kind->action == Action::kText, index); !ok.ok()) {
      return Err{ok.error()};
    }
    StoreSegment(header, kind->action, collected);
  }
  if (!collected.layout.text.present()) {
    return Refuse(LoadCode::kNoText);
  }
  return collected;
}

// Order and alignment of the segments among themselves.
Result<Unit, LoadError> CheckOrder(const NexeLayout& layout, uint64_t highest) {
  const NexeSegment& rodata = layout.rodata;
  const NexeSegment& data = layout.data;
  const bool last_is_last =
      data.present() ? data.end() == highest
                     : !rodata.present() || RoundUpMapPage(rodata.end()) == RoundUpMapPage(highest);
  const bool rodata_before_data =
      !rodata.present() || !data.present() || rodata.end() <= data.start;
  const uint64_t text_end = RoundUpMapPage(layout.text.file_end());
  const bool text_first = (!rodata.present() || text_end <= rodata.start) &&
                          (!data.present() || text_end <= data.start);
  if (!last_is_last || !rodata_before_data || !text_first) {
    return Refuse(LoadCode::kSegmentOrder, highest);
  }
  for (const NexeSegment* segment : {&rodata, &data}) {
    if (segment->present() && segment->start % ZVM_MAP_PAGE_SIZE_BYTES != 0) {
      return Refuse(LoadCode::kSegmentAlignment, segment->start);
    }
  }
  if (data.present() && RoundUpMapPage(data.end()) > ZVM_STACK_START) {
    return Refuse(LoadCode::kStackOverlap, data.end());
  }
  return Unit{};
}

Result<Unit, LoadError> CheckFileParts(const NexeLayout& layout, uint64_t file_size) {
  for (const NexeSegment* segment : {&layout.text, &layout.rodata, &layout.data}) {
    if (segment->file_size_bytes == 0) {
      continue;
    }
    if (segment->file_offset > file_size ||
        segment->file_size_bytes > file_size - segment->file_offset) {
      return Refuse(LoadCode::kSegmentOutsideFile, segment->file_offset);
    }
  }
  return Unit{};
}

// Pads the text and finds the break; both need the segments in order.
Result<Unit, LoadError> DeriveEnds(NexeLayout& layout, uint64_t highest) {
  const uint64_t sled_end = layout.text.file_end() + ZVM_HALT_SLED_SIZE_BYTES;
  for (const NexeSegment* segment : {&layout.rodata, &layout.data}) {
    if (segment->present() && sled_end > segment->start) {
      return Refuse(LoadCode::kNoHaltSled, layout.text.file_end());
    }
  }
  layout.text_end = RoundUpMapPage(sled_end);
  layout.break_address = highest;
  if (!layout.data.present()) {
    layout.break_address = std::max(RoundUpMapPage(highest), layout.text_end);
  }
  if (layout.break_address > ZVM_STACK_START) {
    return Refuse(LoadCode::kStackOverlap, layout.break_address);
  }
  return Unit{};
}

class MemoryNexeFile final : public NexeFile {
 public:
  explicit MemoryNexeFile(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint64_t size_bytes() const override { return bytes_.size(); }
  bool ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return false;
    }
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    return true;
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace

std::string_view LoadCodeName(LoadCode code) { return kLoadCodes[static_cast<size_t>(code)].name; }
std::string_view LoadCodeReason(LoadCode code) {
  return kLoadCodes[static_cast<size_t>(code)].reason;
}
int LoadCodeStatus(LoadCode code) { return kLoadCodes[static_cast<size_t>(code)].status; }

Result<NexeLayout, LoadError> ParseNexe(const NexeFile& file) {
  ProgramHeaders headers;
  auto ehdr = ReadHeaders(file, headers);
  if (!ehdr.ok()) {
    return Err{ehdr.error()};
  }
  auto collected = CollectSegments({headers.data(), ehdr.value().e_phnum});
  if (!collected.ok()) {
    return Err{collected.error()};
  }
  NexeLayout layout = collected.value().layout;
  const uint64_t highest = collected.value().highest;
  const uint64_t entry = ehdr.value().e_entry;
  if (layout.text.file_size_bytes > kTextSizeMax) {
    return Refuse(LoadCode::kTextSize, layout.text.file_size_bytes);
  }
  // SAFETY: the lower bound keeps the entry out of the trampolines.
  if (entry % ZVM_BUNDLE_SIZE_BYTES != 0 || entry < ZVM_TEXT_START ||
      entry >= layout.text.file_end()) {
    return Refuse(LoadCode::kEntry, entry);
  }
  layout.entry = static_cast<uint32_t>(entry);
  if (auto ok = CheckOrder(layout, highest); !ok.ok()) {
    return Err{ok.error()};
  }
  if (auto ok = CheckFileParts(layout, file.size_bytes()); !ok.ok()) {
    return Err{ok.error()};
  }
  if (auto ok = DeriveEnds(layout, highest); !ok.ok()) {
    return Err{ok.error()};
  }
  return layout;
}

Result<NexeLayout, LoadError> ParseNexe(std::span<const uint8_t> bytes) {
  return ParseNexe(MemoryNexeFile(bytes));
}

}  // namespace zvm
