// Turns the assembly that GCC writes into assembly that obeys the sandbox rules
// (docs/validator.md): masked or gs-relative memory operands, bundle-aligned calls and targets,
// checked returns. Trusted by nobody: the validator judges what comes out. Pure: text in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zvm::guest {

// Which rules the output may use. kNacl: the published Native Client rules. kZvm: also gs-relative
// operands and predicted returns; such a nexe is not valid for other Native Client validators.
enum class Profile : uint8_t { kZvm, kNacl };

struct Diagnostic {
  uint32_t asm_line = 0;     // line of the input text, from 1
  std::string source_file;   // from line markers and .loc; may be empty
  uint32_t source_line = 0;  // 0: unknown
  std::string message;
};

inline constexpr size_t kDiagnosticsMax = 20;

// Appends the rewritten `text` to `*out`. False when something was refused: then `*diagnostics` has
// one to kDiagnosticsMax entries and the output must not be used.
//
// Accepts what GCC 12 prints with the driver's flags, and hand-written AT&T assembly without
// macros. Between ".zvm_raw on" and ".zvm_raw off" lines are copied: the author writes sandboxed
// code there.
[[nodiscard]] bool Rewrite(std::string_view text, Profile profile, std::string* out,
                           std::vector<Diagnostic>* diagnostics);

}  // namespace zvm::guest
