// See compile.h.
#include "guest/driver/compile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "guest/driver/float_mark.h"

namespace zvm::guest {
namespace {

// Text that has been through the rewriter says so, so that -S output can be assembled again.
constexpr std::string_view kSandboxedMark = "# zvm: sandboxed assembly\n";

// Code generation that the sandbox rules ask for; why each is needed: docs/toolchain.md §2.
constexpr const char* kCodeFlags[] = {
    "-mx32", "-maddress-mode=short", "-ffixed-r15", "-ffixed-r11", "-ffixed-rbp",
    "-fomit-frame-pointer", "-fno-pic", "-fno-pie", "-fcf-protection=none",
    "-fno-stack-protector", "-fno-stack-clash-protection", "-mno-red-zone", "-mlong-double-64",
    "-mtune-ctrl=^use_bt,^use_gather_2parts,^use_gather_4parts,^use_gather",
    "-ftls-model=local-exec", "-fno-lto", "-gno-variable-location-views"};

// After the user's flags: instructions that a -march= may have switched on, and an optimisation
// that moves comparisons from all targets of a jump table to before the jump, whose mask changes
// the flags.
constexpr const char* kRefusedExtensions[] = {
    "-fno-crossjumping",
    "-mno-bmi", "-mno-bmi2", "-mno-f16c", "-mno-aes", "-mno-pclmul", "-mno-rdrnd", "-mno-rdseed",
    "-mno-adx", "-mno-sha", "-mno-avx512f", "-mno-fsgsbase", "-mno-rtm", "-mno-tbm",
    "-mno-lwp", "-mno-fma4", "-mno-xop"};

// The guest is no Linux, though its compiler was made for one.
constexpr const char* kIdentity[] = {
    "-U__linux__", "-U__linux", "-Ulinux", "-U__gnu_linux__", "-U__unix__", "-U__unix", "-Uunix",
    "-U__ELF_LINUX__", "-D__native_client__=1", "-D__zvm__=1"};

bool IsCxx(Language language) {
  return language == Language::kCxx || language == Language::kPreprocessedCxx;
}

const char* LanguageName(Language language) {
  switch (language) {
    case Language::kC: return "c";
    case Language::kCxx: return "c++";
    case Language::kPreprocessedC: return "cpp-output";
    case Language::kPreprocessedCxx: return "c++-cpp-output";
    case Language::kAssembly: return "assembler";
    case Language::kAssemblyWithCpp: return "assembler-with-cpp";
  }
  return "c";
}

std::string DefaultDependencyFile(const std::string& output, const std::string& source) {
  std::string base = output;
  if (base.empty()) {
    const size_t slash = source.rfind('/');
    base = slash == std::string::npos ? source : source.substr(slash + 1);
  }
  const size_t dot = base.rfind('.');
  const size_t slash = base.rfind('/');
  if (dot != std::string::npos && (slash == std::string::npos || dot > slash)) base.resize(dot);
  return base + ".d";
}

// True when debug information was asked for (-g, -g1, -ggdb, -gdwarf-5 ...).
bool WantsDebug(const Arguments& front_end) {
  bool wanted = false;
  for (const std::string& flag : front_end) {
    if (flag.compare(0, 2, "-g") == 0 && flag.compare(0, 4, "-gno") != 0) wanted = flag != "-g0";
  }
  return wanted;
}

// GCC with everything but its -E, -S and -o.
Arguments FrontEnd(const Toolchain& toolchain, const Options& options, const Input& input,
                   const std::string& object) {
  const bool cxx = IsCxx(input.language);
  Arguments command = {cxx ? kCxxFrontEnd : kCFrontEnd};
  command.insert(command.end(), std::begin(kCodeFlags), std::end(kCodeFlags));
  command.insert(command.end(), std::begin(kIdentity), std::end(kIdentity));
  if (!cxx) command.push_back("-fno-asynchronous-unwind-tables");
  // A nested function whose address is taken needs code on the stack: an error, not a later fault.
  if (!cxx) command.push_back("-Werror=trampolines");
  command.insert(command.end(), options.front_end.begin(), options.front_end.end());
  command.insert(command.end(), std::begin(kRefusedExtensions), std::end(kRefusedExtensions));
  // GCC writes the line table itself: the assembler's would have addresses of 8 bytes, where all
  // other debug information has 4.
  if (WantsDebug(options.front_end)) {
    command.insert(command.end(), {"-gdwarf-4", "-gno-as-loc-support"});
  }
  command.push_back("-nostdinc");
  if (options.standard_headers) {
    if (cxx && options.cxx_headers) {
      command.insert(command.end(), {"-isystem", toolchain.sysroot + "/include/c++/12"});
      command.insert(command.end(), {"-isystem", toolchain.sysroot + "/include/c++/12/x86_64-zvm"});
      command.insert(command.end(), {"-isystem", toolchain.sysroot + "/include/c++/12/backward"});
    }
    command.insert(command.end(), {"-isystem", toolchain.sysroot + "/include/gcc"});
    command.insert(command.end(), {"-isystem", toolchain.sysroot + "/include"});
  }
  if (options.dependencies_beside) {
    if (!options.dependency_target) command.insert(command.end(), {"-MQ", object});
    const std::string file = options.dependency_file.empty()
                                 ? DefaultDependencyFile(options.output, input.path)
                                 : options.dependency_file;
    command.insert(command.end(), {"-MF", file});
  } else if (!options.dependency_file.empty()) {
    command.insert(command.end(), {"-MF", options.dependency_file});
  }
  command.insert(command.end(), {"-x", LanguageName(input.language), input.path});
  return command;
}

bool ReadSource(const std::string& path, std::string* text) {
  FILE* file = path == "-" ? stdin : fopen(path.c_str(), "re");
  if (file == nullptr) {
    PrintError(path + ": " + strerror(errno));
    return false;
  }
  char buffer[65536];
  size_t got = 0;
  while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) text->append(buffer, got);
  if (file != stdin) fclose(file);
  return true;
}

bool WriteText(const std::string& text, const std::string& path) {
  FILE* file = path.empty() || path == "-" ? stdout : fopen(path.c_str(), "we");
  const bool ok = file != nullptr && fwrite(text.data(), 1, text.size(), file) == text.size() &&
                  fflush(file) == 0;
  if (!ok) PrintError(path + ": " + strerror(errno));
  if (file != nullptr && file != stdout) fclose(file);
  return ok;
}

void PrintDiagnostics(const std::vector<Diagnostic>& diagnostics, const Input& input) {
  for (const Diagnostic& d : diagnostics) {
    const std::string& file = d.source_file.empty() ? input.path : d.source_file;
    const uint32_t line = d.source_line != 0 ? d.source_line : d.asm_line;
    fprintf(stderr, "%s:%u: error: %s\n", file.c_str(), line, d.message.c_str());
  }
}

// Compiles once more without jump tables. GCC may keep a comparison's flags over a table's indirect
// jump, whose mask changes them; such code, which the rewriter refuses, is rare.
bool RewriteWithoutTables(Arguments command, Profile profile, std::string* sandboxed) {
  command.push_back("-fno-jump-tables");
  std::string text;
  std::vector<Diagnostic> ignored;
  return Run({.arguments = command, .output = &text}) == 0 &&
         Rewrite(text, profile, sandboxed, &ignored);
}

// Rewrites once more what the front end writes with .loc directives, which are not there otherwise:
// they give the diagnostics their source lines.
void Locate(Arguments command, Profile profile, std::vector<Diagnostic>* diagnostics) {
  command.push_back("-gas-loc-support");
  std::string text, sandboxed;
  std::vector<Diagnostic> located;
  if (Run({.arguments = command, .output = &text, .quiet = true}) != 0) return;
  if (!Rewrite(text, profile, &sandboxed, &located)) *diagnostics = std::move(located);
}

int Assemble(const std::string& text, const std::string& object) {
  RunRequest request;
  request.arguments = {kAssembler, "-triple=x86_64-linux-gnu", "-dwarf-version=4", "-filetype=obj",
                       "-o", object, "-"};
  request.input = text;
  request.has_input = true;
  return Run(request);
}

}  // namespace

