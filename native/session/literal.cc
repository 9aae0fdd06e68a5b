#include "session/literal.h"

#include <elf.h>

#include <cstdint>
#include <span>

// The ELF header of this program, where it is loaded; from the linker.
extern "C" const Elf64_Ehdr __ehdr_start;

namespace zvm {

bool IsLiteral(std::string_view text) {
  const auto header_at = reinterpret_cast<uint64_t>(&__ehdr_start);
  const std::span<const Elf64_Phdr> segments(
      reinterpret_cast<const Elf64_Phdr*>(header_at + __ehdr_start.e_phoff), __ehdr_start.e_phnum);
  // Addresses of the file count from here: the segment that holds the header starts the file.
  uint64_t base = header_at;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && segment.p_offset == 0) {
      base = header_at - segment.p_vaddr;
    }
  }
  const uint64_t at = reinterpret_cast<uint64_t>(text.data()) - base;
  for (const Elf64_Phdr& segment : segments) {
    // SAFETY: segments that were ever writable hold addresses of this process, relocations too.
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0 && at >= segment.p_vaddr &&
        at - segment.p_vaddr < segment.p_filesz &&
        text.size() <= segment.p_filesz - (at - segment.p_vaddr)) {
      return true;
    }
  }
  return false;
}

}  // namespace zvm
