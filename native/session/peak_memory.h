// How much memory this process has had resident at most. The kernel's usual answer (ru_maxrss) is
// inherited from whoever started the process, which for a worker is the whole service; the mark of
// the address space itself starts anew with every program.
#pragma once

#include <cstdint>

#include "base/unique_fd.h"

namespace zvm {

// Private writable memory of this process now, in bytes; 0 when the kernel does not tell. Before
// lockdown.
uint64_t DataBytesOfThisProcess();

class PeakMemory {
 public:
  // Before lockdown; afterwards the descriptor must be among the kept ones.
  void Open();
  int descriptor() const { return status_.get(); }
  // Bytes, 0 when the kernel does not tell. Reads a few hundred bytes; does not allocate.
  uint64_t Bytes() const;

 private:
  UniqueFd status_;
};

}  // namespace zvm