int Compile(const Toolchain& toolchain, const Options& options, const Input& input,
            const std::string& output) {
  Arguments command;
  std::string text;
  if (input.language != Language::kAssembly) {
    command = FrontEnd(toolchain, options, input, output);
  }
  if (options.stage == Stage::kPreprocess || options.stage == Stage::kDependencies) {
    if (command.empty()) return 0;
    if (options.stage == Stage::kPreprocess) command.push_back("-E");
    if (!options.output.empty()) command.insert(command.end(), {"-o", options.output});
    return Run({.arguments = command});
  }
  if (options.syntax_only) return command.empty() ? 0 : Run({.arguments = command});
  if (command.empty()) {
    if (!ReadSource(input.path, &text)) return 1;
  } else {
    command.push_back(input.language == Language::kAssemblyWithCpp ? "-E" : "-S");
    command.insert(command.end(), {"-o", "-"});
    const int status = Run({.arguments = command, .output = &text});
    if (status != 0) return status;
  }

  std::string sandboxed;
  if (text.compare(0, kSandboxedMark.size(), kSandboxedMark) == 0) {
    sandboxed = std::move(text);
  } else {
    const std::string mark(options.stage == Stage::kAssembly ? kSandboxedMark : "");
    sandboxed = mark;
    std::vector<Diagnostic> diagnostics;
    bool ok = Rewrite(text, options.profile, &sandboxed, &diagnostics);
    if (!ok && !command.empty() && input.language != Language::kAssemblyWithCpp) {
      sandboxed = mark;
      ok = RewriteWithoutTables(command, options.profile, &sandboxed);
      if (!ok && WantsDebug(options.front_end)) {
        Locate(std::move(command), options.profile, &diagnostics);
      }
    }
    if (!ok) {
      PrintDiagnostics(diagnostics, input);
      return 1;
    }
    MarkFloats(&sandboxed);
  }
  if (options.stage == Stage::kAssembly) return WriteText(sandboxed, output) ? 0 : 1;
  return Assemble(sandboxed, output);
}

}  // namespace zvm::guest
