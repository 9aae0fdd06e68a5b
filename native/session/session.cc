#include "session/session.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/end_process.h"
#include "channel/channel_failure.h"
#include "lockdown/lockdown.h"
#include "sandbox/page_map.h"
#include "session/ending.h"
#include "session/guest_session.h"
#include "session/prepare.h"
#include "session/skip_validation.h"

namespace zvm {
namespace {

// Takes the channels out of the manifest.
SessionRequest MakeRequest(Manifest& manifest, const SessionOptions& options) {
  SessionRequest request;
  request.memory_bytes = manifest.memory_bytes;
  request.memory_etag = manifest.memory_etag;
  request.daemon_requested = !manifest.job.empty() && options.of_daemon.snapshot_fd < 0;
  request.channels = std::move(manifest.channels);
  request.channel_options = {options.etag_algorithm, options.preallocate, {}};
  request.channel_options.network.node = manifest.node;
  if (manifest.name_server) {
    request.channel_options.network.name_server = {manifest.name_server->address,
                                                   manifest.name_server->port};
  }
  request.limits = options.limits;
  if (request.limits.wall_ms == 0) {
    request.limits.wall_ms = static_cast<uint64_t>(manifest.timeout_s) * 1000;
  }
  request.policy = options.policy;
  return request;
}

class Session {
 public:
  Session(Manifest manifest, const SessionOptions& options, Trace& trace)
      : manifest_(std::move(manifest)),
        options_(options),
        trace_(trace),
        guest_(process_, MakeRequest(manifest_, options)) {}

  int Run();

 private:
  Failure Start();
  Failure Prepare();
  Failure OpenSnapshots();
  Failure CheckRequest();
  Failure MapProgram();
  Failure OpenChannels();
  Failure LockDown();
  void ReserveReport();
  void TellPositions();
  void Finish(const Failure& failure);
  void FillReport(Report& report);

