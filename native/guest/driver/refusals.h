// The command line flags that zvm-cc refuses or ignores, and why. Data, read by options.cc.
#pragma once

#include <string_view>

namespace zvm::guest {

// A reason when `flag` asks for something that does not exist in the sandbox, else empty.
std::string_view RefusalOf(std::string_view flag);

// True for flags that mean nothing here and are dropped: position independence, stack protection
// and the like, which build systems add without being asked.
bool IsIgnored(std::string_view flag);

}  // namespace zvm::guest
