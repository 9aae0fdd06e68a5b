#include "channel/channel_failure.h"

#include <cstring>

namespace zvm {

Failure RefuseChannel(const ChannelSpec& spec, int status, std::string_view code,
                      std::string_view text, int error) {
  const char* reason = error != 0 ? strerrordesc_np(error) : nullptr;
  Failure failure =
      MakeFailure(status, code, "channel ", spec.alias, ": ", text,
                  reason != nullptr ? ": " : "", reason != nullptr ? reason : "");
  failure.line = spec.manifest_line;
  failure.column = spec.manifest_column;
  return failure;
}

}  // namespace zvm
