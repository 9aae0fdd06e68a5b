// The kernel's page map of this process, opened so that it tells which pages are there and never
// where in physical memory. Used by memory_digest.
#pragma once

#include "base/unique_fd.h"

namespace zvm {

// An open /proc/self/pagemap whose physical page numbers read as zero, or none. Before lockdown, in
// a process with one thread.
[[nodiscard]] UniqueFd OpenPageMap();

}  // namespace zvm
