// Decides which printf a program gets. The small one knows neither floating-point arguments nor
// positions (%2$d). Code that passes a floating-point argument to a variadic function puts the
// first into xmm0 and the number of such registers into al. An object that names no xmm register
// and loads no 1 before a call cannot do so (one argument may stand in xmm0 already: a result that
// is passed on). Others, those with a literal that has a position, and those that print wide
// characters (whose literals are not searched) ask for the symbol kFloatMark, whose archive member
// is the full printf.
#pragma once

#include <string>
#include <string_view>

namespace zvm::guest {

// Defined by the guest's libc, whose own archives have the requests removed (sysroot/*.sh).
inline constexpr std::string_view kFloatMark = "__zvm_float_printf";

// Appends the request to sandboxed assembly that needs it.
void MarkFloats(std::string* assembly);

}  // namespace zvm::guest
