// Where the parts of the toolchain are: found from the place of this program, nothing configured.
#pragma once

#include <string>

#include "guest/driver/process.h"
#include "guest/rewriter/rewriter.h"

namespace zvm::guest {

struct Toolchain {
  std::string bin;      // folder of zvm-cc and zvm-validate
  std::string sysroot;  // bin/sysroot, or ZVM_SYSROOT

  std::string Library(Profile profile) const {
    return sysroot + "/lib/" + (profile == Profile::kZvm ? "zvm" : "nacl");
  }
};

inline constexpr const char* kCFrontEnd = "gcc-12";
inline constexpr const char* kCxxFrontEnd = "g++-12";
inline constexpr const char* kAssembler = "llvm-mc-16";
inline constexpr const char* kLinker = "x86_64-linux-gnu-ld.bfd";

[[nodiscard]] bool FindToolchain(Toolchain* toolchain);

}  // namespace zvm::guest
