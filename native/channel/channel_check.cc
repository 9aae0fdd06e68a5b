#include "channel/channel_check.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <unordered_set>

#include "base/text_buffer.h"
#include "channel/channel_failure.h"
#include "channel/ledger.h"
#include "channel/source_open.h"

namespace zvm {
namespace {

constexpr std::string_view kStandard[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};

size_t RankOf(std::string_view alias) {
  return static_cast<size_t>(std::find(std::begin(kStandard), std::end(kStandard), alias) -
                             std::begin(kStandard));
}

Failure CheckCount(size_t count) {
  FixedText<24> number;
  number.AddUnsigned(count);
  if (count < kChannelsMin) {
    return MakeFailure(EFAULT, "channel-count-too-small", "not enough channels: ", number.view());
  }
  if (count > kChannelsMax) {
    return MakeFailure(ENFILE, "channel-count-too-large", "too many channels: ", number.view());
  }
  return {};
}

Failure CheckNames(const std::vector<ChannelSpec>& channels) {
  for (size_t i = 0; i < channels.size(); ++i) {
    const ChannelSpec& channel = channels[i];
    if (channel.alias.size() > kChannelAliasSizeMax ||
        channel.alias.find('\0') != std::string::npos) {
      return RefuseChannel(channel, EFAULT, "channel-alias-invalid",
                           "the alias is too long or has a NUL");
    }
    if (i > 0 && channels[i - 1].alias == channel.alias) {
      return RefuseChannel(channel, EFAULT, "channel-alias-duplicate",
                           "the alias is already allocated");
    }
  }
  for (size_t i = 0; i < std::size(kStandard); ++i) {
    if (channels[i].alias != kStandard[i]) {
      return MakeFailure(EFAULT, "channel-standard-missing", "missing standard channel ",
                         kStandard[i]);
    }
  }
  return {};
}

Failure CheckChannel(const ChannelSpec& channel) {
  if (channel.type < ZVM_CHANNEL_SEQUENTIAL || channel.type > ZVM_CHANNEL_RANDOM) {
    return RefuseChannel(channel, EFAULT, "channel-type-invalid", "the type is not 0, 1, 2 or 3");
  }
  const ChannelLimits& limits = channel.limits;
  if (limits.reads < 0 || limits.read_bytes < 0 || limits.writes < 0 || limits.write_bytes < 0) {
    return RefuseChannel(channel, EFAULT, "channel-limits-negative", "negative limits");
  }
  if (channel.sources.empty() || channel.sources.size() > kSourcesMax) {
    return RefuseChannel(channel, EFAULT, "channel-sources-invalid",
                         "a channel has 1 to 16 sources");
  }
  if (DirectionOf(limits) == Direction::kNone) {
    return RefuseChannel(channel, EINVAL, "channel-without-direction",
                         "the limits allow neither reading nor writing");
  }
  for (const ChannelSource& source : channel.sources) {
    if (Failure failure = CheckSource({channel, source}); failure.failed()) {
      return failure;
    }
  }
  return {};
}

// Each passed descriptor is owned by one source: it is closed once.
Failure CheckDescriptorsUnique(const std::vector<ChannelSpec>& channels) {
  std::unordered_set<int> seen;
  for (const ChannelSpec& channel : channels) {
    for (const ChannelSource& source : channel.sources) {
      if (source.kind == SourceKind::kDescriptor && !seen.insert(source.descriptor).second) {
        return RefuseChannel(channel, EFAULT, "channel-descriptor-shared",
                             "the descriptor belongs to another source");
      }
    }
  }
  return {};
}

}  // namespace

void SortChannels(std::vector<ChannelSpec>& channels) {
  const auto before = [](const ChannelSpec& a, const ChannelSpec& b) {
    const size_t rank_a = RankOf(a.alias), rank_b = RankOf(b.alias);
    return rank_a != rank_b ? rank_a < rank_b : a.alias < b.alias;
  };
  // Mostly they come in order, and a stable sort takes memory.
  if (!std::is_sorted(channels.begin(), channels.end(), before)) {
    std::stable_sort(channels.begin(), channels.end(), before);
  }
}

Failure CheckChannels(const std::vector<ChannelSpec>& channels) {
  if (Failure failure = CheckCount(channels.size()); failure.failed()) {
    return failure;
  }
  if (Failure failure = CheckNames(channels); failure.failed()) {
    return failure;
  }
  for (const ChannelSpec& channel : channels) {
    if (Failure failure = CheckChannel(channel); failure.failed()) {
      return failure;
    }
  }
  return CheckDescriptorsUnique(channels);
}

}  // namespace zvm
