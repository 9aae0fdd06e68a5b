// The report as one JSON object on one line (docs/abi.md §6.2), the words of the HTTP report.
// Every key is always there; what does not apply is null or an empty list.
#include <algorithm>

#include "base/check.h"
#include "report/render.h"

namespace zvm {
namespace {

// A byte of a JSON string takes at most the six of \u00XX.
constexpr size_t kEscapedByteSize = 6;
constexpr size_t kFixedJsonSizeMax = 2048;
constexpr size_t kChannelJsonSizeMax = 256;    // without the alias
constexpr size_t kViolationJsonSizeMax = 192;  // rule name and reason included

constexpr bool RuleTextsFit() {
  return std::all_of(std::begin(kRules), std::end(kRules), [](const RuleText& text) {
    return text.name.size() + text.reason.size() <= kViolationJsonSizeMax - 64;
  });
}
static_assert(RuleTextsFit());

std::string_view ValidatorWord(ValidatorState state) {
  switch (state) {
    case ValidatorState::kPassed: return "ok";
    case ValidatorState::kFailed: return "failed";
    case ValidatorState::kNotRun: return "not-run";
  }
  ZVM_CHECK(false);
}

std::string_view ProfileWord(Profile profile) { return profile == Profile::kNacl ? "nacl" : "zvm"; }

std::string_view EtagPrefix(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::kSha1 ? "sha1:" : "sha256:";
}

// The members of one object, in the order in which they are added. Closes the object at its end.
class JsonObject {
 public:
  explicit JsonObject(TextBuffer& out) : out_(out) { out_.AddChar('{'); }
  ~JsonObject() { out_.AddChar('}'); }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  // Writes the key; the caller writes the value.
  TextBuffer& Key(std::string_view key) {
    out_.Add(first_ ? "\"" : ",\"").Add(key).Add("\":");
    first_ = false;
    return out_;
  }
  void String(std::string_view key, std::string_view text) { Key(key).AddJsonString(text); }
  void StringOrNull(std::string_view key, std::string_view text) {
    text.empty() ? Null(key) : String(key, text);
  }
  void Signed(std::string_view key, int64_t value) { Key(key).AddSigned(value); }
  void Unsigned(std::string_view key, uint64_t value) { Key(key).AddUnsigned(value); }
  void PositiveOrNull(std::string_view key, uint64_t value) {
    value == 0 ? Null(key) : Unsigned(key, value);
  }
  void Milliseconds(std::string_view key, uint64_t value_us) { Key(key).AddFixed(value_us, 3); }
  void Null(std::string_view key) { Key(key).Add("null"); }
  // "prefix" + hexadecimal digits, which need no escapes.
  void Digest(std::string_view key, std::string_view prefix, std::string_view hex) {
    if (hex.empty()) {
      return Null(key);
    }
    Key(key).AddChar('"').Add(prefix).Add(hex).AddChar('"');
  }

