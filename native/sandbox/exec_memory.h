// The one road to executable memory. No other file of native/ may pass PROT_EXEC to the kernel.
#pragma once

#include <cstdint>

#include "base/failure.h"
#include "base/guest_addr.h"

namespace zvm {

// Maps [start, end) of the window read+execute from a sealed image, at file offset = guest address.
// Preconditions, checked: both are multiples of 64 KiB, 0x10000 <= start < end <= 0xFF000000.
// The caller has verified that the file is sealed against writing: nobody can change the text
// later.
[[nodiscard]] Failure MapSealedText(int image_fd, uint64_t start, uint64_t end);

// Makes validated heap memory executable (and not writable), or gives it back. `start` and
// `size_bytes` are multiples of 64 KiB inside the heap; false when the kernel refuses.
// SAFETY: the pages must have been made read-only before they were validated.
[[nodiscard]] bool MakeJailed(GuestAddr start, uint64_t size_bytes);

// Maps the thunk, a page outside the window that carries a trap from the trampoline to the host, so
// that guests that read their trampolines learn no host address but the thunk's own, constant one.
[[nodiscard]] Failure MapThunk();

// Where trampolines call. Constant, because the trampolines are part of the memory digest.
inline constexpr uint64_t kThunkAddress = 0x5AFECA110000;

}  // namespace zvm
