// See refusals.h.
#include "guest/driver/refusals.h"

namespace zvm::guest {
namespace {

struct Refusal {
  std::string_view start;  // a trailing '*' matches any continuation
  std::string_view reason;
};

constexpr std::string_view kCpu = "the validator refuses these instructions";

constexpr Refusal kRefusals[] = {
    {"-shared", "shared libraries do not exist in the sandbox: a nexe is one static program"},
    {"-pthread", "threads do not exist in the sandbox: a session is one thread"},
    {"-fopenmp*", "threads do not exist in the sandbox: a session is one thread"},
    {"-fsanitize*", "sanitizers need a shadow memory that the sandbox does not have"},
    {"-pg", "profiling hooks do not exist in the sandbox"},
    {"--coverage", "profiling hooks do not exist in the sandbox"},
    {"-fprofile-*", "profiling hooks do not exist in the sandbox"},
    {"-m32", "a nexe has 32-bit pointers on 64-bit registers; there is no other mode"},
    {"-m64", "a nexe has 32-bit pointers on 64-bit registers; there is no other mode"},
    {"-m16", "a nexe has 32-bit pointers on 64-bit registers; there is no other mode"},
    {"-mno-sse*", "floating point is passed in SSE registers"},
    {"-mgeneral-regs-only", "floating point is passed in SSE registers"},
    {"-mbmi*", kCpu},
    {"-mavx512*", kCpu},
    {"-maes", kCpu},
    {"-mvaes", kCpu},
    {"-msha", kCpu},
    {"-mpclmul", kCpu},
    {"-mvpclmulqdq", kCpu},
    {"-mrdrnd", kCpu},
    {"-mrdseed", kCpu},
    {"-mf16c", kCpu},
    {"-madx", kCpu},
    {"-mrtm", kCpu},
    {"-mfsgsbase", kCpu},
    {"-mxsave*", kCpu},
    {"-march=native", "a nexe must not depend on the machine that built it: use -march=x86-64-v2"},
    {"-march=x86-64-v4", kCpu},
    {"-march=skylake-avx512", kCpu},
    {"-march=icelake-*", kCpu},
    {"-mred-zone", "traps write below the stack pointer"},
    {"-mlong-double-80", "the C library has 64-bit long double"},
    {"-mlong-double-128", "the C library has 64-bit long double"},
    {"-masm=intel", "inline assembly must be AT&T: the rewriter reads nothing else"},
    {"-fsplit-stack", "the stack is one block of 16 MiB"},
    {"-ffixed-*", "register use is fixed by the sandbox"},
    {"-fcall-used-*", "register use is fixed by the sandbox"},
    {"-fcall-saved-*", "register use is fixed by the sandbox"},
};

constexpr std::string_view kIgnored[] = {
    "-fPIC",     "-fpic",         "-fPIE",      "-fpie",       "-fno-pic",   "-fno-PIC",
    "-fno-pie",  "-fno-PIE",      "-pie",       "-no-pie",     "-static",    "-static-pie",
    "-rdynamic", "-mx32",         "-fno-plt",   "-fplt",       "-pipe",      "-static-libgcc",
    "-static-libstdc++",          "-fstack-protector*",        "-fcf-protection*",
    "-fstack-clash-protection",   "-flto*",     "-fno-lto",    "-ffat-lto-objects",
    "-fuse-linker-plugin",        "-mno-red-zone",             "-fno-omit-frame-pointer",
    "-fomit-frame-pointer",       "-mcmodel=*", "-maddress-mode=*",          "-save-temps*",
    "-Wa,*",     "-ftls-model=*", "-fuse-ld=*", "-mtls-dialect=*",
};

bool Matches(std::string_view flag, std::string_view pattern) {
  if (pattern.back() != '*') return flag == pattern;
  pattern.remove_suffix(1);
  return flag.substr(0, pattern.size()) == pattern;
}

}  // namespace

std::string_view RefusalOf(std::string_view flag) {
  for (const Refusal& refusal : kRefusals) {
    if (Matches(flag, refusal.start)) return refusal.reason;
  }
  return {};
}

bool IsIgnored(std::string_view flag) {
  for (const std::string_view pattern : kIgnored) {
    if (Matches(flag, pattern)) return true;
  }
  return false;
}

}  // namespace zvm::guest
