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
  // For a process with many sessions, before lockdown: lets each begin with a peak of its own. The
  // second descriptor must be kept as well.
  void AllowRestart();
  int restart_descriptor() const { return restart_.get(); }
  // Bytes, 0 when the kernel does not tell. Does not allocate. `fault_count`: page faults of this
  // process; the kernel is asked again only when it has grown, because nothing else makes pages
  // resident.
  uint64_t Bytes(uint64_t fault_count);
  // A session has ended: the peak begins anew at what is resident now. Costs nothing when no page
  // has come since the last time.
  void Restart();

 private:
  uint64_t Ask() const;

  UniqueFd status_, restart_;
  uint64_t faults_ = 0, restart_faults_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace zvm
