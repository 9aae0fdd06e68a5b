// Program files of any bytes: refused with a code, or accepted with a layout that keeps the
// invariants on which the sandbox maps memory (native/loader/elf_image.h).
#include <cstdint>
#include <cstdlib>

#include "base/check.h"
#include "loader/elf_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zvm;
  auto result = ParseNexe({data, size});
  if (!result.ok()) {
    ZVM_CHECK(!LoadCodeName(result.error().code).empty());
    ZVM_CHECK(LoadCodeStatus(result.error().code) > 0);
    return 0;
  }
  const NexeLayout& layout = result.value();
  ZVM_CHECK(layout.text.start == ZVM_TEXT_START);
  ZVM_CHECK(layout.entry % ZVM_BUNDLE_SIZE_BYTES == 0 && layout.entry >= ZVM_TEXT_START);
  ZVM_CHECK(layout.entry < layout.text.file_end());
  ZVM_CHECK(layout.text_end % ZVM_MAP_PAGE_SIZE_BYTES == 0);
  ZVM_CHECK(layout.text_end >= layout.text.file_end() + ZVM_HALT_SLED_SIZE_BYTES);
  ZVM_CHECK(layout.break_address >= layout.text_end || layout.data.present());
  ZVM_CHECK(layout.break_address <= ZVM_STACK_START);
  for (const NexeSegment* segment : {&layout.text, &layout.rodata, &layout.data}) {
    ZVM_CHECK(segment->file_size_bytes <= segment->memory_size_bytes);
    ZVM_CHECK(segment->file_size_bytes == 0 ||
              (segment->file_offset <= size &&
               segment->file_size_bytes <= size - segment->file_offset));
  }
  for (const NexeSegment* segment : {&layout.rodata, &layout.data}) {
    ZVM_CHECK(!segment->present() || (segment->start >= layout.text_end &&
                                      segment->start % ZVM_MAP_PAGE_SIZE_BYTES == 0 &&
                                      segment->end() <= layout.break_address));
  }
  ZVM_CHECK(!layout.rodata.present() || !layout.data.present() ||
            layout.rodata.end() <= layout.data.start);
  return 0;
}
