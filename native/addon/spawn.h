// Starts one worker process with its end of a socket pair as descriptor 0. Knows nothing of
// JavaScript.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"

namespace zvm {

struct SpawnRequest {
  std::string path;
  std::string role;
  uint64_t cpu_seconds = 0, file_size_bytes = 0, address_space_bytes = 0;
  int stderr_fd = -1;  // -1 = /dev/null
  uint8_t tasks_max = 1;  // 0 = no bound
};

struct SpawnedProcess {
  UniqueFd socket;  // non-blocking
  UniqueFd pidfd;
  pid_t pid = -1;
};

// Returns 0, or an errno and the name of the call that failed. Nothing is left behind then.
int SpawnWorkerProcess(const SpawnRequest& request, SpawnedProcess* process, const char** syscall);

// Through the pidfd: never another process that got the same number. 0 or an errno.
int SignalProcess(int pidfd, int signal);
// The same for a worker's signal that names a session (docs/wire.md §1).
int CancelSession(int pidfd, uint64_t session_id);

}  // namespace zvm
