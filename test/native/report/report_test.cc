// The exact bytes of both renderings.
#include "report/report.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "json_checker.h"

namespace zvm {
namespace {

DigestText MakeDigest(std::string_view hex) {
  DigestText digest;
  digest.size = static_cast<uint8_t>(hex.size());
  std::memcpy(digest.text, hex.data(), hex.size());
  return digest;
}

constexpr std::string_view kEmptySha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
constexpr std::string_view kOtherSha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";

std::string Render(const Report& report, ReportFormat format) {
  std::string storage(ReportSizeMax(report), '\0');
  TextBuffer out(storage.data(), storage.size());
  RenderReport(report, format, out);
  CHECK_FALSE(out.truncated());
  return std::string(out.view());
}

Report MakeExited() {
  Report report;
  report.outcome = Outcome::kExited;
  report.validator = ValidatorState::kPassed;
  report.exit_code = 1234;
  report.state = "ok";
  report.wall_us = 3100;
  report.user_cpu_us = 29'999;
  report.system_cpu_us = 20'001;
  report.memory_bytes = 33554432;
  report.peak_memory_bytes = 1048576;
  report.accounting.local_writes = 2;
  report.accounting.local_write_bytes = 1050;
  return report;
}

TEST_CASE("text: the seven classic lines of a session without etags") {
  CHECK(Render(MakeExited(), ReportFormat::kText) ==
        "0\n0\n1234\ndisabled\n0.02 0.02 0 0 2 1050 0 0 0 0\nok\n\n");
}

TEST_CASE("text: etags in channel order, memory last, one blank between") {
  Report report = MakeExited();
  const ChannelView channels[] = {
      {"/dev/stdout", ZVM_CHANNEL_SEQUENTIAL, true, {}, {}, 0, MakeDigest(kOtherSha1)},
      {"/dev/quiet", ZVM_CHANNEL_SEQUENTIAL, false, {}, {}, 0, {}},
      {"/dev/stderr", ZVM_CHANNEL_SEQUENTIAL, true, {}, {}, 0, MakeDigest(kEmptySha1)}};
  report.channels = channels;
  report.any_etag = true;
  report.memory_digest = MakeDigest(kEmptySha1);
  report.daemon = true;
  report.exit_code = -1;
  report.accounting = {1, 2, 3, 4, 5, 6, 7, UINT64_MAX};
  CHECK(Render(report, ReportFormat::kText) ==
        "0\n1\n-1\n/dev/stdout a9993e364706816aba3e25717850c26c9cd0d89d "
        "/dev/stderr da39a3ee5e6b4b0d3255bfef95601890afd80709 "
        "/dev/memory da39a3ee5e6b4b0d3255bfef95601890afd80709\n"
        "0.02 0.02 1 2 3 4 5 6 7 18446744073709551615\nok\n\n");
}

TEST_CASE("text: a session that never started, and words that would break lines") {
  Report report;
  report.state = "MANIFEST 3: invalid\r\nnumeric\x7Fvalue";
  report.any_etag = true;
  const std::string text = Render(report, ReportFormat::kText);
  CHECK(text ==
        "2\n0\n0\ndisabled\n0.00 0.00 0 0 0 0 0 0 0 0\nMANIFEST 3: invalid  numeric value\n\n");

  const ChannelView channels[] = {
      {"a\nb \xC3\xA9", ZVM_CHANNEL_RANDOM, true, {}, {}, 0, MakeDigest("00")}};
  report.channels = channels;
  report.validator = ValidatorState::kFailed;
  report.state = "";
  CHECK(Render(report, ReportFormat::kText) ==
        "1\n0\n0\na b \xC3\xA9 00\n0.00 0.00 0 0 0 0 0 0 0 0\n\n\n");
}

TEST_CASE("json: exited") {
  Report report = MakeExited();
  const ChannelView channels[] = {
      {"/dev/stdin", ZVM_CHANNEL_SEQUENTIAL, false, {}, {3, 150000, 0, 0}, 0, {}},
      {"/dev/stdout", ZVM_CHANNEL_RANDOM, true, {}, {0, 0, 2, 32}, 0, MakeDigest(kOtherSha1)}};
  report.channels = channels;
  report.any_etag = true;
  report.memory_digest = MakeDigest(kEmptySha1);
  report.profile = Profile::kZvm;
  report.program_digest = "00ff";
  const std::string json = Render(report, ReportFormat::kJson);
  CHECK(IsWellFormedJson(json));
  CHECK(json ==
        "{\"outcome\":\"exited\",\"exitCode\":1234,\"reason\":null,\"status\":0,"
        "\"validator\":\"ok\",\"profile\":\"zvm\",\"wallMs\":3.100,\"cpuMs\":50.000,"
        "\"userMs\":29.999,\"systemMs\":20.001,\"memoryBytes\":33554432,"
        "\"peakMemoryBytes\":1048576,\"channels\":["
        "{\"alias\":\"/dev/stdin\",\"type\":0,\"reads\":3,\"readBytes\":150000,\"writes\":0,"
        "\"writeBytes\":0,\"etag\":null},"
        "{\"alias\":\"/dev/stdout\",\"type\":3,\"reads\":0,\"readBytes\":0,\"writes\":2,"
        "\"writeBytes\":32,\"etag\":\"sha1:a9993e364706816aba3e25717850c26c9cd0d89d\"}],"
        "\"memoryEtag\":\"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709\","
        "\"program\":\"sha256:00ff\",\"fault\":null,\"error\":null,\"violationCount\":0,"
        "\"violations\":[],\"truncated\":false}\n");
}

TEST_CASE("json: trapped, with a guest address") {
  Report report = MakeExited();
  report.outcome = Outcome::kTrapped;
  report.reason_code = "fault";
  report.status = 4;
  report.state = "Signal 11 from untrusted code: Halting at 0x440A00020000";
  report.fault_signal = 11;
  report.fault_address = 0x20000;
  report.fault_registers[0] = 0x123456789;
  report.fault_registers[15] = 0x10;
  const std::string json = Render(report, ReportFormat::kJson);
  CHECK(IsWellFormedJson(json));
  CHECK(json.starts_with("{\"outcome\":\"trapped\",\"exitCode\":null,\"reason\":\"fault\","
                         "\"status\":4,\"validator\":\"ok\",\"profile\":\"nacl\","));
  CHECK(json.find("\"fault\":{\"signal\":11,\"address\":\"0x00020000\","
                  "\"registers\":{\"rax\":\"0x123456789\",\"rbx\":\"0x0\",") != json.npos);
  CHECK(json.find("\"r15\":\"0x10\"}},\"error\":null") != json.npos);
  CHECK(json.find("440A") == json.npos);
}

TEST_CASE("json: a refused program names its violations") {
  Report report;
  report.validator = ValidatorState::kFailed;
  report.status = 8;
  report.reason_code = "program-refused";
  report.state = "validation failed";
  report.etag_algorithm = DigestAlgorithm::kSha256;
  const Violation violations[] = {{32, Rule::kBadBase}, {UINT32_MAX, Rule::kUnrecognized}};
  report.violations = violations;
  report.violation_count = 7;
  const std::string json = Render(report, ReportFormat::kJson);
  CHECK(IsWellFormedJson(json));
  CHECK(json ==
        "{\"outcome\":\"failed\",\"exitCode\":null,\"reason\":\"program-refused\",\"status\":8,"
        "\"validator\":\"failed\",\"profile\":null,\"wallMs\":0.000,\"cpuMs\":0.000,"
        "\"userMs\":0.000,\"systemMs\":0.000,\"memoryBytes\":0,\"peakMemoryBytes\":0,"
        "\"channels\":[],\"memoryEtag\":null,\"program\":null,\"fault\":null,"
        "\"error\":{\"code\":\"program-refused\",\"message\":\"validation failed\",\"line\":null,"
        "\"column\":null},\"violationCount\":7,\"violations\":[{\"offset\":32,"
        "\"rule\":\"bad-base\",\"reason\":\"" +
            std::string(RuleReason(Rule::kBadBase)) +
            "\"},{\"offset\":4294967295,\"rule\":\"unrecognized\",\"reason\":\"" +
            std::string(RuleReason(Rule::kUnrecognized)) + "\"}],\"truncated\":false}\n");
}

TEST_CASE("json: a manifest error has its place; hostile text stays inside its string") {
  Report report;
  report.status = 14;
  report.reason_code = "unknown-key";
  report.state = "unknown keyword '\"},\\\n\x01\xFF'";
  report.line = 3;
  report.column = 7;
  const std::string json = Render(report, ReportFormat::kJson);
  CHECK(IsWellFormedJson(json));
  CHECK(json.find("\"validator\":\"not-run\",\"profile\":null") != json.npos);
  CHECK(json.find("\"line\":3,\"column\":7}") != json.npos);
  CHECK(json.find('\n') == json.size() - 1);
}

TEST_CASE("the words of the outcomes") {
  CHECK(OutcomeName(Outcome::kExited) == "exited");
  CHECK(OutcomeName(Outcome::kTrapped) == "trapped");
  CHECK(OutcomeName(Outcome::kLimited) == "limited");
  CHECK(OutcomeName(Outcome::kCancelled) == "cancelled");
  CHECK(OutcomeName(Outcome::kFailed) == "failed");
}

TEST_CASE("the checker itself tells JSON from what only looks like it") {
  for (const std::string_view good : {"{}", "[1,-0.50,{\"a\":null}]\n", "\"\\u00e9\\\"\""}) {
    CHECK(IsWellFormedJson(good));
  }
  for (const std::string_view bad : {"", "{", "[1,]", "{\"a\"}", "{\"a\":01}", "\"\n\"", "\"\\x\"",
                                     "{} {}", "[1 2]", "nul", "1.", "\"open"}) {
    CHECK_FALSE(IsWellFormedJson(bad));
  }
}

}  // namespace
}  // namespace zvm