 private:
  TextBuffer& out_;
  bool first_ = true;
};

void AddChannel(const ChannelView& channel, DigestAlgorithm algorithm, TextBuffer& out) {
  JsonObject object(out);
  object.String("alias", channel.alias);
  object.Unsigned("type", channel.type);
  object.Signed("reads", channel.used.reads);
  object.Signed("readBytes", channel.used.read_bytes);
  object.Signed("writes", channel.used.writes);
  object.Signed("writeBytes", channel.used.write_bytes);
  object.Digest("etag", EtagPrefix(algorithm), channel.digest.view());
}

void AddChannels(const Report& report, TextBuffer& out) {
  bool first = true;
  for (const ChannelView& channel : report.channels) {
    if (!first) {
      out.AddChar(',');
    }
    first = false;
    AddChannel(channel, report.etag_algorithm, out);
  }
}

void AddViolations(const Report& report, TextBuffer& out) {
  bool first = true;
  for (const Violation& violation : report.violations) {
    if (!first) {
      out.AddChar(',');
    }
    first = false;
    JsonObject object(out);
    object.Unsigned("offset", violation.offset);
    object.String("rule", RuleName(violation.rule));
    object.String("reason", RuleReason(violation.rule));
  }
}

void AddEnding(const Report& report, JsonObject& object) {
  object.String("outcome", OutcomeName(report.outcome));
  if (report.outcome == Outcome::kExited) {
    object.Signed("exitCode", report.exit_code);
  } else {
    object.Null("exitCode");
  }
  object.StringOrNull("reason", report.reason_code);
  object.Signed("status", report.status);
  object.String("validator", ValidatorWord(report.validator));
  if (report.validator == ValidatorState::kPassed) {
    object.String("profile", ProfileWord(report.profile));
  } else {
    object.Null("profile");
  }
}

void AddUsage(const Report& report, JsonObject& object) {
  object.Milliseconds("wallMs", report.wall_us);
  object.Milliseconds("cpuMs", report.user_cpu_us + report.system_cpu_us);
  object.Milliseconds("userMs", report.user_cpu_us);
  object.Milliseconds("systemMs", report.system_cpu_us);
  object.Unsigned("memoryBytes", report.memory_bytes);
  object.Unsigned("peakMemoryBytes", report.peak_memory_bytes);
}

constexpr std::string_view kRegisterNames[kFaultRegisterCount] = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

void AddFault(const Report& report, JsonObject& object) {
  if (report.outcome != Outcome::kTrapped) {
    return object.Null("fault");
  }
  JsonObject fault(object.Key("fault"));
  fault.Unsigned("signal", report.fault_signal);
  // SAFETY: a guest address, 32 bits by type: a host address cannot leak through here.
  fault.Key("address").Add("\"0x").AddHex(report.fault_address, 8).AddChar('"');
  JsonObject registers(fault.Key("registers"));
  for (size_t i = 0; i < kFaultRegisterCount; ++i) {
    registers.Key(kRegisterNames[i]).Add("\"0x").AddHex(report.fault_registers[i]).AddChar('"');
  }
}

void AddError(const Report& report, JsonObject& object) {
  if (report.outcome != Outcome::kFailed) {
    return object.Null("error");
  }
  JsonObject error(object.Key("error"));
  error.StringOrNull("code", report.reason_code);
  error.String("message", report.state);
  error.PositiveOrNull("line", report.line);
  error.PositiveOrNull("column", report.column);
}

}  // namespace

void RenderReportJson(const Report& report, ReportDetail detail, TextBuffer& out) {
  const bool full = detail == ReportDetail::kFull;
  {
    JsonObject object(out);
    AddEnding(report, object);
    AddUsage(report, object);
    if (report.snapshot != SnapshotUse::kNone) {
      object.String("snapshot", report.snapshot == SnapshotUse::kMade ? "made" : "used");
    }
    object.Key("channels").AddChar('[');
    if (full) {
      AddChannels(report, out);
    }
    out.AddChar(']');
    object.Digest("memoryEtag", EtagPrefix(report.etag_algorithm), report.memory_digest.view());
    object.Digest("program", "sha256:", report.program_digest);
    AddFault(report, object);
    AddError(report, object);
    object.Unsigned("violationCount", report.violation_count);
    object.Key("violations").AddChar('[');
    if (full) {
      AddViolations(report, out);
    }
    out.AddChar(']');
    object.Key("truncated").Add(full ? "false" : "true");
  }
  out.AddChar('\n');
}

size_t ReportJsonSizeMax(const Report& report) {
  size_t size = kFixedJsonSizeMax + report.program_digest.size();
  size += kEscapedByteSize * (report.state.size() + 2 * report.reason_code.size());
  for (const ChannelView& channel : report.channels) {
    size += kChannelJsonSizeMax + kEscapedByteSize * channel.alias.size();
  }
  return size + kViolationJsonSizeMax * report.violations.size();
}

}  // namespace zvm
