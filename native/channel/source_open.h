// From a ChannelSource to an opened Source: what kinds of host files a channel may use and how they
// are opened; paths through path_file. Exit statuses: docs/abi.md §7.1, §7.2, §9.
//
// The paths /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N mean the descriptor
// itself: it is duplicated, not reopened, so it is never truncated or reserved and goes on at its
// current offset. A report that follows on the same descriptor comes behind the guest's output.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/failure.h"
#include "base/stop_request.h"
#include "base/unique_fd.h"
#include "channel/source.h"
#include "channel/spec.h"

namespace zvm {

// One source of one channel, as the two functions below need it.
struct SourceRequest {
  const ChannelSpec& channel;
  const ChannelSource& source;
};

// The descriptor that a path stands for, if it is one of those above.
[[nodiscard]] std::optional<int> DescriptorOfPath(std::string_view path);

// Refuses what can be refused without touching the host.
[[nodiscard]] Failure CheckSource(const SourceRequest& request);

// Opens; may create an empty file (mode 0600) but changes no existing one. Blocks on a FIFO without
// a writer until `stop`: then status EINTR, code "stopped". `passed` is the descriptor of a
// kDescriptor. `stop` must outlive the source; `will_reserve`: the classic status 9 for files that
// cannot be opened.
[[nodiscard]] Failure OpenSource(const SourceRequest& request, UniqueFd passed, bool will_reserve,
                                 const StopRequest& stop, std::unique_ptr<Source>* opened);

}  // namespace zvm
