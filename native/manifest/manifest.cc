// The keywords and their rules (docs/abi.md §5.2): one row each, in the order in which a finished
// manifest is checked.
#include "manifest/manifest.h"

#include <algorithm>

#include "manifest/entry_reader.h"
#include "manifest/token.h"
#include "manifest/value.h"

namespace zvm {
namespace {

constexpr std::string_view kVersion = "20130611";

class Parser {
 public:
  explicit Parser(ManifestMode mode) : context_{mode, errors_} {}

  bool Parse(std::string_view text);
  Manifest TakeManifest() { return std::move(manifest_); }
  const Failure& failure() const { return errors_.failure(); }

 private:
  struct Keyword {
    std::string_view name;
    bool obligatory;
    bool (Parser::*parse)(std::string_view value);
  };
  struct Use {
    unsigned count = 0;
    ManifestPlace last;  // of the value that was used last
  };
  struct UsedDescriptor {
    int descriptor;
    ManifestPlace place;
  };
  enum Row : size_t {
    kEtagRow, kJobRow, kNodeRow, kNameServerRow, kTimeoutRow, kMemoryRow, kProgramRow, kVersionRow,
    kRowsOnce, kChannelRow = kRowsOnce, kRows
  };
  static const Keyword kKeywords[kRows];

  bool ParseEntry(const ManifestEntry& entry);
  bool ParseEtag(std::string_view value);
  bool ParseJob(std::string_view value);
  bool ParseNode(std::string_view value);
  bool ParseNameServerEntry(std::string_view value);
  bool ParseTimeout(std::string_view value);
  bool ParseMemory(std::string_view value);
  bool ParseProgram(std::string_view value);
  bool ParseVersion(std::string_view value);
  bool ParseChannelEntry(std::string_view value);

  bool CheckCounts();
  bool CheckTimeout();
  bool CheckNameServer();
  bool CheckDescriptors();

