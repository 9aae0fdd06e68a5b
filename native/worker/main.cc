// zvm-worker: a process of the service that prepares one program or runs sessions. Started by
// the addon with a socket as descriptor 0; never by hand.
#include <unistd.h>

#include <charconv>
#include <string_view>

#include "base/end_process.h"
#include "session/trace.h"
#include "worker/serve.h"

namespace zvm {
namespace {

constexpr std::string_view kUsage =
    "usage: zvm-worker prepare|session CPU_SECONDS FILE_SIZE_BYTES ADDRESS_SPACE_BYTES [TASKS]\n"
    "(0 = no limit; TASKS = 1 unless given, 0 to 255 for role session; descriptor 0 is a socket\n"
    "to the service)\n";

bool ParseNumber(const char* text, uint64_t* value) {
  const std::string_view view = text;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), *value);
  return error == std::errc() && end == view.data() + view.size();
}

bool ParseOptions(int argc, char** argv, WorkerOptions* options) {
  if (argc != 5 && argc != 6) {
    return false;
  }
  uint64_t tasks_max = 1;
  const std::string_view role = argv[1];
  options->role = role == "prepare" ? WorkerRole::kPrepare : WorkerRole::kSession;
  if (argc == 6 && (!ParseNumber(argv[5], &tasks_max) || tasks_max > UINT8_MAX ||
                    (role == "prepare" && tasks_max != 1))) {
    return false;
  }
  options->tasks_max = static_cast<uint8_t>(tasks_max);
  return (role == "prepare" || role == "session") &&
         ParseNumber(argv[2], &options->limits.cpu_seconds) &&
         ParseNumber(argv[3], &options->limits.file_size_bytes) &&
         ParseNumber(argv[4], &options->limits.address_space_bytes);
}

int Main(int argc, char** argv) {
  WorkerOptions options;
  if (!ParseOptions(argc, argv, &options)) {
    WriteAll(STDERR_FILENO, kUsage);
    return kWorkerSetUpFailed;
  }
  return Serve(options, options.role == WorkerRole::kPrepare ? PrepareRole() : SessionRole());
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) {
  zvm::EndProcess(zvm::Main(argc, argv));
  __builtin_unreachable();
}
