#include "session/guest_session.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/cpu.h"
#include "sandbox/exec_memory.h"

namespace zvm {
Failure SandboxProcess::SetUpSignals(TrustedFaultHandler on_trusted_fault) {
  if (Failure failure = QualifyCpu(); failure.failed()) {
    return failure;
  }
  return InstallSignalHandlers(&stop, on_trusted_fault);
}

Failure SandboxProcess::SetUpMemory() {
  if (Failure failure = space.Reserve(); failure.failed()) {
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
  jail_scratch = {static_cast<uint8_t*>(scratch), scratch_size};
  peak.Open();
  host_data_bytes = DataBytesOfThisProcess();
  return SetGuestSegmentBase();
}

Failure GuestSession::Check(const PreparedImage& image) {
  image_ = &image;
  if (Failure failure = AddressSpace::CheckMemory(image.layout(), request_.memory_bytes);
      failure.failed()) {
    return failure;
  }
  if (Failure failure = channels_.Check(std::move(request_.channels)); failure.failed()) {
    return failure;
  }
  return request_.snapshot == nullptr
             ? Failure{}
             : request_.snapshot->CheckFor(image, request_.memory_bytes, ShapeOf(channels_));
}

Failure GuestSession::MapProgram() {
  return process_.space.Map(*image_, request_.memory_bytes);
}

Failure GuestSession::StartClocks() {
  const uint64_t used_us = continues_ ? before_.user_us + before_.system_us : ProcessCpuUs();
  return StartTimeLimits(request_.limits, used_us);
}

Failure GuestSession::OpenChannels(bool snapshot_is_there) {
  if (Failure failure = channels_.Open(request_.channel_options, process_.stop);
      failure.failed()) {
    return failure;
  }
  if (Failure failure = process_.space.WriteUserManifest(channels_); failure.failed()) {
    return failure;
  }
  if (request_.snapshot == nullptr) {
    process_.space.WriteStartInfo();
  } else if (!snapshot_is_there) {
    // SAFETY: only now is it known which memory the guest may write.
    const AddressSpace& space = process_.space;
    if (Failure failure = request_.snapshot->CheckPages(space.heap(), space.stack());
        failure.failed()) {
      return failure;
    }
  }
  // Memory for the report is taken now: after lockdown none can be had.
  RefreshViews();
  return {};
}

LockdownLimits GuestSession::Backstops() const {
  LockdownLimits limits;
  limits.cpu_seconds = CpuBackstopSeconds(request_.limits);
  if (process_.host_data_bytes != 0) {
    limits.data_bytes =
        process_.host_data_bytes + kHostDataSlackBytes + process_.space.data_bytes();
  }
  return limits;
}

bool GuestSession::MoveChannels(std::span<const ChannelPosition> positions) {
  if (positions.size() != channels_.count()) {
    return false;
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    if (!channels_.MoveTo(i, positions[i])) {
      return false;
    }
  }
  return true;
}

GuestRun GuestSession::Entry(TrapObserver* observer) {
  GuestRun run;
  run.space = &process_.space;
  run.channels = &channels_;
  run.stop = &process_.stop;
  run.observer = observer;
  run.jail_policy = request_.policy;
  run.jail_scratch = process_.jail_scratch;
  run.entry = image_->layout().entry;
  run.start = request_.snapshot != nullptr ? &request_.snapshot->registers() : nullptr;
  run.start_result = request_.continues ? kForkNothing : kForkStarted;
  run.checkpoint = request_.checkpoint;
  run.daemon_requested = request_.daemon_requested;
  return run;
}

void GuestSession::Run(TrapObserver* observer, int pagemap_fd) {
  if (request_.checkpoint != nullptr) {
    request_.checkpoint->Begin(request_.snapshot_fd, pagemap_fd, *image_, request_.memory_bytes,
                               channels_, request_.continues);
  }
  const GuestOutcome outcome = RunGuest(Entry(observer));
  if (outcome.end == GuestEnd::kCheckpoint) {
    ending_.SetCheckpoint(request_.checkpoint->failure());
    return;
  }
  ending_.SetGuestOutcome(outcome, process_.stop, channels_.failure());
}

void GuestSession::End(const Failure& failure, int pagemap_fd) {
  if (failure.failed()) {
    ending_.SetFailure(failure, process_.stop);
  }
  if (request_.memory_etag) {
    Digest digest(request_.channel_options.etag_algorithm);
    if (process_.space.DigestMemory(digest, pagemap_fd, process_.stop)) {
      memory_digest_ = digest.Value();
    } else {
      ending_.AddStop(process_.stop.reason());
    }
  }
  if (ending_.exited()) {
    channels_.Complete();
  }
  channels_.Close();
  if (channels_.failure().failed()) {
    ending_.AddFailure(channels_.failure());
  }
  EndTimeLimits();
}

void GuestSession::MeasureTime(Report& report) {
  // Of the thread, which is the only one: costs half of what the same numbers of the process cost.
  rusage self;
  getrusage(RUSAGE_THREAD, &self);
  const auto us = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_usec);
  };
  usage_ = {us(self.ru_utime), us(self.ru_stime),
            static_cast<uint64_t>(self.ru_minflt) + static_cast<uint64_t>(self.ru_majflt)};
  report.wall_us = MonotonicUs() - start_us_;
  report.user_cpu_us = usage_.user_us - before_.user_us;
  report.system_cpu_us = usage_.system_us - before_.system_us;
  report.peak_memory_bytes = process_.peak.Bytes(usage_.faults);
}

void GuestSession::RefreshViews() {
  views_.resize(channels_.count());
  for (size_t i = 0; i < views_.size(); ++i) {
    views_[i] = channels_.view(i);
  }
}

void GuestSession::FillReport(Report& report) {
  ending_.Fill(report);
  report.etag_algorithm = request_.channel_options.etag_algorithm;
  if (request_.snapshot != nullptr) {
    report.snapshot = SnapshotUse::kUsed;
  } else if (snapshot_made()) {
    report.snapshot = SnapshotUse::kMade;
  }
  report.memory_bytes = static_cast<uint64_t>(std::max<int64_t>(request_.memory_bytes, 0));
  if (image_ != nullptr) {
    report.profile = image_->profile_needed();
    report.program_digest = {image_->header.nexe_sha256_hex,
                             sizeof image_->header.nexe_sha256_hex};
  }
  RefreshViews();
  report.any_etag = request_.memory_etag;
  for (const ChannelView& view : views_) {
    report.any_etag |= view.etag;
  }
  report.channels = views_;
  report.memory_digest = memory_digest_;
  report.accounting = channels_.accounting();
  MeasureTime(report);
}

}  // namespace zvm
