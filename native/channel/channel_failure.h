// How every failure that belongs to one channel is told: by its alias, never by path or address.
#pragma once

#include <string_view>

#include "base/failure.h"
#include "channel/spec.h"

namespace zvm {

// "channel ALIAS: TEXT", and the words for the errno `error` unless it is 0. Carries the place in
// the manifest. Does not allocate. `code` is a literal.
[[nodiscard]] Failure RefuseChannel(const ChannelSpec& spec, int status, std::string_view code,
                                    std::string_view text, int error = 0);

}  // namespace zvm
