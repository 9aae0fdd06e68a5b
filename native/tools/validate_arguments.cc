// Parses the command line of zvm-validate; strict, every mistake is named.
#include "tools/validate_arguments.h"

#include <charconv>

namespace zvm {
namespace {

constexpr unsigned kRunsMax = 1000000;

class Parser {
 public:
  Parser(ValidateArguments& arguments, std::string_view& error)
      : arguments_(arguments), error_(error) {}

  // Consumes one argument; `next` is the one after it or nullptr. Returns how many were used, 0 on
  // an error.
  int Take(const char* argument, const char* next);
  bool Finish();

 private:
  int Fail(std::string_view error) {
    error_ = error;
    return 0;
  }
  int TakeOption(std::string_view option, const char* next);
  int TakeFlag(std::string_view option);
  int TakePlain(const char* argument);
  bool SetValue(std::string_view name, std::string_view value);

  ValidateArguments& arguments_;
  std::string_view& error_;
  bool runs_given_ = false;
};

bool Parser::SetValue(std::string_view name, std::string_view value) {
  if (name == "--features") {
    const std::optional<CpuFeatures> features = CpuFeatures::Parse(value);
    arguments_.policy.features = features.value_or(CpuFeatures::None());
    return features.has_value();
  }
  if (name == "--profile") {
    arguments_.policy.profile = value == "zvm" ? Profile::kZvm : Profile::kNacl;
    return value == "zvm" || value == "nacl";
  }
  arguments_.path = value == "both"    ? ValidatePath::kBoth
                    : value == "exact" ? ValidatePath::kExact
                                       : ValidatePath::kFast;
  return value == "both" || value == "exact" || value == "fast";
}

int Parser::TakeFlag(std::string_view option) {
  if (option == "--hex") {
    arguments_.mode = ValidateMode::kHex;
  } else if (option == "--bench") {
    arguments_.mode = ValidateMode::kBench;
  } else if (option == "--help") {
    arguments_.mode = ValidateMode::kHelp;
  } else if (option == "--load") {
    arguments_.load = true;
  } else if (option == "--json") {
    arguments_.json = true;
  } else if (option == "--refuse-rdtsc") {
    arguments_.policy.refuse_rdtsc = true;
  } else if (option == "--refuse-cpuid") {
    arguments_.policy.refuse_cpuid = true;
  } else if (option == "--refuse-non-temporal") {
    arguments_.policy.refuse_non_temporal = true;
  } else {
    return Fail("unknown option");
  }
  return 1;
}

// --name=value, --name value, or a flag.
int Parser::TakeOption(std::string_view option, const char* next) {
  const size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  if (name != "--features" && name != "--profile" && name != "--path") {
    return TakeFlag(option);
  }
  if (equals != std::string_view::npos) {
    return SetValue(name, option.substr(equals + 1)) ? 1 : Fail("bad value");
  }
  if (next == nullptr) {
    return Fail("a value is missing");
  }
  return SetValue(name, next) ? 2 : Fail("bad value");
}

int Parser::TakePlain(const char* argument) {
  if (arguments_.file == nullptr) {
    arguments_.file = argument;
    return 1;
  }
  const std::string_view text = argument;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), arguments_.runs);
  if (runs_given_ || code != std::errc() || end != text.data() + text.size() ||
      arguments_.runs == 0 || arguments_.runs > kRunsMax) {
    return Fail("not a number of runs");
  }
  runs_given_ = true;
  return 1;
}

int Parser::Take(const char* argument, const char* next) {
  const std::string_view text = argument;
  return text.starts_with("--") ? TakeOption(text, next)
         : text.starts_with("-") ? Fail("unknown option")
                                 : TakePlain(argument);
}

bool Parser::Finish() {
  const bool wants_file =
      arguments_.mode == ValidateMode::kFile || arguments_.mode == ValidateMode::kBench;
  if (wants_file && arguments_.file == nullptr) {
    error_ = "no file given";
  } else if (!wants_file && arguments_.file != nullptr && arguments_.mode != ValidateMode::kHelp) {
    error_ = "--hex reads standard input, not a file";
  } else if (runs_given_ && arguments_.mode != ValidateMode::kBench) {
    error_ = "too many arguments";
  } else if (arguments_.load && arguments_.path == ValidatePath::kBoth) {
    error_ = "--path both cannot be combined with --load";
  }
  return error_.empty();
}

}  // namespace

const char kValidateUsage[] =
    "usage: zvm-validate [OPTION...] FILE.nexe       judge a program\n"
    "       zvm-validate [OPTION...] --hex           judge hexadecimal chunks, one a line\n"
    "       zvm-validate [OPTION...] --bench FILE [RUNS]\n"
    "options: --json  --load  --features=full|none|cpu|-A,B  --profile=nacl|zvm\n"
    "         --path=fast|exact|both  --refuse-rdtsc  --refuse-cpuid  --refuse-non-temporal\n"
    "exit status: 0 valid (--hex: all lines read), 1 refused or paths disagree, 2 unusable input\n";

bool ParseValidateArguments(int argc, char** argv, ValidateArguments& arguments,
                            std::string_view& error, std::string_view& culprit) {
  Parser parser(arguments, error);
  for (int i = 1; i < argc;) {
    const int used = parser.Take(argv[i], i + 1 < argc ? argv[i + 1] : nullptr);
    if (used == 0) {
      culprit = argv[i];
      return false;
    }
    i += used;
  }
  arguments.policy.path = arguments.path == ValidatePath::kExact ? ValidatorPath::kExact
                                                                 : ValidatorPath::kFast;
  return parser.Finish();
}

}  // namespace zvm
