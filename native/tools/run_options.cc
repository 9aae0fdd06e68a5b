#include "tools/run_options.h"

#include <cerrno>
#include <charconv>
#include <cstring>

namespace zvm {

const std::string_view kRunUsage =
    R"(usage: zvm-run [options] MANIFEST
Runs one session from a classic manifest and writes its report to standard output.

  -F               stop right before the program is entered (validates, opens the channels)
  -P               do not extend output files to their limit before the start
  -Q               accepted for existing scripts; the processor is always checked
  -T FILE          append a trace (stages and traps, with times) to FILE, an absolute path
  -t N             where the report goes; only 0, standard output
  -v N             1: failures, 2: also traps, to standard error
  --report FORMAT  text (seven classic lines, default) or json
  --compat         read the manifest as leniently as the original did
  --etag NAME      sha1 (default) or sha256
  --profile NAME   zvm (default: both rule sets) or nacl (classic rules only)
  --refuse-cpuid   refuse programs that ask which processor they run on
  --wall-ms N      wall-clock limit in milliseconds instead of the manifest's Timeout
  --cpu-ms N       CPU limit in milliseconds (default: none)
  --image-fd N     run the sealed image on descriptor N instead of the manifest's Program
  --make-snapshot FILE
                   end at the program's checkpoint (trap fork) and leave its state in FILE, a new
                   file (docs/abi.md, section 8)
  --snapshot FILE  start from the state in FILE, made by the same program and manifest
  --name-server N[,PORT]
                   no session: tell N nodes where their peers listen, then end (UDP, port 0 = any)
  --show-lockdown  tell which walls are up; without MANIFEST: only that
  --help           this text
)";

namespace {

// Walks argv; options may stand before and after the manifest.
class Parser {
 public:
  Parser(int argc, char** argv) : argc_(argc), argv_(argv) {}
  Result<RunOptions, Failure> Parse();

 private:
  struct Option {
    std::string_view name;
    bool takes_value;
    void (Parser::*apply)(const char* value);
  };
  static const Option kOptions[];

  void Fail(int status, std::string_view code, std::string_view text, std::string_view detail) {
    if (!failure_.failed()) {
      failure_ = MakeFailure(status, code, text, detail);
    }
  }
  uint64_t Number(const char* value);
  const Option* Find(std::string_view name) const;

  void NoEntry(const char*) { options_.session.stop_before_entry = true; }
  void NoPreallocation(const char*) { options_.session.preallocate = false; }
  void NoProbe(const char*) {}
  void TraceFile(const char* value) { options_.trace_path = value; }
  void ReportTarget(const char* value) {
    if (Number(value) != 0) {
      Fail(EINVAL, "usage", "only report target 0 is supported: -t ", value);
    }
  }
  void Verbosity(const char* value) {
    const bool negative = value[0] == '-';
    options_.session.verbosity = negative ? 0 : static_cast<int>(Number(value) & 0xFF);
  }
  void ReportFormatName(const char* value);
  void Compat(const char*) { options_.mode = ManifestMode::kCompat; }
  void Etag(const char* value);
  void ProfileName(const char* value);
  void RefuseCpuid(const char*) { options_.session.policy.refuse_cpuid = true; }
  void WallLimit(const char* value) { options_.session.limits.wall_ms = Number(value); }
  void CpuLimit(const char* value) { options_.session.limits.cpu_ms = Number(value); }
  void ImageDescriptor(const char* value);
  void MakeSnapshot(const char* value) { options_.session.make_snapshot_path = value; }
  void FromSnapshot(const char* value) { options_.session.snapshot_path = value; }
  void ShowLockdown(const char*) { options_.session.show_lockdown = true; }
  void Help(const char*) { options_.help = true; }

