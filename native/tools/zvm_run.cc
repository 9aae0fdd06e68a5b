// zvm-run: one session from a classic manifest. Thin: options, manifest, session, exit status.
#include <unistd.h>

#include <cstring>

#include "base/end_process.h"
#include "lockdown/lockdown.h"
#include "manifest/manifest.h"
#include "session/daemon.h"
#include "session/session.h"
#include "tools/name_server.h"
#include "tools/run_options.h"

namespace zvm {
namespace {

constexpr int kUsageStatus = 22;

// The walls as they would stand around a guest, read back from a process that has raised them.
int ShowLockdown(ReportFormat format) {
  LockdownStatus status;
  const Failure failure = ProbeLockdown(LockdownOptions(), &status);
  if (failure.failed()) {
    return ReportFailure(failure, format);
  }
  FixedText<4096> text;
  RenderLockdown(status, format == ReportFormat::kJson, text);
  WriteAll(STDOUT_FILENO, text.view());
  return 0;
}

int Main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--name-server") == 0) {
    return RunNameServer(argv[2]);
  }
  auto options = ParseRunOptions(argc, argv);
  if (!options.ok()) {
    WriteAll(STDERR_FILENO, options.error().message());
    WriteAll(STDERR_FILENO, "\n");
    if (options.error().status == kUsageStatus) {
      WriteAll(STDOUT_FILENO, kRunUsage);
    }
    return options.error().status;
  }
  const RunOptions& run = options.value();
  const ReportFormat format = run.session.report_format;
  if (run.help) {
    WriteAll(STDOUT_FILENO, kRunUsage);
    return 0;
  }
  if (run.show_lockdown_only) {
    return ShowLockdown(format);
  }
  static Trace trace;
  if (run.trace_path != nullptr) {
    if (const Failure failure = trace.Open(run.trace_path); failure.failed()) {
      return ReportFailure(failure, format);
    }
  }
  if (run.session.verbosity >= 2) {
    trace.EchoTraps();
  }
  auto manifest = ReadManifest(run.manifest_path, run.mode);
  trace.Milestone("manifest");
  if (!manifest.ok()) {
    return ReportFailure(manifest.error(), format);
  }
  if (!manifest.value().job.empty() && !run.session.stop_before_entry) {
    return RunDaemonSession(std::move(manifest.value()), run.session, run.mode, trace);
  }
  return RunSession(std::move(manifest.value()), run.session, trace);
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) {
  zvm::EndProcess(zvm::Main(argc, argv));
  return 0;
}
