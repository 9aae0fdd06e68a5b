#include "sample_frames.h"

#include "wire/frame_writer.h"

namespace zvm::test {
namespace {

uint8_t g_buffer[kFrameSizeMax];

Bytes Finish(FrameWriter& frame, FrameType type, uint64_t session_id, size_t fd_count = 0) {
  const auto bytes = frame.Finish(type, session_id, fd_count);
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace

Bytes HelloFrame() {
  WireHello hello;
  hello.pid = 4321;
  hello.role = 1;
  hello.image_version = 7;
  hello.walls = kWallSeccomp | kWallParentDeath;
  hello.cpu_features = 0xABCDEF;
  hello.setup_us = 1500;
  FrameWriter frame(g_buffer);
  frame.Add(hello);
  return Finish(frame, FrameType::kHello, 0);
}

Bytes PrepareFrame() {
  WirePrepare prepare;
  prepare.profile = 1;
  FrameWriter frame(g_buffer);
  frame.Add(prepare);
  return Finish(frame, FrameType::kPrepare, 11, 2);
}

Bytes PreparedFrame() {
  WirePrepared prepared;
  prepared.validated = 1;
  prepared.profile_needed = 1;
  prepared.status = 8;
  prepared.violation_count = 1;
  prepared.program_size_bytes = 4097;
  prepared.violations_kept = 1;
  prepared.code_size = 17;
  prepared.message_size = 17;
  FrameWriter frame(g_buffer);
  frame.Add(prepared);
  WireViolation violation;
  violation.offset = 96;
  SetText(violation.rule, "bad-jump-target");
  frame.Add(violation);
  frame.AddText("validation-failed");
  frame.AddText("validation failed");
  return Finish(frame, FrameType::kPrepared, 11);
}

Bytes StartFrame() {
  WireStart start;
  start.memory_bytes = 33554432;
  start.wall_ms = 5000;
  start.cpu_ms = 1000;
  start.channel_count = 3;
  start.profile = 1;
  start.etag_algorithm = 1;
  start.flags = kStartMemoryEtag;
  FrameWriter frame(g_buffer);
  frame.Add(start);
  const std::string_view aliases[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (size_t i = 0; i < 3; ++i) {
    WireChannel channel;
    channel.alias_size = static_cast<uint16_t>(aliases[i].size());
    channel.source_count = 1;
    channel.flags = i == 1 ? kChannelEtag : 0;
    (i == 0 ? channel.reads : channel.writes) = 100;
    (i == 0 ? channel.read_bytes : channel.write_bytes) = 65536;
    frame.Add(channel);
  }
  for (const std::string_view alias : aliases) {
    frame.AddText(alias);
  }
  return Finish(frame, FrameType::kStart, 12, 4);
}

Bytes InlineStartFrame() {
  WireStart start;
  start.memory_bytes = 33554432;
  start.wall_ms = 5000;
  start.channel_count = 3;
  start.profile = 1;
  start.etag_algorithm = 1;
  start.flags = kStartMappedImage;
  for (uint8_t i = 0; i < sizeof start.program_check; ++i) {
    start.program_check[i] = static_cast<uint8_t>(0xA0 + i);
  }
  FrameWriter frame(g_buffer);
  frame.Add(start);
  const std::string_view aliases[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (size_t i = 0; i < 3; ++i) {
    WireChannel channel;
    channel.alias_size = static_cast<uint16_t>(aliases[i].size());
    channel.flags = i == 2 ? kChannelDiscard : kChannelInline;
    channel.inline_size = i == 0 ? 5 : 0;
    (i == 0 ? channel.reads : channel.writes) = 100;
    (i == 0 ? channel.read_bytes : channel.write_bytes) = 65536;
    frame.Add(channel);
  }
  for (const std::string_view alias : aliases) {
    frame.AddText(alias);
  }
  frame.AddText("hello");
  return Finish(frame, FrameType::kStart, 14);
}

Bytes OutputFrame() {
  FrameWriter frame(g_buffer);
  frame.Add(WireHeader());
  frame.Add(WireOutputRecord{.channel = 1, .size_bytes = 3});
  frame.AddText("one");
  frame.Add(WireOutputRecord{.channel = 2, .size_bytes = 4});
  frame.AddText("two\n");
  return Finish(frame, FrameType::kOutput, 14);
}

Bytes ReportFrame() {
  WireReport report;
  report.outcome = 2;
  report.profile_needed = 1;
  report.etag_algorithm = 1;
  report.exit_code = -3;
  report.status = 4;
  report.fault_signal = 11;
  report.fault_address = 0x20040;
  report.flags = kReportAnyEtag;
  report.wall_us = 5000123;
  report.user_cpu_us = 4000;
  report.system_cpu_us = 300;
  report.memory_bytes = 33554432;
  report.peak_memory_bytes = 1 << 20;
  for (uint64_t i = 0; i < 8; ++i) {
    report.accounting[i] = 100 + i;
  }
  report.channel_count = 1;
  report.reason_size = 15;
  report.state_size = 15;
  report.memory_digest_size =
      static_cast<uint8_t>(SetText(report.memory_digest, std::string(64, 'a')));
  SetText(report.program_sha256_hex, std::string(64, 'b'));
  FrameWriter frame(g_buffer);
  frame.Add(report);
  WireReportChannel channel;
  channel.start_index = 1;
  channel.flags = kChannelEtag;
  channel.writes = 2;
  channel.write_bytes = 12;
  channel.digest_size = static_cast<uint8_t>(SetText(channel.digest, std::string(64, 'c')));
  frame.Add(channel);
  frame.AddText("limit-wall-time");
  frame.AddText("session timeout");
  return Finish(frame, FrameType::kReport, 12);
}

Bytes RefusalFrame() {
  WireRefusal refusal;
  const std::string_view name = FrameErrorName(FrameError::kField);
  refusal.reason = static_cast<uint32_t>(FrameError::kField);
  refusal.name_size = static_cast<uint16_t>(name.size());
  FrameWriter frame(g_buffer);
  frame.Add(refusal);
  frame.AddText(name);
  return Finish(frame, FrameType::kRefusal, 13);
}

}  // namespace zvm::test
