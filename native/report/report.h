// The report of a session and its two renderings. Plain data in, text out; no allocation, safe in a
// signal handler.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/failure.h"
#include "base/text_buffer.h"
#include "channel/channel_table.h"
#include "channel/digest.h"
#include "validator/validator.h"

namespace zvm {

enum class ValidatorState : uint8_t { kPassed = 0, kFailed = 1, kNotRun = 2 };

// The class of an ending, the same words as the HTTP report.
enum class Outcome : uint8_t {
  kExited,     // the guest called exit
  kTrapped,    // the guest faulted or used a trampoline that has no service
  kLimited,    // a time, memory or disk limit ended it
  kCancelled,  // the operator ended it
  kFailed,     // it could not start or go on: `failure` says why
};
std::string_view OutcomeName(Outcome outcome);  // "exited", "trapped", ...

// Whether the session has left a snapshot, or started from one.
enum class SnapshotUse : uint8_t { kNone, kMade, kUsed };

// rax rbx rcx rdx rsi rdi rbp rsp r8..r15 of a guest that faulted. Addresses in the window are
// guest addresses.
inline constexpr size_t kFaultRegisterCount = 16;
using FaultRegisters = std::array<uint64_t, kFaultRegisterCount>;

struct Report {
  Outcome outcome = Outcome::kFailed;
  ValidatorState validator = ValidatorState::kNotRun;
  Profile profile = Profile::kNacl;      // profile the program needs
  bool daemon = false;
  SnapshotUse snapshot = SnapshotUse::kNone;
  int32_t exit_code = 0;                 // 0 if the guest never exited
  int status = 0;                        // process exit status, docs/abi.md §9
  // The classic state line: "ok", "session timeout", "Signal 11 from untrusted code: ...".
  std::string_view state;
  std::string_view reason_code;          // stable code for JSON, empty when exited
  uint32_t fault_signal = 0;             // trapped: signal number and guest address of rip
  uint32_t fault_address = 0;
  FaultRegisters fault_registers = {};   // trapped by a signal
  uint64_t wall_us = 0, user_cpu_us = 0, system_cpu_us = 0;
  uint64_t memory_bytes = 0, peak_memory_bytes = 0;
  uint32_t line = 0, column = 0;         // manifest errors
  std::string_view program_digest;       // sha256 hex of the nexe, may be empty
  bool any_etag = false;                 // some channel or the memory has an etag
  DigestAlgorithm etag_algorithm = DigestAlgorithm::kSha1;
  DigestText memory_digest;              // empty unless asked for
  std::span<const ChannelView> channels; // in closing order
  ChannelAccounting accounting;
  std::span<const Violation> violations; // first ones of a refused program
  uint64_t violation_count = 0;
};

enum class ReportFormat : uint8_t { kText, kJson };

// Bytes that hold either rendering of `report` whole: a constant, plus so much for each channel and
// violation, plus the texts. For 10914 channels with short aliases about 3.5 MB.
size_t ReportSizeMax(const Report& report);

// Bytes that hold the short form of either rendering (see RenderReport) of a report whose `state`
// fits a Failure.
inline constexpr size_t kReportSizeMin = 8 * 1024;

// The classic seven lines (docs/abi.md §6.1), or one JSON object and a line feed (§6.2), into an
// empty `out`. Complete when `out` holds ReportSizeMax(report) bytes. Where it holds less and the
// report does not fit, the short form is written instead: no channels, no violations, for JSON
// marked `"truncated":true`; so what is written is well-formed as long as kReportSizeMin bytes fit.
void RenderReport(const Report& report, ReportFormat format, TextBuffer& out);

}  // namespace zvm
