// GCC's command line grammar as far as it matters here; see options.h.
#include "guest/driver/options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "guest/driver/refusals.h"

namespace zvm::guest {
namespace {

constexpr int kResponseDepthMax = 16;
constexpr size_t kResponseSizeMax = size_t{64} << 20;

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool ReadTextFile(const std::string& path, std::string* text) {
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  char buffer[16384];
  size_t got = 0;
  while ((got = fread(buffer, 1, sizeof buffer, file)) > 0 && text->size() < kResponseSizeMax) {
    text->append(buffer, got);
  }
  fclose(file);
  return true;
}

Arguments SplitWords(std::string_view text) {
  Arguments words;
  std::string word;
  bool open = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      word.push_back(text[++i]);
      open = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word.push_back(c);
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (open) words.push_back(word);
      word.clear();
      open = false;
    } else {
      word.push_back(c);
      open = true;
    }
  }
  if (open) words.push_back(word);
  return words;
}

bool Expand(const Arguments& in, int depth, Arguments* out) {
  for (const std::string& argument : in) {
    std::string text;
    if (argument.size() < 2 || argument[0] != '@' || !ReadTextFile(argument.substr(1), &text)) {
      out->push_back(argument);
      continue;
    }
    if (depth == kResponseDepthMax) {
      PrintError("response files nest too deep: " + argument);
      return false;
    }
    if (!Expand(SplitWords(text), depth + 1, out)) return false;
  }
  return true;
}

// Flags whose argument is the next word, passed to the front end.
bool TakesFrontEndArgument(std::string_view flag) {
  static constexpr std::string_view kFlags[] = {
      "-D",      "-U",         "-I",       "-include", "-imacros",  "-isystem", "-idirafter",
      "-iquote", "-iprefix",   "-isysroot", "-MT",     "-MQ",       "-Xpreprocessor",
      "--param", "-iwithprefix", "-iwithprefixbefore", "-aux-info"};
  for (const std::string_view known : kFlags) {
    if (flag == known) return true;
  }
  return false;
}

struct LanguageName {
  std::string_view name;
  Language language;
};
constexpr LanguageName kExtensions[] = {
    {".c", Language::kC},          {".i", Language::kPreprocessedC},
    {".cc", Language::kCxx},       {".cpp", Language::kCxx},
    {".cxx", Language::kCxx},      {".C", Language::kCxx},
    {".c++", Language::kCxx},      {".CPP", Language::kCxx},
    {".cp", Language::kCxx},       {".ii", Language::kPreprocessedCxx},
    {".s", Language::kAssembly},   {".S", Language::kAssemblyWithCpp},
    {".sx", Language::kAssemblyWithCpp}};
constexpr LanguageName kLanguages[] = {{"c", Language::kC},
                                       {"c++", Language::kCxx},
                                       {"cpp-output", Language::kPreprocessedC},
                                       {"c++-cpp-output", Language::kPreprocessedCxx},
                                       {"assembler", Language::kAssembly},
                                       {"assembler-with-cpp", Language::kAssemblyWithCpp}};

const LanguageName* Find(const LanguageName* begin, const LanguageName* end,
                         std::string_view name) {
  for (; begin != end; ++begin) {
    if (begin->name == name) return begin;
  }
  return nullptr;
}

class Parser {
 public:
  Parser(const Arguments& arguments, Options* options) : arguments_(arguments), o_(*options) {}
  bool Run();

 private:
  bool Flag(const std::string& flag);
  bool OwnFlag(const std::string& flag, bool* known);
  bool StageFlag(std::string_view flag);
  bool DependencyFlag(const std::string& flag, bool* known);
  bool LinkFlag(const std::string& flag, bool* known);
  bool Answer(const std::string& flag);
  bool File(const std::string& path);
  bool SetProfile(std::string_view name);
  bool SetLanguage(std::string_view name);
  // The word behind `flag`.
  bool Next(const std::string& flag, std::string* word);
  void SetStage(Stage stage) {
    if (static_cast<int>(stage) < static_cast<int>(o_.stage)) o_.stage = stage;
  }

  const Arguments& arguments_;
  Options& o_;
  size_t at_ = 0;
  const LanguageName* forced_ = nullptr;  // -x
};

bool Parser::Next(const std::string& flag, std::string* word) {
  if (at_ + 1 >= arguments_.size()) {
    PrintError("argument to '" + flag + "' is missing");
    return false;
  }
  *word = arguments_[++at_];
  return true;
}