  Manifest manifest_;
  const SessionOptions& options_;
  Trace& trace_;
  SandboxProcess process_;
  GuestSession guest_;
  PrepareFailure prepare_failure_;
  ValidatorState validator_ = ValidatorState::kNotRun;
  PreparedImage image_;
  UniqueFd pagemap_;
  Snapshot snapshot_;
  UniqueFd new_snapshot_;
  std::unique_ptr<char[]> report_text_;
  size_t report_size_max_ = 0;
};

// What the report of last resort is written in; a signal handler cannot ask the session.
ReportFormat g_last_report_format = ReportFormat::kText;
bool g_last_report_has_length = false;

// Too large for a member of what is made on the heap.
Checkpoint g_checkpoint;

// `length_prefix`: a client of a daemon knows by it how much to read.
void WriteReport(std::string_view text, bool length_prefix) {
  constexpr unsigned kLengthDigits = 6;
  FixedText<8> prefix;
  prefix.Add("0x").AddHex(text.size(), kLengthDigits);
  if (length_prefix) {
    WriteAll(kReportDescriptor, prefix.view());
  }
  WriteAll(kReportDescriptor, text);
}

// The report of last resort: host code faulted. Writes no address; nothing here allocates or locks.
void OnTrustedFault(int signal) {
  static Ending ending;
  ending.SetTrustedFault(signal);
  static char text[kReportSizeMin];
  TextBuffer out(text, sizeof text);
  Report report;
  ending.Fill(report);
  RenderReport(report, g_last_report_format, out);
  WriteReport(out.view(), g_last_report_has_length);
  EndProcess(ending.status());
}

// A descriptor that this process opened: trace, page map, image. What was passed to it came
// through exec and so cannot have this flag.
bool IsOwn(int fd) {
  const int flags = fd >= 0 ? fcntl(fd, F_GETFD) : -1;
  return flags >= 0 && (flags & FD_CLOEXEC) != 0;
}

// `failure` belongs to what stands there in the manifest.
Failure AtPlace(Failure failure, const ManifestPlace& place) {
  failure.line = place.line;
  failure.column = place.column;
  return failure;
}

// Texts about the size of the memory are the manifest's fault, all others the program's.
Failure AtMemory(const Failure& failure, const Manifest& manifest) {
  return failure.code.starts_with("memory-") ? AtPlace(failure, manifest.memory_place) : failure;
}

Failure Session::Prepare() {
  if (options_.image_fd >= 0) {
    auto image = AdoptImage(UniqueFd(options_.image_fd), options_.policy);
    if (!image.ok()) {
      return image.error();
    }
    image_ = std::move(image.value());
    validator_ = ValidatorState::kPassed;
    return {};
  }
  if (IsOwn(manifest_.program_descriptor)) {
    return AtPlace(MakeFailure(ENOENT, "program-open-failed", "program open error"),
                   manifest_.program_place);
  }
  UniqueFd program(manifest_.program_descriptor);
  if (!program.valid()) {
    auto opened = OpenProgram(manifest_.program.c_str());
    if (!opened.ok()) {
      return AtPlace(opened.error(), manifest_.program_place);
    }
    program = std::move(opened.value());
  }
  // A program that is slow to judge is bounded by the wall clock too; the guest gets a clock of its
  // own when its channels are opened.
  TimeLimits limits;
  limits.wall_ms = options_.limits.wall_ms != 0 ? options_.limits.wall_ms
                                                : static_cast<uint64_t>(manifest_.timeout_s) * 1000;
  if (Failure failure = StartTimeLimits(limits, 0); failure.failed()) {
    return failure;
  }
  const bool skip = SkipsValidation();
  auto image = PrepareProgram(
      program.get(),
      {.policy = options_.policy,
       .memory_bytes = manifest_.memory_bytes,
       .skip_validation = skip,
       .stop = &process_.stop});
  if (!image.ok()) {
    prepare_failure_ = image.error();
    validator_ = prepare_failure_.validated ? ValidatorState::kFailed : ValidatorState::kNotRun;
    return AtMemory(prepare_failure_.failure, manifest_);
  }
  image_ = std::move(image.value());
  validator_ = skip ? ValidatorState::kNotRun : ValidatorState::kPassed;
  return {};
}

// Of the operator's files: one to be made, or one to start from.
Failure Session::OpenSnapshots() {
  if (options_.becomes_daemon.snapshot_fd >= 0) {
    guest_.MakeSnapshot(g_checkpoint, options_.becomes_daemon.snapshot_fd);
    guest_.ContinueOthers();
  }
  if (options_.of_daemon.snapshot_fd >= 0) {
    if (Failure failure = snapshot_.Open(UniqueFd(options_.of_daemon.snapshot_fd));
        failure.failed()) {
      return failure;
    }
    guest_.StartFrom(snapshot_);
    guest_.ContinueOthers();
  }
  if (options_.make_snapshot_path != nullptr) {
    new_snapshot_.Reset(open(options_.make_snapshot_path,
                             O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!new_snapshot_.valid()) {
      return MakeFailure(errno, "snapshot-open-failed", "the snapshot cannot be created: ",
                         options_.make_snapshot_path);
    }
    guest_.MakeSnapshot(g_checkpoint, new_snapshot_.get());
  }
  if (options_.snapshot_path == nullptr) {
    return {};
  }
  const UniqueFd file(open(options_.snapshot_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) {
    return MakeFailure(errno, "snapshot-open-failed", "the snapshot cannot be opened: ",
                       options_.snapshot_path);
  }
  auto copy = CopySnapshotFile(file.get());
  if (!copy.ok()) {
    return copy.error();
  }
  if (Failure failure = snapshot_.Open(std::move(copy.value())); failure.failed()) {
    return failure;
  }
  guest_.StartFrom(snapshot_);
  return {};
}

Failure Session::CheckRequest() {
  for (const ChannelSpec& channel : guest_.request().channels) {
    for (const ChannelSource& source : channel.sources) {
      if (source.kind == SourceKind::kDescriptor && IsOwn(source.descriptor)) {
        return RefuseChannel(channel, EBADF, "channel-open-failed", "the source cannot be opened",
                             EBADF);
      }
    }
  }
  return AtMemory(guest_.Check(image_), manifest_);
}

Failure Session::MapProgram() {
  if (Failure failure = process_.SetUpMemory(); failure.failed()) {
    return failure;
  }
  return guest_.MapProgram();
}

Failure Session::OpenChannels() {
  if (Failure failure = guest_.StartClocks(); failure.failed()) {
    return failure;
  }
  if (Failure failure = guest_.OpenChannels(); failure.failed()) {
    return failure;
  }
  if (snapshot_.valid()) {
    snapshot_.Install();
  }
  if (options_.of_daemon.snapshot_fd >= 0 && !guest_.MoveChannels(options_.of_daemon.positions)) {
    return MakeFailure(EINVAL, "snapshot-invalid", "no channels stand like this");
  }
  return {};
}

Failure Session::LockDown() {
  if (manifest_.memory_etag || new_snapshot_.valid() ||
      options_.becomes_daemon.snapshot_fd >= 0) {
    pagemap_ = OpenPageMap();
  }
  const std::span<const int> channels = guest_.channels().descriptors();
  std::vector<int> keep(channels.begin(), channels.end());
  for (const int fd : {kReportDescriptor, STDERR_FILENO, pagemap_.get(), trace_.descriptor(),
                       process_.peak.descriptor(), new_snapshot_.get(),
                       options_.becomes_daemon.snapshot_fd, options_.becomes_daemon.told_fd}) {
    if (fd >= 0 && fcntl(fd, F_GETFD) >= 0) {
      keep.push_back(fd);
    }
  }
  std::sort(keep.begin(), keep.end());
  keep.erase(std::unique(keep.begin(), keep.end()), keep.end());
  LockdownOptions lockdown;
  lockdown.keep_descriptors = keep;
  lockdown.limits = guest_.Backstops();
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
  Report report;
  FillReport(report);
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
      {"snapshot", &Session::OpenSnapshots},
      {"request check", &Session::CheckRequest},
      {"user module mapping", &Session::MapProgram},
      {"channels mounting", &Session::OpenChannels},
  };
  g_last_report_format = options_.report_format;
  g_last_report_has_length = options_.length_prefix;
  Failure failure = process_.SetUpSignals(OnTrustedFault);
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

void Session::FillReport(Report& report) {
  report.profile = prepare_failure_.profile_needed;
  guest_.FillReport(report);
  report.validator = validator_;
  report.daemon = options_.becomes_daemon.told_fd >= 0 && guest_.snapshot_made();
  const size_t kept = std::min<size_t>(prepare_failure_.violation_count, kReportedViolationsMax);
  report.violations = {prepare_failure_.violations.data(), kept};
  report.violation_count = prepare_failure_.violation_count;
}

// The daemon is what this session was, from here on.
void Session::TellPositions() {
  for (size_t i = 0; i < guest_.channels().count(); ++i) {
    const ChannelPosition position = guest_.channels().position(i);
    WriteAll(options_.becomes_daemon.told_fd,
             {reinterpret_cast<const char*>(&position), sizeof position});
  }
}

// Ends the session, whatever happened before: channels are closed, digests taken, the report
// written.
void Session::Finish(const Failure& failure) {
  guest_.End(failure, pagemap_.get());
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
  if (report.daemon) {
    TellPositions();
  }
  WriteReport(out.view(), options_.length_prefix);
  if (options_.verbosity > 0 && guest_.status() != 0) {
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
      guest_.SetNotEntered();
    } else {
      guest_.Run(trace_.active() ? &trace_ : nullptr, pagemap_.get());
    }
  }
  Finish(failure);
  return guest_.status();
}

}  // namespace

int RunSession(Manifest manifest, const SessionOptions& options, Trace& trace) {
  // Never destroyed: see the header.
  auto* const session = new Session(std::move(manifest), options, trace);
  return session->Run();
}

int ReportFailure(const Failure& failure, ReportFormat format, bool length_prefix) {
  Ending ending;
  ending.SetFailure(failure, StopRequest());
  Report report;
  ending.Fill(report);
  char text[kReportSizeMin];
  TextBuffer out(text, sizeof text);
  RenderReport(report, format, out);
  WriteReport(out.view(), length_prefix);
  return ending.status();
}

}  // namespace zvm
