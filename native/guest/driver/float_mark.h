// Decides which printf a program gets. Code that passes a floating-point argument to a variadic
// function puts the first one into xmm0; an object that never names xmm0 cannot do so. Every other
// object asks for the symbol kFloatMark, whose archive member holds the full printf.
#pragma once

#include <string>
#include <string_view>

namespace zvm::guest {

// Defined by the guest's libc, whose own archives have the requests removed (sysroot/*.sh).
inline constexpr std::string_view kFloatMark = "__zvm_float_printf";

// Appends the request to sandboxed assembly that needs it.
void MarkFloats(std::string* assembly);

}  // namespace zvm::guest