bool Parser::SetProfile(std::string_view name) {
  if (name != "zvm" && name != "nacl") {
    PrintError("unknown profile '" + std::string(name) + "' (zvm or nacl)");
    return false;
  }
  o_.profile = name == "zvm" ? Profile::kZvm : Profile::kNacl;
  return true;
}

bool Parser::SetLanguage(std::string_view name) {
  forced_ = Find(std::begin(kLanguages), std::end(kLanguages), name);
  if (forced_ != nullptr || name == "none") return true;
  PrintError("language '" + std::string(name) + "' is not supported");
  return false;
}

bool Parser::File(const std::string& path) {
  const size_t dot = path.rfind('.');
  const size_t slash = path.rfind('/');
  const bool has_extension =
      dot != std::string::npos && (slash == std::string::npos || dot > slash);
  const LanguageName* language = forced_;
  if (language == nullptr && has_extension) {
    language = Find(std::begin(kExtensions), std::end(kExtensions), path.substr(dot));
  }
  if (language == nullptr) {
    if (path == "-" && o_.stage != Stage::kPreprocess) {
      PrintError("-E or -x is required when the input is from standard input");
      return false;
    }
    if (path == "-") {
      o_.inputs.push_back({path, o_.cxx ? Language::kCxx : Language::kC});
    } else {
      o_.link.push_back(path);
    }
    return true;
  }
  Input input{path, language->language};
  if (o_.cxx && input.language == Language::kC && forced_ == nullptr)
    input.language = Language::kCxx;
  if (o_.cxx && input.language == Language::kPreprocessedC && forced_ == nullptr) {
    input.language = Language::kPreprocessedCxx;
  }
  o_.link.push_back("\x01" + std::to_string(o_.inputs.size()));
  o_.inputs.push_back(std::move(input));
  return true;
}

bool Parser::StageFlag(std::string_view flag) {
  if (flag == "-E") SetStage(Stage::kPreprocess);
  if (flag == "-M" || flag == "-MM") SetStage(Stage::kDependencies);
  if (flag == "-S") SetStage(Stage::kAssembly);
  if (flag == "-c") SetStage(Stage::kObject);
  return flag == "-E" || flag == "-S" || flag == "-c";
}

bool Parser::OwnFlag(const std::string& flag, bool* known) {
  std::string word;
  *known = true;
  if (flag == "-o") return Next(flag, &o_.output);
  if (flag == "-x") return Next(flag, &word) && SetLanguage(word);
  if (flag == "--profile") return Next(flag, &word) && SetProfile(word);
  if (StartsWith(flag, "--profile=")) return SetProfile(std::string_view(flag).substr(10));
  if (StartsWith(flag, "-o")) {
    o_.output = flag.substr(2);
  } else if (StartsWith(flag, "-x")) {
    return SetLanguage(std::string_view(flag).substr(2));
  } else if (flag == "-v" || flag == "-###") {
    o_.verbose = true;
  } else if (flag == "--version" || flag == "-V" || flag == "-qversion") {
    o_.only_version = true;
  } else {
    *known = Answer(flag) || StageFlag(flag);
  }
  return true;
}

// Questions that configure scripts and libtool ask.
bool Parser::Answer(const std::string& flag) {
  if (flag == "-dumpmachine") {
    o_.answers.push_back("x86_64-zvm-elf");
  } else if (flag == "-dumpversion" || flag == "-dumpfullversion") {
    o_.answers.push_back("12.2.0");
  } else if (flag == "-print-multi-lib" || flag == "-print-multi-directory") {
    o_.answers.push_back(".");
  } else if (flag == "-print-multi-os-directory") {
    o_.answers.push_back("../lib");
  } else if (StartsWith(flag, "-print-prog-name=")) {
    o_.answers.push_back(flag.substr(17));
  } else if (flag == "-print-search-dirs" || flag == "-print-sysroot" ||
             flag == "-print-libgcc-file-name" || StartsWith(flag, "-print-file-name=")) {
    o_.answers.push_back(flag);
  } else {
    return false;
  }
  return true;
}

