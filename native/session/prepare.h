// From a program file to a prepared image. The bytes are read, parsed and judged in a child process
// that can do nothing but fill one memory file; this process only looks at the child's short
// answer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/failure.h"
#include "base/result.h"
#include "base/stop_request.h"
#include "sandbox/image.h"
#include "validator/validator.h"

namespace zvm {

inline constexpr size_t kReportedViolationsMax = 16;

// Why there is no image. When the validator refused the program, `violations` holds the first
// reasons.
struct PrepareFailure {
  Failure failure;
  bool validated = false;  // the validator ran (and refused)
  Profile profile_needed = Profile::kNacl;
  std::array<Violation, kReportedViolationsMax> violations{};
  uint64_t violation_count = 0;
};

struct PrepareOptions {
  ValidatorPolicy policy;
  // `Memory` of the session: a program that does not fit is refused before anything of it is laid
  // out (docs/abi.md §2.2). None: programs of any size.
  std::optional<int64_t> memory_bytes;
  // Test builds only: maps the text unjudged, to attack the outer wall alone.
  bool skip_validation = false;
  // Ends the child when a stop is requested while it works; may be nullptr. Signals that set it
  // must interrupt system calls and repeat.
  const StopRequest* stop = nullptr;
};

// Opens a program for reading without waiting for anything. Failure: status 2,
// "program-open-failed".
[[nodiscard]] Result<UniqueFd, Failure> OpenProgram(const char* path);

// `program_fd` stays the caller's. Blocks until the child has ended; the child is bounded by a CPU
// limit of kPrepareCpuSecondsMax, its image by ZVM_STACK_START bytes and by the session's memory,
// and it dies with this process.
[[nodiscard]] Result<PreparedImage, PrepareFailure> PrepareProgram(int program_fd,
                                                                   const PrepareOptions& options);

inline constexpr uint64_t kPrepareCpuSecondsMax = 60;

}  // namespace zvm
