// Role session: runs programs in the order of the architecture: frame, descriptors, image,
// channels, guest, report, and behind it a reset of everything that the guest could reach, or the
// end of the process. A worker that runs one session only raises the outer wall to its narrowest
// before the guest.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <optional>

#include "base/descriptor_status.h"
#include "base/end_process.h"
#include "sandbox/faults.h"
#include "sandbox/page_map.h"
#include "sandbox/warm_memory.h"
#include "session/guest_session.h"
#include "wire/frame_reader.h"
#include "worker/answers.h"
#include "worker/entry_check.h"
#include "worker/output_log.h"
#include "worker/serve.h"
#include "worker/session_request.h"

namespace zvm {
namespace {

// For the report of last resort; a signal handler cannot ask the session.
uint64_t g_session_id = 0;
bool g_session_runs = false;
// For the handler of the processor timer.
OutputLog* g_output = nullptr;

void OnTrustedFault(int signal) {
  if (g_session_runs) {
    static Ending ending;
    ending.SetTrustedFault(signal);
    Report report;
    ending.Fill(report);
    SendReport(g_session_id, report, {}, {}, 0);
    FlushAnswers();
  }
  EndProcess(kWorkerFault);
}

bool SameFile(int a, int b) {
  struct stat first, second;
  return StatDescriptor(a, &first) == 0 && StatDescriptor(b, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

class Running final : public Role {
 public:
  LockdownStage stage(const WorkerOptions& options) const override {
    return options.reused() ? LockdownStage::kServeWarm : LockdownStage::kServe;
  }
  FrameType task_type() const override { return FrameType::kStart; }
  bool stop_requested() const override { return process_.stop.for_good(); }
  std::array<int, kKeptMax> kept_descriptors() const override {
    return {pagemap_.get(), process_.peak.descriptor(), process_.peak.restart_descriptor()};
  }

  Failure SetUp(const WorkerOptions& options) override;
  LockdownLimits backstops() const override;
  FrameError Do(TaskFrame& frame) override;
  bool Renew() override;
  bool Idle() override { return mapped_ == nullptr || memory_.Trim(process_.space); }

 private:
  Failure Prepare(FrameDescriptors& descriptors);
  Failure TakeImage(FrameDescriptors& descriptors);
  Failure TakeSnapshot(FrameDescriptors& descriptors);
  Failure OpenChannels();
  bool HasNamed() const;
  Failure MapProgram();
  void Answer();
  void FindStartIndexes(std::span<const ChannelView> channels);

  SandboxProcess process_;
  UniqueFd pagemap_;
  WarmMemory memory_;
  bool reused_ = false;

  // One of the two is mapped; the other takes the image of a frame until it is, too.
  PreparedImage images_[2];
  PreparedImage* mapped_ = nullptr;
  int64_t mapped_memory_bytes_ = 0;

  // The one that memory_ has in place, if any; and where a session writes its own.
  Snapshot snapshot_;
  uint8_t snapshot_name_[sizeof WireStart::program_check] = {};
  UniqueFd new_snapshot_;
  Checkpoint checkpoint_;

  StartRequest start_;
  OutputLog output_;
  PreparedImage* image_ = nullptr;  // of the session
  // Never destroyed by a process that ends with it: destructors would ask the locked-down kernel
  // for things.
  std::optional<GuestSession> session_;
  ProcessUsage usage_;
  ValidatorState validator_ = ValidatorState::kNotRun;
  std::array<uint16_t, kWireChannelsMax> start_indexes_;
};

Failure Running::SetUp(const WorkerOptions& options) {
  reused_ = options.reused();
  if (Failure failure = process_.SetUpSignals(OnTrustedFault); failure.failed()) {
    return failure;
  }
  // For digests of the memory, without which untouched pages would be touched, and for resets.
  pagemap_ = OpenPageMap();
  if (reused_) {
    if (Failure failure = memory_.SetUp(pagemap_.get()); failure.failed()) {
      return failure;
    }
    if (Failure failure = KeepCpuTimer(); failure.failed()) {
      return failure;
    }
    process_.peak.AllowRestart();
    g_output = &output_;
    SetGuestTick([] { g_output->FlushNow(); });
  }
  return process_.SetUpMemory();
}

// Of many sessions: none has more memory than a window. Those of a single one come with it.
LockdownLimits Running::backstops() const {
  LockdownLimits limits;
  if (reused_ && process_.host_data_bytes != 0) {
    limits.data_bytes =
        process_.host_data_bytes + kHostDataSlackBytes + ZVM_WINDOW_SIZE_BYTES;
  }
  return limits;
}

FrameError Running::Do(TaskFrame& frame) {
  if (const FrameError error = ReadStart(frame.bytes, &start_); error != FrameError::kNone) {
    return error;
  }
  g_session_id = frame.header.session_id;
  g_session_runs = true;
  process_.stop.Begin(g_session_id);
  output_.Begin(g_session_id);
  validator_ = ValidatorState::kNotRun;
  image_ = nullptr;
  session_.emplace(process_, MakeRequest(start_, frame.descriptors, output_));
  if (reused_) {
    session_->CountFrom(usage_);
  }
  const Failure failure = Prepare(frame.descriptors);
  if (!failure.failed()) {
    CheckEntry(session_->Entry(nullptr));
    session_->Run(nullptr, pagemap_.get());
  }
  session_->End(failure, pagemap_.get());
  Answer();
  return FrameError::kNone;
}

Failure Running::Prepare(FrameDescriptors& descriptors) {
  if (Failure failure = TakeImage(descriptors); failure.failed()) {
    return failure;
  }
  validator_ = ValidatorState::kPassed;
  if (Failure failure = TakeSnapshot(descriptors); failure.failed()) {
    return failure;
  }
  if (Failure failure = session_->Check(*image_); failure.failed()) {
    return failure;
  }
  if (Failure failure = MapProgram(); failure.failed()) {
    return failure;
  }
  if (Failure failure = session_->StartClocks(); failure.failed()) {
    return failure;
  }
  ReleaseSources(start_, descriptors);
  if (Failure failure = OpenChannels(); failure.failed()) {
    return failure;
  }
  if (reused_) {
    return {};
  }
  // SAFETY: the last step before the guest; what mapping and opening needed is gone from here on.
  LockdownStatus status;
  return NarrowToRun(&status, session_->Backstops());
}

// The window is complete behind this, with the pages of the session's snapshot.
Failure Running::OpenChannels() {
  const bool there = memory_.snapshot() != nullptr;
  if (Failure failure = session_->OpenChannels(there); failure.failed()) {
    return failure;
  }
  if (!there && start_.uses_snapshot()) {
    if (reused_) {
      memory_.AddSnapshot(snapshot_);
    } else {
      snapshot_.Install();
    }
  }
  return {};
}

// The frame names the snapshot that is in place, brings one, or means none: then none is in place.
Failure Running::TakeSnapshot(FrameDescriptors& descriptors) {
  if (start_.uses_snapshot() && !start_.brings_snapshot()) {
    session_->StartFrom(snapshot_);
    return {};
  }
  memory_.RemoveSnapshot();
  snapshot_.Close();
  if (start_.makes_snapshot()) {
    new_snapshot_ = descriptors.Take(start_.snapshot_index());
    session_->MakeSnapshot(checkpoint_, new_snapshot_.get());
  }
  if (!start_.uses_snapshot()) {
    return {};
  }
  if (Failure failure = snapshot_.Open(descriptors.Take(start_.snapshot_index()));
      failure.failed()) {
    return failure;
  }
  std::copy_n(start_.fields.program_check, sizeof snapshot_name_, snapshot_name_);
  session_->StartFrom(snapshot_);
  return {};
}

// The frame means what the worker has mapped: the program, or the snapshot and its program.
bool Running::HasNamed() const {
  if (mapped_ == nullptr || !start_.uses_snapshot()) {
    return mapped_ != nullptr && NamesProgram(start_, *mapped_);
  }
  return memory_.snapshot() != nullptr &&
         std::equal(std::begin(snapshot_name_), std::end(snapshot_name_),
                    std::begin(start_.fields.program_check));
}

// Sets image_: the one that is mapped, when the frame names it or brings it once more, or the one
// of the frame.
Failure Running::TakeImage(FrameDescriptors& descriptors) {
  const ValidatorPolicy& policy = session_->request().policy;
  if (start_.names_mapped_image()) {
    // SAFETY: the owner means one program; another one must not run in its place.
    if (!HasNamed()) {
      return MakeFailure(EINVAL, "image-not-mapped", "this worker has another program");
    }
    image_ = mapped_;
    return CheckImagePolicy(mapped_->header, policy);
  }
  auto image = AdoptImage(descriptors.Take(0), policy);
  if (!image.ok()) {
    return image.error();
  }
  if (mapped_ != nullptr && SameFile(image.value().fd.get(), mapped_->fd.get())) {
    image_ = mapped_;
    return {};
  }
  image_ = mapped_ == &images_[0] ? &images_[1] : &images_[0];
  *image_ = std::move(image.value());
  return {};
}

Failure Running::MapProgram() {
  if (mapped_ == image_ && mapped_memory_bytes_ == start_.fields.memory_bytes) {
    return {};
  }
  // Until everything is in place the window belongs to no program.
  const bool used = mapped_ != nullptr;
  mapped_ = nullptr;
  if (used && !process_.space.Clear()) {
    return MakeFailure(errno, "window-map-failed", "cannot clear the window");
  }
  if (Failure failure = session_->MapProgram(); failure.failed() || !reused_) {
    return failure;
  }
  if (Failure failure = memory_.SetProgram(*image_); failure.failed()) {
    return failure;
  }
  mapped_ = image_;
  mapped_memory_bytes_ = start_.fields.memory_bytes;
  return {};
}

// Nothing that the guest wrote or was given is left: memory, rights, channels, descriptors, limits,
// requests to stop. Registers are set when the next guest is entered.
bool Running::Renew() {
  usage_ = session_->usage();
  session_.reset();
  g_session_runs = false;
  process_.stop.End();
  new_snapshot_.Reset();
  for (PreparedImage& image : images_) {
    if (&image != mapped_) {
      image.fd.Reset();
    }
  }
  if (SkipsReset()) {
    return true;
  }
  // A session that failed while its program was being mapped leaves half a program.
  const bool renewed = mapped_ != nullptr ? memory_.Restore(process_.space, usage_.faults)
                                          : process_.space.Clear();
  // What one session used at most is not told to the next one.
  process_.peak.Restart();
  return renewed;
}

// Channels of a report are in guest order, those of the frame in any; aliases are all different.
void Running::FindStartIndexes(std::span<const ChannelView> channels) {
  for (size_t i = 0; i < channels.size(); ++i) {
    for (const StartChannel& channel : start_.view()) {
      if (channel.alias == channels[i].alias) {
        start_indexes_[i] = static_cast<uint16_t>(&channel - start_.channels.data());
      }
    }
  }
}

void Running::Answer() {
  Report report;
  session_->FillReport(report);
  report.validator = validator_;
  FindStartIndexes(report.channels);
  const bool stays = mapped_ != nullptr && mapped_ == image_ && !process_.stop.for_good();
  SendReport(g_session_id, report, {start_indexes_.data(), report.channels.size()},
             output_.records(),
             (stays ? kReportImageMapped : 0) |
                 (session_->snapshot_made() ? kReportSnapshotMade : 0));
}

}  // namespace

Role& SessionRole() {
  static Running role;
  return role;
}

}  // namespace zvm
