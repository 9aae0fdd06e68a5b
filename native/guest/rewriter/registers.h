// General registers by number and width, as AT&T assembly names them. Used by every rewriting rule;
// knows nothing of instructions.
#pragma once

#include <cstdint>
#include <string_view>

namespace zvm::guest {

// Hardware numbers of the registers that the sandbox gives a meaning to.
inline constexpr uint8_t kRcx = 1;
inline constexpr uint8_t kRsp = 4;
inline constexpr uint8_t kRbp = 5;
inline constexpr uint8_t kR11 = 11;  // the rewriter's scratch register
inline constexpr uint8_t kR15 = 15;  // the window base; never written
inline constexpr uint8_t kRip = 16;
inline constexpr uint8_t kNoIndex = 17;  // %eiz and %riz: "no index" spelled out

struct Register {
  uint8_t number = 0;
  uint8_t bits = 0;       // 8, 16, 32 or 64; 0: not a general register
  bool high_byte = false;  // %ah %bh %ch %dh; `number` is that of the whole register

  bool ok() const { return bits != 0; }
  bool Is(uint8_t n) const { return bits != 0 && number == n; }
  bool IsStack() const { return Is(kRsp) || Is(kRbp); }
};

// `name` with its '%'. Vector, x87, segment and control registers give a Register that is not ok().
Register ParseRegister(std::string_view name);

// The name with '%' of a general register (or rip) in the given width; never of a high byte.
std::string_view RegisterName(uint8_t number, uint8_t bits);

}  // namespace zvm::guest