  ErrorSink errors_;
  ManifestContext context_;
  Manifest manifest_;
  Use used_[kRows];
  bool name_server_is_udp_ = false;
  bool has_connection_ = false;
  std::vector<UsedDescriptor> descriptors_;
};

constexpr Parser::Keyword Parser::kKeywords[kRows] = {
    {"Etag", false, &Parser::ParseEtag},
    {"Job", false, &Parser::ParseJob},
    {"Node", false, &Parser::ParseNode},
    {"NameServer", false, &Parser::ParseNameServerEntry},
    {"Timeout", true, &Parser::ParseTimeout},
    {"Memory", true, &Parser::ParseMemory},
    {"Program", true, &Parser::ParseProgram},
    {"Version", true, &Parser::ParseVersion},
    // The only keyword that may come often. How many there must be is the channel table's business.
    {"Channel", false, &Parser::ParseChannelEntry},
};

bool Parser::Parse(std::string_view text) {
  if (text.size() > kManifestSizeMax) {
    return errors_.Fail({}, "manifest-too-large", "manifest is larger than 512 KiB");
  }
  EntryReader reader(text, context_.mode, errors_);
  ManifestEntry entry;
  for (;;) {
    const EntryReader::Step step = reader.Next(entry);
    if (step == EntryReader::Step::kEnd) {
      break;
    }
    if (step == EntryReader::Step::kFailed || !ParseEntry(entry)) {
      return false;
    }
  }
  return CheckCounts() && CheckTimeout() && CheckNameServer() && CheckDescriptors();
}

bool Parser::ParseEntry(const ManifestEntry& entry) {
  const Keyword* keyword = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                        [&](const Keyword& row) { return row.name == entry.key; });
  if (keyword == std::end(kKeywords)) {
    return !context_.strict() || errors_.FailAt(entry.key, "unknown-key", "unknown keyword '",
                                                Quoted(entry.key), "'");
  }
  const auto row = static_cast<size_t>(keyword - kKeywords);
  if (context_.strict() && row < kRowsOnce && used_[row].count != 0) {
    return errors_.FailAt(entry.key, "duplicate-key", "duplicate ", keyword->name, " keyword");
  }
  if (context_.strict() && entry.value.empty()) {
    return errors_.FailAt(entry.value, "empty-value", keyword->name, " has no value");
  }
  ++used_[row].count;
  used_[row].last = errors_.PlaceOf(entry.value);
  return (this->*keyword->parse)(entry.value);
}

bool Parser::ParseEtag(std::string_view value) {
  manifest_.etag = value;
  return true;
}

bool Parser::ParseJob(std::string_view value) {
  if (value.size() > kManifestJobSizeMax) {
    return errors_.FailAt(value, "job-too-long", "too long Job name");
  }
  manifest_.job = value;
  return true;
}

bool Parser::ParseNode(std::string_view value) {
  int64_t node = 0;
  if (!ParseInteger(context_, value, {0, UINT32_MAX}, node)) {
    return false;
  }
  manifest_.node = static_cast<uint32_t>(node);
  return true;
}

bool Parser::ParseNameServerEntry(std::string_view value) {
  NameServer server;
  if (!ParseNameServer(context_, value, server, name_server_is_udp_)) {
    return false;
  }
  manifest_.name_server = server;
  return true;
}

// That it is positive is checked last, after the other keywords (CheckTimeout).
bool Parser::ParseTimeout(std::string_view value) {
  int64_t seconds = 0;
  if (!ParseInteger(context_, value, {INT32_MIN, INT32_MAX}, seconds)) {
    return false;
  }
  manifest_.timeout_s = static_cast<int32_t>(seconds);
  return true;
}

bool Parser::ParseMemory(std::string_view value) {
  manifest_.memory_place = errors_.PlaceOf(value);
  std::string_view fields[2];
  if (SplitFields(value, ',', fields) != 2) {
    return errors_.FailAt(value, "memory-fields-invalid", "invalid memory token");
  }
  return ParseInteger(context_, fields[0], {}, manifest_.memory_bytes) &&
         ParseSwitch(context_, fields[1], "memory-etag-invalid", "invalid memory etag token",
                     manifest_.memory_etag);
}

bool Parser::ParseProgram(std::string_view value) {
  manifest_.program = value;
  manifest_.program_place = errors_.PlaceOf(value);
  if (!context_.strict() || !value.starts_with(kDescriptorPrefix)) {
    return true;
  }
  if (!ParseDescriptor(context_, value, manifest_.program_descriptor)) {
    return false;
  }
  descriptors_.push_back({manifest_.program_descriptor, errors_.PlaceOf(value)});
  return true;
}

bool Parser::ParseVersion(std::string_view value) {
  return value == kVersion ||
         errors_.FailAt(value, "invalid-version", "invalid manifest version");
}

bool Parser::ParseChannelEntry(std::string_view value) {
  ChannelSpec& channel = manifest_.channels.emplace_back();
  if (!ParseChannel(context_, value, channel)) {
    return false;
  }
  for (const ChannelSource& source : channel.sources) {
    has_connection_ = has_connection_ || source.kind == SourceKind::kTcp;
    if (source.kind == SourceKind::kDescriptor) {
      descriptors_.push_back({source.descriptor, errors_.PlaceOf(value)});
    }
  }
  return true;
}

bool Parser::CheckCounts() {
  for (size_t row = 0; row < kRowsOnce; ++row) {
    const Keyword& keyword = kKeywords[row];
    if (keyword.obligatory && used_[row].count == 0) {
      return errors_.Fail({}, "missing-keyword", keyword.name, " not specified");
    }
    if (used_[row].count > 1) {
      return errors_.Fail(used_[row].last, "duplicate-key", "duplicate ", keyword.name, " keyword");
    }
  }
  return true;
}

bool Parser::CheckTimeout() {
  if (manifest_.timeout_s >= 1) {
    return true;
  }
  FixedText<24> seconds;
  seconds.AddSigned(manifest_.timeout_s);
  return errors_.Fail(used_[kTimeoutRow].last, "invalid-timeout", "invalid timeout ",
                      seconds.view());
}

// A name server matters only when some channel is a connection.
bool Parser::CheckNameServer() {
  if (!manifest_.name_server || !has_connection_) {
    if (!name_server_is_udp_) {
      manifest_.name_server.reset();
    }
    return true;
  }
  const ManifestPlace place = used_[kNameServerRow].last;
  if (manifest_.node == 0) {
    return errors_.Fail(place, "invalid-node", "invalid node: 0");
  }
  return name_server_is_udp_ || errors_.Fail(place, "name-server-protocol",
                                             "name server only support udp protocol");
}

// SAFETY: a descriptor has one owner; two channels that both close it could close a stranger's.
bool Parser::CheckDescriptors() {
  std::stable_sort(descriptors_.begin(), descriptors_.end(),
                   [](const auto& a, const auto& b) { return a.descriptor < b.descriptor; });
  const auto twice =
      std::adjacent_find(descriptors_.begin(), descriptors_.end(),
                         [](const auto& a, const auto& b) { return a.descriptor == b.descriptor; });
  return twice == descriptors_.end() ||
         errors_.Fail(std::next(twice)->place, "channel-descriptor-shared",
                      "a descriptor is used twice");
}

}  // namespace

Result<Manifest, Failure> ParseManifest(std::string_view text, ManifestMode mode) {
  Parser parser(mode);
  if (!parser.Parse(text)) {
    return Err(parser.failure());
  }
  return parser.TakeManifest();
}

}  // namespace zvm
