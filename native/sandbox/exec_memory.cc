#include "sandbox/exec_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/guest_context.h"

namespace zvm {
namespace {

constexpr size_t kThunkSizeBytes = 4096;

// movabs $ZvmTrapEntry, %rax; jmp *%rax. rax is free: the trampoline has used it already.
void WriteThunk(uint8_t* thunk) {
  const auto entry = reinterpret_cast<uint64_t>(&ZvmTrapEntry);
  std::memset(thunk, ZVM_HALT_BYTE, kThunkSizeBytes);
  thunk[0] = 0x48;
  thunk[1] = 0xB8;
  std::memcpy(thunk + 2, &entry, sizeof entry);
  thunk[10] = 0xFF;
  thunk[11] = 0xE0;
}

}  // namespace

Failure MapSealedText(int image_fd, uint64_t start, uint64_t end) {
  ZVM_CHECK(start >= ZVM_TRAMPOLINE_START && start < end && end <= ZVM_STACK_START);
  ZVM_CHECK(start % ZVM_MAP_PAGE_SIZE_BYTES == 0 && end % ZVM_MAP_PAGE_SIZE_BYTES == 0);
  void* const at = reinterpret_cast<void*>(ZVM_WINDOW_BASE + start);
  // SAFETY: MAP_FIXED replaces a part of our own reservation only: the range was checked above.
  void* const mapped = mmap(at, end - start, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED,
                            image_fd, static_cast<off_t>(start));
  return mapped == at ? Failure{} : MakeFailure(errno, "text-map-failed", "cannot map the text");
}

bool MakeJailed(GuestAddr start, uint64_t size_bytes) {
  ZVM_CHECK(start.value % ZVM_MAP_PAGE_SIZE_BYTES == 0);
  ZVM_CHECK(size_bytes % ZVM_MAP_PAGE_SIZE_BYTES == 0);
  ZVM_CHECK(size_bytes <= ZVM_STACK_START - start.value);
  return mprotect(reinterpret_cast<void*>(ZVM_WINDOW_BASE + start.value), size_bytes,
                  PROT_READ | PROT_EXEC) == 0;
}

Failure MapThunk() {
  void* const at = reinterpret_cast<void*>(kThunkAddress);
  void* const mapped = mmap(at, kThunkSizeBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped == MAP_FAILED) {
    return MakeFailure(errno, "thunk-map-failed", "cannot map the thunk");
  }
  ZVM_CHECK(mapped == at);
  WriteThunk(static_cast<uint8_t*>(mapped));
  if (mprotect(mapped, kThunkSizeBytes, PROT_READ | PROT_EXEC) != 0) {
    return MakeFailure(errno, "thunk-map-failed", "cannot make the thunk executable");
  }
  return {};
}

}  // namespace zvm
