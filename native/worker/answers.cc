#include "worker/answers.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/monotonic.h"
#include "wire/frame_socket.h"
#include "wire/frame_writer.h"
#include "worker/serve.h"

namespace zvm {
namespace {

// The bytes on the wire are the numbers of these enums.
static_assert(static_cast<int>(Profile::kZvm) == 1 && static_cast<int>(Outcome::kFailed) == 4);
static_assert(static_cast<int>(Outcome::kExited) == 0 && static_cast<int>(Outcome::kLimited) == 2);
static_assert(static_cast<int>(ValidatorState::kNotRun) == 2);
static_assert(static_cast<int>(DigestAlgorithm::kSha256) == 1);
static_assert(kReportedViolationsMax == kWireViolationsMax);

uint8_t g_frame[kFrameSizeMax];

// Answers that wait to be sent together, behind a header.
struct Gathered {
  size_t size = sizeof(WireHeader);
  uint64_t oldest_us = 0;
  bool gathers = false;
};
Gathered g_gathered;
uint8_t g_answers[kFrameSizeMax];

// Half of the room that the longest report leaves for its two texts.
std::string_view Bounded(std::string_view text) {
  return text.substr(0, kWireReportTextMax / 2);
}

void Send(FrameWriter& frame, FrameType type, uint64_t session_id) {
  const std::span<const uint8_t> bytes = frame.Finish(type, session_id);
  if (!g_gathered.gathers) {
    // An owner that is gone needs no answer; the kernel ends this process with it.
    (void)WriteFrame(kControlDescriptor, bytes);
    return;
  }
  if (bytes.size() > sizeof g_answers - g_gathered.size) {
    FlushAnswers();
  }
  if (g_gathered.size == sizeof(WireHeader)) {
    g_gathered.oldest_us = MonotonicUs();
  }
  std::memcpy(g_answers + g_gathered.size, bytes.data(), bytes.size());
  g_gathered.size += bytes.size();
}

WireReportChannel Describe(const ChannelView& view, uint16_t start_index) {
  WireReportChannel channel;
  channel.start_index = start_index;
  channel.type = static_cast<uint8_t>(view.type);
  channel.flags = view.etag ? kChannelEtag : 0;
  channel.reads = view.used.reads;
  channel.read_bytes = view.used.read_bytes;
  channel.writes = view.used.writes;
  channel.write_bytes = view.used.write_bytes;
  channel.digest_size = static_cast<uint8_t>(SetText(channel.digest, view.digest.view()));
  return channel;
}

void CopyAccounting(const ChannelAccounting& from, uint64_t (&to)[8]) {
  const uint64_t values[8] = {from.local_reads,    from.local_read_bytes,   from.local_writes,
                              from.local_write_bytes, from.network_reads,   from.network_read_bytes,
                              from.network_writes, from.network_write_bytes};
  std::copy(std::begin(values), std::end(values), to);
}

}  // namespace

void GatherAnswers(bool gathers) {
  FlushAnswers();
  g_gathered.gathers = gathers;
}

void FlushAnswers() {
  if (g_gathered.size == sizeof(WireHeader)) {
    return;
  }
  WireHeader header;
  header.type = static_cast<uint16_t>(FrameType::kReports);
  header.size_bytes = static_cast<uint32_t>(g_gathered.size);
  std::memcpy(g_answers, &header, sizeof header);
  (void)WriteFrame(kControlDescriptor, {g_answers, g_gathered.size});
  g_gathered.size = sizeof header;
}

void FlushLateAnswers() {
  if (g_gathered.size != sizeof(WireHeader) &&
      MonotonicUs() - g_gathered.oldest_us >= kAnswerDelayUs) {
    FlushAnswers();
  }
}

void SendPrepared(uint64_t session_id, const BuildAnswer& answer, const ImageHeader& header,
                  uint64_t program_size_bytes) {
  const PrepareFailure& problem = answer.problem;
  WirePrepared prepared;
  prepared.valid = answer.built;
  prepared.validated = problem.validated;
  prepared.profile_needed = static_cast<uint8_t>(problem.profile_needed);
  prepared.program_size_bytes = program_size_bytes;
  std::string_view code, message;
  if (answer.built) {
    SetText(prepared.sha256_hex, {header.nexe_sha256_hex, sizeof header.nexe_sha256_hex});
  } else {
    code = Bounded(problem.failure.code);
    message = Bounded(problem.failure.message());
    prepared.status = problem.failure.status;
    prepared.violation_count = problem.violation_count;
    prepared.violations_kept = static_cast<uint16_t>(
        std::min<uint64_t>(problem.violation_count, kWireViolationsMax));
  }
  prepared.code_size = static_cast<uint16_t>(code.size());
  prepared.message_size = static_cast<uint16_t>(message.size());
  FrameWriter frame(g_frame);
  frame.Add(prepared);
  for (size_t i = 0; i < prepared.violations_kept; ++i) {
    WireViolation violation;
    violation.offset = problem.violations[i].offset;
    SetText(violation.rule, RuleName(problem.violations[i].rule));
    frame.Add(violation);
  }
  frame.AddText(code);
  frame.AddText(message);
  Send(frame, FrameType::kPrepared, session_id);
}

void SendReport(uint64_t session_id, const Report& report, std::span<const uint16_t> start_indexes,
                std::span<const uint8_t> outputs, uint32_t flags) {
  ZVM_CHECK(start_indexes.size() == report.channels.size());
  const std::string_view reason = Bounded(report.reason_code), state = Bounded(report.state);
  WireReport fields;
  fields.outcome = static_cast<uint8_t>(report.outcome);
  fields.validator = static_cast<uint8_t>(report.validator);
  fields.profile_needed = static_cast<uint8_t>(report.profile);
  fields.etag_algorithm = static_cast<uint8_t>(report.etag_algorithm);
  fields.exit_code = report.exit_code;
  fields.status = report.status;
  fields.fault_signal = report.fault_signal;
  fields.fault_address = report.fault_address;
  fields.flags = flags | (report.any_etag ? kReportAnyEtag : 0);
  fields.wall_us = report.wall_us;
  fields.user_cpu_us = report.user_cpu_us;
  fields.system_cpu_us = report.system_cpu_us;
  fields.memory_bytes = report.memory_bytes;
  fields.peak_memory_bytes = report.peak_memory_bytes;
  CopyAccounting(report.accounting, fields.accounting);
  fields.channel_count = static_cast<uint16_t>(report.channels.size());
  fields.reason_size = static_cast<uint16_t>(reason.size());
  fields.state_size = static_cast<uint16_t>(state.size());
  fields.memory_digest_size =
      static_cast<uint8_t>(SetText(fields.memory_digest, report.memory_digest.view()));
  SetText(fields.program_sha256_hex, report.program_digest);
  fields.output_size = static_cast<uint32_t>(outputs.size());
  FrameWriter frame(g_frame);
  frame.Add(fields);
  for (size_t i = 0; i < report.channels.size(); ++i) {
    frame.Add(Describe(report.channels[i], start_indexes[i]));
  }
  frame.AddText(reason);
  frame.AddText(state);
  frame.AddBytes(outputs.data(), outputs.size());
  Send(frame, FrameType::kReport, session_id);
}

}  // namespace zvm
