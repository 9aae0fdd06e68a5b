// Role session: runs one program in the order of the architecture: frame, descriptors, image,
// channels, outer wall at its narrowest, guest, report. Reuse of the process would add a reset
// behind SendReport.
#include <array>
#include <cerrno>

#include "base/end_process.h"
#include "sandbox/page_map.h"
#include "session/guest_session.h"
#include "wire/frame_reader.h"
#include "worker/answers.h"
#include "worker/serve.h"

namespace zvm {
namespace {

// For the report of last resort; a signal handler cannot ask the session.
uint64_t g_session_id = 0;

void OnTrustedFault(int signal) {
  static Ending ending;
  ending.SetTrustedFault(signal);
  Report report;
  ending.Fill(report);
  SendReport(g_session_id, report, {});
  EndProcess(kWorkerFault);
}

ChannelSpec MakeSpec(const StartChannel& channel, FrameDescriptors& descriptors) {
  ChannelSpec spec;
  spec.alias = channel.alias;
  spec.type = channel.fields.type;
  spec.etag = (channel.fields.flags & kChannelEtag) != 0;
  spec.limits = {channel.fields.reads, channel.fields.read_bytes, channel.fields.writes,
                 channel.fields.write_bytes};
  spec.sources.resize(channel.fields.source_count);
  for (size_t i = 0; i < spec.sources.size(); ++i) {
    spec.sources[i].kind = SourceKind::kDescriptor;
    spec.sources[i].descriptor = descriptors.Take(channel.first_source + i).Release();
  }
  return spec;
}

// From here on the session owns the descriptors of the sources.
SessionRequest MakeRequest(const StartRequest& start, FrameDescriptors& descriptors) {
  SessionRequest request;
  request.memory_bytes = start.fields.memory_bytes;
  request.memory_etag = (start.fields.flags & kStartMemoryEtag) != 0;
  request.daemon_requested = (start.fields.flags & kStartJob) != 0;
  request.channel_options.etag_algorithm =
      static_cast<DigestAlgorithm>(start.fields.etag_algorithm);
  request.limits = {.wall_ms = start.fields.wall_ms, .cpu_ms = start.fields.cpu_ms};
  request.policy = {.profile = static_cast<Profile>(start.fields.profile),
                    .features = CpuFeatures::OfThisCpu(),
                    .refuse_rdtsc = true};
  request.channels.reserve(start.fields.channel_count);
  for (const StartChannel& channel : start.view()) {
    request.channels.push_back(MakeSpec(channel, descriptors));
  }
  return request;
}

class Running final : public Role {
 public:
  LockdownStage stage() const override { return LockdownStage::kServe; }
  FrameType task_type() const override { return FrameType::kStart; }
  bool stop_requested() const override { return process_.stop.requested(); }

  Failure SetUp() override {
    if (Failure failure = process_.SetUpSignals(OnTrustedFault); failure.failed()) {
      return failure;
    }
    // For digests of the memory: without it, untouched pages would be touched.
    pagemap_ = OpenPageMap();
    return process_.SetUpMemory();
  }
  std::array<int, kKeptMax> kept_descriptors() const override {
    return {pagemap_.get(), process_.peak.descriptor()};
  }

  FrameError Do(TaskFrame& frame) override {
    if (const FrameError error = ReadStart(frame.bytes, &start_); error != FrameError::kNone) {
      return error;
    }
    g_session_id = frame.header.session_id;
    // Never destroyed: destructors would ask the locked-down kernel for things.
    auto* const session =
        new GuestSession(process_, MakeRequest(start_, frame.descriptors));
    const Failure failure = Prepare(*session, frame.descriptors.Take(0));
    if (!failure.failed()) {
      session->Run(nullptr);
    }
    session->End(failure, pagemap_.get());
    Answer(*session);
    return FrameError::kNone;
  }

 private:
  Failure Prepare(GuestSession& session, UniqueFd image_fd);
  void Answer(GuestSession& session);
  void FindStartIndexes(std::span<const ChannelView> channels);

  SandboxProcess process_;
  UniqueFd pagemap_;
  StartRequest start_;
  ValidatorState validator_ = ValidatorState::kNotRun;
  std::array<uint16_t, kWireChannelsMax> start_indexes_;
};

Failure Running::Prepare(GuestSession& session, UniqueFd image_fd) {
  auto image = AdoptImage(std::move(image_fd), session.request().policy);
  if (!image.ok()) {
    return image.error();
  }
  validator_ = ValidatorState::kPassed;
  if (Failure failure = session.Check(std::move(image.value())); failure.failed()) {
    return failure;
  }
  if (Failure failure = session.MapProgram(); failure.failed()) {
    return failure;
  }
  if (Failure failure = session.OpenChannels(); failure.failed()) {
    return failure;
  }
  // SAFETY: the last step before the guest; what mapping and opening needed is gone from here on.
  LockdownStatus status;
  return NarrowToRun(&status, session.Backstops());
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

void Running::Answer(GuestSession& session) {
  Report report;
  session.FillReport(report);
  report.validator = validator_;
  FindStartIndexes(report.channels);
  SendReport(g_session_id, report, {start_indexes_.data(), report.channels.size()});
}

}  // namespace

Role& SessionRole() {
  static Running role;
  return role;
}

}  // namespace zvm
