// How large a report can be, and what is left of it in a buffer that is too small.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "json_checker.h"
#include "report/report.h"

namespace zvm {
namespace {

// Every number as long as it can be, every text byte one that must be escaped.
struct LargestReport {
  LargestReport(size_t channel_count, Outcome outcome) {
    DigestText digest;
    digest.size = sizeof digest.text;
    std::memset(digest.text, 'f', sizeof digest.text);
    const ChannelLimits used = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
    channels.assign(channel_count, ChannelView{alias, ZVM_CHANNEL_RANDOM, true, used, used, 0,
                                               digest});
    for (const RuleText& rule : kRules) {
      violations.push_back({UINT32_MAX, rule.rule});
    }
    report.outcome = outcome;
    report.validator = ValidatorState::kNotRun;
    report.daemon = true;
    report.exit_code = INT32_MIN;
    report.status = INT32_MIN;
    report.state = state;
    report.reason_code = "a-long-reason-code-that-no-layer-has-so-far-but-may-have-some-day";
    report.fault_signal = report.fault_address = report.line = report.column = UINT32_MAX;
    report.fault_registers.fill(UINT64_MAX);
    report.wall_us = report.user_cpu_us = UINT64_MAX;
    report.memory_bytes = report.peak_memory_bytes = report.violation_count = UINT64_MAX;
    report.program_digest = program;
    report.any_etag = true;
    report.etag_algorithm = DigestAlgorithm::kSha256;
    report.memory_digest = digest;
    report.channels = channels;
    report.accounting = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                         UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    report.violations = violations;
  }

  std::string alias = std::string(40, '\x01');
  std::string state = std::string(sizeof Failure::text, '\x01');
  std::string program = std::string(64, 'f');
  std::vector<ChannelView> channels;
  std::vector<Violation> violations;
  Report report;
};

constexpr ReportFormat kFormats[] = {ReportFormat::kText, ReportFormat::kJson};
constexpr Outcome kOutcomes[] = {Outcome::kExited, Outcome::kTrapped, Outcome::kLimited,
                                 Outcome::kCancelled, Outcome::kFailed};

TEST_CASE("the largest reports fit ReportSizeMax") {
  for (const size_t count : {size_t{0}, size_t{3}, size_t{ZVM_CHANNELS_MAX}}) {
    for (const Outcome outcome : kOutcomes) {
      const LargestReport largest(count, outcome);
      std::string storage(ReportSizeMax(largest.report), '\0');
      for (const ReportFormat format : kFormats) {
        TextBuffer out(storage.data(), storage.size());
        RenderReport(largest.report, format, out);
        REQUIRE_FALSE(out.truncated());
        if (format == ReportFormat::kJson) {
          CHECK(IsWellFormedJson(out.view()));
          CHECK(out.view().ends_with("\"truncated\":false}\n"));
        } else {
          CHECK(std::count(out.view().begin(), out.view().end(), '\n') == 7);
          CHECK(out.view().find("/dev/memory") != std::string_view::npos);
        }
      }
    }
  }
}

TEST_CASE("a buffer that is too small gets the short form, whole") {
  for (const Outcome outcome : kOutcomes) {
    const LargestReport largest(ZVM_CHANNELS_MAX, outcome);
    std::string storage(kReportSizeMin, '\0');
    for (const ReportFormat format : kFormats) {
      TextBuffer out(storage.data(), storage.size());
      RenderReport(largest.report, format, out);
      CHECK_FALSE(out.truncated());
      if (format == ReportFormat::kJson) {
        CHECK(IsWellFormedJson(out.view()));
        CHECK(out.view().find("\"channels\":[],") != std::string_view::npos);
        CHECK(out.view().ends_with("\"truncated\":true}\n"));
      } else {
        CHECK(std::count(out.view().begin(), out.view().end(), '\n') == 7);
        CHECK(out.view().find("/dev/memory ffff") != std::string_view::npos);
      }
    }
  }
}

}  // namespace
}  // namespace zvm
