// Lays a program out in an image file: runs inside the locked-down child of prepare.cc and touches
// nothing but the two descriptors it is given and memory of its own.
#pragma once

#include <cstdint>

#include "lockdown/lockdown.h"
#include "session/build_answer.h"

namespace zvm {

// What the kernel enforces should hostile bytes take the builder over: the size of the image file
// and the memory of this process. Measures it, so before lockdown. `program_size` may be the
// largest there is.
[[nodiscard]] LockdownLimits BuilderBackstops(const PrepareOptions& options, uint64_t program_size);

// Fills and seals `image_fd` from `program`, which may change meanwhile: the digest in the image is
// that of the bytes in the image. Reads every byte once, the headers twice. Writes `answer` last.
void BuildImage(const NexeFile& program, int image_fd, const PrepareOptions& options,
                BuildAnswer& answer);
// The same for a descriptor. Fills and seals `image_fd` from `program_fd` (`program_size` bytes).
void BuildImage(int program_fd, uint64_t program_size, int image_fd,
                const PrepareOptions& options, BuildAnswer& answer);

}  // namespace zvm