  const int argc_;
  char** const argv_;
  RunOptions options_;
  Failure failure_;
};

const Parser::Option Parser::kOptions[] = {
    {"-F", false, &Parser::NoEntry},
    {"-P", false, &Parser::NoPreallocation},
    {"-Q", false, &Parser::NoProbe},
    {"-T", true, &Parser::TraceFile},
    {"-t", true, &Parser::ReportTarget},
    {"-v", true, &Parser::Verbosity},
    {"--report", true, &Parser::ReportFormatName},
    {"--compat", false, &Parser::Compat},
    {"--etag", true, &Parser::Etag},
    {"--profile", true, &Parser::ProfileName},
    {"--refuse-cpuid", false, &Parser::RefuseCpuid},
    {"--wall-ms", true, &Parser::WallLimit},
    {"--cpu-ms", true, &Parser::CpuLimit},
    {"--image-fd", true, &Parser::ImageDescriptor},
    {"--make-snapshot", true, &Parser::MakeSnapshot},
    {"--snapshot", true, &Parser::FromSnapshot},
    {"--show-lockdown", false, &Parser::ShowLockdown},
    {"--help", false, &Parser::Help},
};

// Non-negative, decimal or 0x hexadecimal, below 2^31.
uint64_t Parser::Number(const char* value) {
  std::string_view text = value;
  const int base = text.starts_with("0x") ? 16 : 10;
  text.remove_prefix(base == 16 ? 2 : 0);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size() || number > INT32_MAX) {
    Fail(EFAULT, "number-invalid", "invalid numeric value ", value);
    return 0;
  }
  return number;
}

void Parser::ReportFormatName(const char* value) {
  const bool json = std::strcmp(value, "json") == 0;
  if (!json && std::strcmp(value, "text") != 0) {
    Fail(EINVAL, "usage", "unknown report format ", value);
  }
  options_.session.report_format = json ? ReportFormat::kJson : ReportFormat::kText;
}

void Parser::Etag(const char* value) {
  for (const auto algorithm : {DigestAlgorithm::kSha1, DigestAlgorithm::kSha256}) {
    if (DigestName(algorithm) == value) {
      options_.session.etag_algorithm = algorithm;
      return;
    }
  }
  Fail(EINVAL, "usage", "unknown etag algorithm ", value);
}

void Parser::ProfileName(const char* value) {
  const bool nacl = std::strcmp(value, "nacl") == 0;
  if (!nacl && std::strcmp(value, "zvm") != 0) {
    Fail(EINVAL, "usage", "unknown profile ", value);
  }
  options_.session.policy.profile = nacl ? Profile::kNacl : Profile::kZvm;
}

void Parser::ImageDescriptor(const char* value) {
  options_.session.image_fd = static_cast<int>(Number(value));
}

const Parser::Option* Parser::Find(std::string_view name) const {
  for (const Option& option : kOptions) {
    if (option.name == name) {
      return &option;
    }
  }
  return nullptr;
}

Result<RunOptions, Failure> Parser::Parse() {
  for (int i = 1; i < argc_ && !failure_.failed(); ++i) {
    const char* const word = argv_[i];
    if (word[0] != '-') {
      if (options_.manifest_path != nullptr) {
        Fail(EINVAL, "usage", "more than one manifest: ", word);
      }
      options_.manifest_path = word;
      continue;
    }
    const Option* const option = Find(word);
    if (option == nullptr) {
      Fail(EINVAL, "usage", "unknown option ", word);
    } else if (option->takes_value && i + 1 == argc_) {
      Fail(EINVAL, "usage", "missing value of option ", word);
    } else {
      (this->*option->apply)(option->takes_value ? argv_[++i] : nullptr);
    }
  }
  options_.show_lockdown_only =
      options_.session.show_lockdown && options_.manifest_path == nullptr;
  if (options_.manifest_path == nullptr && !options_.show_lockdown_only && !options_.help) {
    Fail(EINVAL, "usage", "no manifest", "");
  }
  if (options_.session.make_snapshot_path != nullptr &&
      options_.session.snapshot_path != nullptr) {
    Fail(EINVAL, "usage", "a session that starts from a snapshot makes none", "");
  }
  if (failure_.failed()) {
    return Err{failure_};
  }
  return options_;
}

}  // namespace

Result<RunOptions, Failure> ParseRunOptions(int argc, char** argv) {
  return Parser(argc, argv).Parse();
}

}  // namespace zvm
