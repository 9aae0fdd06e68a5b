#include "session/prepare.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/end_process.h"
#include "lockdown/lockdown.h"
#include "session/image_builder.h"

namespace zvm {
namespace {

// The answer page: the only memory that the child shares with this process.
class SharedAnswer {
 public:
  SharedAnswer() {
    void* const got = mmap(nullptr, sizeof(BuildAnswer), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    answer_ = got == MAP_FAILED ? nullptr : new (got) BuildAnswer();
  }
  ~SharedAnswer() {
    if (answer_ != nullptr) {
      munmap(answer_, sizeof(BuildAnswer));
    }
  }
  SharedAnswer(const SharedAnswer&) = delete;
  SharedAnswer& operator=(const SharedAnswer&) = delete;
  BuildAnswer* get() const { return answer_; }

 private:
  BuildAnswer* answer_;
};

PrepareFailure Problem(int status, std::string_view code, std::string_view text) {
  PrepareFailure problem;
  problem.failure = MakeFailure(status, code, text);
  return problem;
}

void RunChild(pid_t owner, int program_fd, uint64_t program_size, int image_fd,
                           const PrepareOptions& options, BuildAnswer& answer) {
  int keep[] = {std::min(program_fd, image_fd), std::max(program_fd, image_fd)};
  LockdownOptions lockdown;
  lockdown.stage = LockdownStage::kPrepare;
  lockdown.keep_descriptors = keep;
  lockdown.limits = BuilderBackstops(options, program_size);
  lockdown.limits.cpu_seconds = kPrepareCpuSecondsMax;
  lockdown.owner_pid = owner;
  LockdownStatus status;
  answer.problem.failure = Lockdown(lockdown, &status);
  if (!answer.problem.failure.failed()) {
    BuildImage(program_fd, program_size, image_fd, options, answer);
  } else {
    answer.finished = true;
  }
  PackAnswer(answer);
  EndProcess(0);
}

// Waits for the child, and kills it when a stop is requested meanwhile: whoever asks a session to
// end must not wait for a program that is slow to judge.
int WaitForChild(pid_t child, const StopRequest* stop) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    if (stop != nullptr && stop->requested()) {
      kill(child, SIGKILL);
    }
  }
  return status;
}

}  // namespace

Result<UniqueFd, Failure> OpenProgram(const char* path) {
  // O_NONBLOCK: a FIFO in place of a program must not make us wait; regular files do not care.
  UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) {
    return Err{MakeFailure(ENOENT, "program-open-failed", "program open error")};
  }
  return fd;
}

Result<PreparedImage, PrepareFailure> PrepareProgram(int program_fd,
                                                     const PrepareOptions& options) {
  struct stat status;
  if (fstat(program_fd, &status) != 0) {
    return Err{Problem(ENOENT, "program-open-failed", "program open error")};
  }
  // What is not a regular file counts as empty and is then too short for a header.
  const uint64_t size = S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0;
  auto image_fd = MakeImageFile();
  if (!image_fd.ok()) {
    PrepareFailure problem;
    problem.failure = image_fd.error();
    return Err{problem};
  }
  const SharedAnswer answer;
  if (answer.get() == nullptr) {
    return Err{Problem(ENOMEM, "prepare-no-memory", "no memory to prepare the program")};
  }
  const pid_t owner = getpid();
  const pid_t child = fork();
  if (child < 0) {
    return Err{Problem(errno, "prepare-fork-failed", "cannot start a process")};
  }
  if (child == 0) {
    RunChild(owner, program_fd, size, image_fd.value().get(), options, *answer.get());
  }
  const int child_status = WaitForChild(child, options.stop);
  const BuildAnswer told = ReadAnswer(*answer.get());
  if (!WIFEXITED(child_status) || !told.finished) {
    return Err{Problem(ENOEXEC, "prepare-died", "the process that judged the program died")};
  }
  if (!told.built) {
    return Err{told.problem};
  }
  auto image = AdoptImage(std::move(image_fd.value()), options.policy);
  if (!image.ok()) {
    PrepareFailure problem;
    problem.failure = image.error();
    return Err{problem};
  }
  return std::move(image.value());
}

}  // namespace zvm