bool Parser::DependencyFlag(const std::string& flag, bool* known) {
  *known = true;
  if (flag == "-MD" || flag == "-MMD") {
    o_.dependencies_beside = true;
  } else if (flag == "-MF") {
    return Next(flag, &o_.dependency_file);
  } else if (StartsWith(flag, "-MF")) {
    o_.dependency_file = flag.substr(3);
    return true;
  } else if (StartsWith(flag, "-MT") || StartsWith(flag, "-MQ")) {
    o_.dependency_target = true;
    *known = false;
    return true;
  } else if (flag == "-M" || flag == "-MM") {
    StageFlag(flag);
  } else {
    *known = false;
    return true;
  }
  o_.front_end.push_back(flag);
  return true;
}

bool Parser::LinkFlag(const std::string& flag, bool* known) {
  std::string word;
  *known = true;
  if (flag == "-l" || flag == "-L" || flag == "-u" || flag == "-T" || flag == "-z" ||
      flag == "-e") {
    if (!Next(flag, &word)) return false;
    o_.link.push_back(flag + word);
  } else if (flag == "-Xlinker") {
    if (!Next(flag, &word)) return false;
    o_.link.push_back(word);
  } else if (StartsWith(flag, "-Wl,")) {
    for (size_t start = 4, end = 0; end != std::string::npos; start = end + 1) {
      end = flag.find(',', start);
      const size_t length = end == std::string::npos ? std::string::npos : end - start;
      o_.link.push_back(flag.substr(start, length));
    }
  } else if (StartsWith(flag, "-l") || StartsWith(flag, "-L") || StartsWith(flag, "-u")) {
    o_.link.push_back(flag);
  } else if (flag == "-s") {
    o_.strip = true;
  } else if (flag == "-r") {
    o_.link.push_back("-r");
    o_.start_files = o_.default_libraries = false;
  } else if (flag == "-nostdlib") {
    o_.start_files = o_.default_libraries = false;
  } else if (flag == "-nostartfiles") {
    o_.start_files = false;
  } else if (flag == "-nodefaultlibs" || flag == "-nolibc") {
    o_.default_libraries = false;
  } else {
    *known = false;
  }
  return true;
}

bool Parser::Flag(const std::string& flag) {
  const std::string_view refusal = RefusalOf(flag);
  if (!refusal.empty()) {
    PrintError("'" + flag + "' is not possible: " + std::string(refusal));
    return false;
  }
  if (IsIgnored(flag)) return true;
  bool known = false;
  if (!OwnFlag(flag, &known)) return false;
  if (known) return true;
  if (!DependencyFlag(flag, &known)) return false;
  if (known) return true;
  if (!LinkFlag(flag, &known)) return false;
  if (known) return true;
  if (flag == "-nostdinc") o_.standard_headers = false;
  if (flag == "-nostdinc++") o_.cxx_headers = false;
  if (flag == "-nostdinc" || flag == "-nostdinc++") return true;
  o_.front_end.push_back(flag);
  if (TakesFrontEndArgument(flag)) {
    std::string word;
    if (!Next(flag, &word)) return false;
    o_.front_end.push_back(word);
  }
  if (flag == "-fsyntax-only") {
    o_.syntax_only = true;
    SetStage(Stage::kAssembly);
  }
  return true;
}

bool Parser::Run() {
  if (const char* profile = getenv("ZVM_PROFILE"); profile != nullptr && !SetProfile(profile)) {
    return false;
  }
  for (const std::string& argument : arguments_) {  // -E decides what "-" means
    if (argument == "-E") SetStage(Stage::kPreprocess);
  }
  for (at_ = 0; at_ < arguments_.size(); ++at_) {
    const std::string& argument = arguments_[at_];
    const bool is_file = argument.empty() || argument[0] != '-' || argument == "-";
    if (is_file ? !File(argument) : !Flag(argument)) return false;
  }
  if (o_.only_version || !o_.answers.empty()) return true;
  if (o_.inputs.empty() && (o_.link.empty() || o_.stage != Stage::kLink)) {
    if (o_.verbose) {
      o_.only_version = true;
      return true;
    }
    PrintError("no input files");
    return false;
  }
  if (o_.stage != Stage::kLink && !o_.output.empty() && o_.inputs.size() > 1) {
    PrintError("cannot specify '-o' with '-c', '-S' or '-E' with multiple files");
    return false;
  }
  return true;
}

}  // namespace

bool ParseOptions(const Arguments& arguments, Options* options) {
  return Parser(arguments, options).Run();
}

bool ExpandResponseFiles(Arguments* arguments) {
  Arguments expanded;
  if (!Expand(*arguments, 0, &expanded)) return false;
  *arguments = std::move(expanded);
  return true;
}

}  // namespace zvm::guest
