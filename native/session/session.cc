#include "session/session.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/end_process.h"
#include "lockdown/lockdown.h"
#include "sandbox/address_space.h"
#include "sandbox/cpu.h"
#include "sandbox/exec_memory.h"
#include "sandbox/faults.h"
#include "sandbox/guest_run.h"
#include "session/ending.h"
#include "session/prepare.h"
#include "session/skip_validation.h"

namespace zvm {
namespace {

class Session {
 public:
  Session(Manifest manifest, const SessionOptions& options, Trace& trace)
      : manifest_(std::move(manifest)), options_(options), trace_(trace) {}

  int Run();

 private:
  Failure Start();
  Failure Prepare();
  Failure CheckRequest();
  Failure MapProgram();
  Failure OpenChannels();
  Failure LockDown();
  void RunProgram();
  void ReserveReport();
  void Finish(const Failure& failure);
  void FillReport(Report& report);
  void MeasureTime(Report& report) const;

  Manifest manifest_;
  const SessionOptions& options_;
  Trace& trace_;
  StopRequest stop_;
  PrepareFailure prepare_failure_;
  ValidatorState validator_ = ValidatorState::kNotRun;
  PreparedImage image_;
  AddressSpace space_;
  ChannelTable channels_;
  std::span<uint8_t> jail_scratch_;
  UniqueFd pagemap_;
  Ending ending_;
  DigestText memory_digest_;
  uint64_t start_us_ = MonotonicUs();
  std::vector<ChannelView> views_;
  std::unique_ptr<char[]> report_text_;
  size_t report_size_max_ = 0;
  int status_ = 0;
};

// What the report of last resort is written in; a signal handler cannot ask the session.
ReportFormat g_last_report_format = ReportFormat::kText;

// The report of last resort: host code faulted. Writes no address; nothing here allocates or locks.
void OnTrustedFault(int signal) {
  static Ending ending;
  ending.SetTrustedFault(signal);
  static char text[kReportSizeMin];
  TextBuffer out(text, sizeof text);
  Report report;
  ending.Fill(report);
  RenderReport(report, g_last_report_format, out);
  WriteAll(kReportDescriptor, out.view());
  EndProcess(ending.status());
}

Failure Session::Prepare() {
  if (options_.image_fd >= 0) {
    auto image = AdoptImage(UniqueFd(options_.image_fd));
    if (!image.ok()) {
      return image.error();
    }
    image_ = std::move(image.value());
    validator_ = ValidatorState::kPassed;
    return {};
  }
  UniqueFd program(manifest_.program_descriptor);
  if (!program.valid()) {
    auto opened = OpenProgram(manifest_.program.c_str());
    if (!opened.ok()) {
      return opened.error();
    }
    program = std::move(opened.value());
  }
  const bool skip = SkipsValidation();
  auto image =
      PrepareProgram(program.get(), {.policy = options_.policy, .skip_validation = skip});
  if (!image.ok()) {
    prepare_failure_ = image.error();
    validator_ = prepare_failure_.validated ? ValidatorState::kFailed : ValidatorState::kNotRun;
    return prepare_failure_.failure;
  }
  image_ = std::move(image.value());
  validator_ = skip ? ValidatorState::kNotRun : ValidatorState::kPassed;
  return {};
}

// Everything that can be refused without touching the host.
Failure Session::CheckRequest() {
  if (Failure failure = AddressSpace::CheckMemory(image_.layout(), manifest_.memory_bytes);
      failure.failed()) {
    return failure;
  }
  return channels_.Check(std::move(manifest_.channels));
}

Failure Session::MapProgram() {
  if (Failure failure = space_.Reserve(); failure.failed()) {
    return failure;
  }
  if (Failure failure = MapThunk(); failure.failed()) {
    return failure;
  }
  const size_t scratch_size = ValidatorScratchBytes(kJailSizeMax);
  void* const scratch = mmap(nullptr, scratch_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (scratch == MAP_FAILED) {
    return MakeFailure(ENOMEM, "session-no-memory", "no memory for the session");
  }
  jail_scratch_ = {static_cast<uint8_t*>(scratch), scratch_size};
  return space_.Map(image_, manifest_.memory_bytes);
}

Failure Session::OpenChannels() {
  TimeLimits limits = options_.limits;
  if (limits.wall_ms == 0) {
    limits.wall_ms = static_cast<uint64_t>(manifest_.timeout_s) * 1000;
  }
  // The clock starts before the channels are opened: a FIFO without a writer must not wait for
  // ever.
  if (Failure failure = ArmTimeLimits(limits); failure.failed()) {
    return failure;
  }
  const ChannelOptions channel_options = {options_.etag_algorithm, options_.preallocate};
  if (Failure failure = channels_.Open(channel_options, stop_); failure.failed()) {
    return failure;
  }
  if (Failure failure = space_.WriteUserManifest(channels_); failure.failed()) {
    return failure;
  }
  space_.WriteStartInfo();
  return {};
}

Failure Session::LockDown() {
  if (manifest_.memory_etag) {
    pagemap_.Reset(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  }
  if (Failure failure = SetGuestSegmentBase(); failure.failed()) {
    return failure;
  }
  std::vector<int> keep(channels_.descriptors().begin(), channels_.descriptors().end());
  for (const int fd : {kReportDescriptor, STDERR_FILENO, pagemap_.get(), trace_.descriptor()}) {
    if (fd >= 0 && fcntl(fd, F_GETFD) >= 0) {
      keep.push_back(fd);
    }
  }
  std::sort(keep.begin(), keep.end());
  keep.erase(std::unique(keep.begin(), keep.end()), keep.end());
  LockdownOptions lockdown;
  lockdown.keep_descriptors = keep;
  LockdownStatus status;
  if (Failure failure = Lockdown(lockdown, &status); failure.failed()) {
    return failure;
  }
  if (options_.show_lockdown) {
    FixedText<2048> text;
    RenderLockdown(status, options_.report_format == ReportFormat::kJson, text);
    WriteAll(STDERR_FILENO, text.view());
  }
  return {};
}

// Memory for the report is taken now: after lockdown none can be had.
void Session::ReserveReport() {
  views_.resize(channels_.count());
  Report report;
  report.channels = views_;
  for (size_t i = 0; i < views_.size(); ++i) {
    views_[i] = channels_.view(i);
  }
  report_size_max_ = std::max(ReportSizeMax(report), kReportSizeMin);
  report_text_.reset(new char[report_size_max_]);
}

// The order is the security argument: untrusted bytes are judged in a process of their own, nothing
// on the host is changed before everything was checked, and the guest is entered behind both walls.
Failure Session::Start() {
  using Step = Failure (Session::*)();
  struct {
    const char* milestone;
    Step step;
  } const steps[] = {
      {"user module preparation", &Session::Prepare},
      {"request check", &Session::CheckRequest},
      {"user module mapping", &Session::MapProgram},
      {"channels mounting", &Session::OpenChannels},
  };
  g_last_report_format = options_.report_format;
  Failure failure = QualifyCpu();
  if (!failure.failed()) {
    failure = InstallSignalHandlers(&stop_, OnTrustedFault);
  }
  for (const auto& [milestone, step] : steps) {
    if (failure.failed()) {
      return failure;
    }
    failure = (this->*step)();
    trace_.Milestone(milestone);
  }
  if (!failure.failed()) {
    ReserveReport();
    failure = LockDown();
    trace_.Milestone("lockdown");
  }
  return failure;
}

void Session::RunProgram() {
  GuestRun run;
  run.space = &space_;
  run.channels = &channels_;
  run.stop = &stop_;
  run.observer = trace_.active() ? &trace_ : nullptr;
  run.jail_policy = options_.policy;
  run.jail_scratch = jail_scratch_;
  run.entry = image_.layout().entry;
  run.daemon_requested = !manifest_.job.empty();
  ending_.SetGuestOutcome(RunGuest(run), stop_, channels_.failure());
}

void Session::MeasureTime(Report& report) const {
  rusage self;
  getrusage(RUSAGE_SELF, &self);
  const auto us = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_usec);
  };
  report.wall_us = MonotonicUs() - start_us_;
  report.user_cpu_us = us(self.ru_utime);
  report.system_cpu_us = us(self.ru_stime);
  report.peak_memory_bytes = static_cast<uint64_t>(self.ru_maxrss) * 1024;
}

void Session::FillReport(Report& report) {
  ending_.Fill(report);
  report.validator = validator_;
  report.profile = image_.fd.valid() ? image_.profile_needed() : prepare_failure_.profile_needed;
  report.etag_algorithm = options_.etag_algorithm;
  report.memory_bytes =
      static_cast<uint64_t>(std::max<int64_t>(manifest_.memory_bytes, 0));
  if (image_.fd.valid()) {
    report.program_digest = {image_.header.nexe_sha256_hex, sizeof image_.header.nexe_sha256_hex};
  }
  for (size_t i = 0; i < views_.size(); ++i) {
    views_[i] = channels_.view(i);
    report.any_etag |= views_[i].etag;
  }
  report.channels = views_;
  report.any_etag |= manifest_.memory_etag;
  report.memory_digest = memory_digest_;
  report.accounting = channels_.accounting();
  const size_t kept = std::min<size_t>(prepare_failure_.violation_count, kReportedViolationsMax);
  report.violations = {prepare_failure_.violations.data(), kept};
  report.violation_count = prepare_failure_.violation_count;
  MeasureTime(report);
}

// Ends the session, whatever happened before: channels are closed, digests taken, the report
// written.
void Session::Finish(const Failure& failure) {
  if (failure.failed()) {
    ending_.SetFailure(failure, stop_);
  }
  if (manifest_.memory_etag) {
    Digest digest(options_.etag_algorithm);
    space_.DigestMemory(digest, pagemap_.get());
    memory_digest_ = digest.Value();
  }
  channels_.Close();
  if (channels_.failure().failed()) {
    ending_.AddFailure(channels_.failure());
  }
  trace_.Milestone("channels destruction");
  if (report_text_ == nullptr) {
    // Failed before lockdown: memory can still be had.
    ReserveReport();
  }
  Report report;
  FillReport(report);
  report_size_max_ = std::max(report_size_max_, kReportSizeMin);
  TextBuffer out(report_text_.get(), report_size_max_);
  RenderReport(report, options_.report_format, out);
  WriteAll(kReportDescriptor, out.view());
  status_ = ending_.status();
  if (options_.verbosity > 0 && status_ != 0) {
    FixedText<sizeof(Failure::text) + 64> line;
    line.Add("zvm-run: ").Add(report.state).AddChar('\n');
    WriteAll(STDERR_FILENO, line.view());
  }
  trace_.Milestone("report");
  trace_.Milestone("exit");
  trace_.Flush();
}

int Session::Run() {
  const Failure failure = Start();
  if (!failure.failed()) {
    if (options_.stop_before_entry) {
      ending_.SetNotEntered();
    } else {
      RunProgram();
    }
  }
  Finish(failure);
  return status_;
}

}  // namespace

int RunSession(Manifest manifest, const SessionOptions& options, Trace& trace) {
  // Never destroyed: see the header.
  auto* const session = new Session(std::move(manifest), options, trace);
  return session->Run();
}

int ReportFailure(const Failure& failure, ReportFormat format) {
  Ending ending;
  ending.SetFailure(failure, StopRequest());
  Report report;
  ending.Fill(report);
  char text[kReportSizeMin];
  TextBuffer out(text, sizeof text);
  RenderReport(report, format, out);
  WriteAll(kReportDescriptor, out.view());
  return ending.status();
}

}  // namespace zvm
