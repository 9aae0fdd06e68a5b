// What can be said about a session's channels before anything is opened: counts, order, names,
// types, limits and the kinds of their sources. Exit statuses: docs/abi.md §5.3, §7.
#pragma once

#include <cstddef>
#include <vector>

#include "base/failure.h"
#include "channel/agreement.h"
#include "channel/spec.h"

namespace zvm {

// The standard three at least; at most what one datagram of the classic name service can describe.
inline constexpr size_t kChannelsMin = 3;
inline constexpr size_t kChannelsMax = 10914;
inline constexpr size_t kChannelAliasSizeMax = 8192;

// Guest order: /dev/stdin, /dev/stdout, /dev/stderr, then bytewise by alias. The place in it is the
// channel's number.
void SortChannels(std::vector<ChannelSpec>& channels);

// `channels` in guest order. The first broken rule, in the order of the list above.
[[nodiscard]] Failure CheckChannels(const std::vector<ChannelSpec>& channels);

}  // namespace zvm
