#include "manifest/value.h"

#include <climits>

#include "manifest/token.h"

namespace zvm {
namespace {

constexpr size_t kChannelFields = 8;

// Refused here although the channel table would refuse it too: here the column is known.
bool ParseChannelType(ManifestContext context, std::string_view token, std::string_view alias,
                      int64_t& type) {
  int64_t number = 0;
  if (!ParseInteger(context, token, {INT32_MIN, INT32_MAX}, number)) {
    return false;
  }
  const auto narrow = static_cast<int32_t>(number);
  if (narrow < ZVM_CHANNEL_SEQUENTIAL || narrow > ZVM_CHANNEL_RANDOM) {
    return context.errors.FailAt(token, "channel-type-invalid", Quoted(alias), " has invalid type ",
                                 Quoted(token));
  }
  type = narrow;
  return true;
}

bool ParseLimit(ManifestContext context, std::string_view token, std::string_view alias,
                int64_t& limit) {
  if (!ParseInteger(context, token, {}, limit)) {
    return false;
  }
  if (limit < 0) {
    return context.errors.FailAt(token, "channel-limits-negative", "negative limits for ",
                                 Quoted(alias));
  }
  return true;
}

bool ParseSources(ManifestContext context, std::string_view token,
                  std::vector<ChannelSource>& sources) {
  std::string_view parts[kManifestSourcesMax];
  const size_t count = SplitFields(token, ';', parts);
  const std::string_view last = parts[count - 1];
  if (const size_t extra = last.find(';'); context.strict() && extra != last.npos) {
    return context.errors.FailAt(last.substr(extra), "channel-sources-invalid",
                                 "a channel has at most 16 sources");
  }
  sources.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (!ParseSource(context, parts[i], sources[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool ParseInteger(ManifestContext context, std::string_view token, IntegerRange range,
                  int64_t& value) {
  value = 0;
  if (token.empty()) {
    return !context.strict() ||
           context.errors.FailAt(token, "empty-number", "a number is missing");
  }
  const IntegerToken number = ReadInteger(token);
  if (!number.rest.empty()) {
    return context.errors.FailAt(number.rest, "invalid-number", "invalid numeric value '",
                                 Quoted(number.rest), "'");
  }
  const bool in_range = number.value >= range.min && number.value <= range.max;
  if (number.overflow || (context.strict() && !in_range)) {
    return context.errors.FailAt(token, "number-out-of-range", "number out of range: ",
                                 Quoted(token));
  }
  value = number.value;
  return true;
}

bool ParseSwitch(ManifestContext context, std::string_view token, std::string_view code,
                 std::string_view message, bool& value) {
  int64_t number = 0;
  if (!ParseInteger(context, token, {}, number)) {
    return false;
  }
  if (number != 0 && number != 1) {
    return context.errors.FailAt(token, code, message);
  }
  value = number == 1;
  return true;
}

bool ParseDescriptor(ManifestContext context, std::string_view token, int& descriptor) {
  int64_t number = 0;
  const std::string_view digits = token.substr(kDescriptorPrefix.size());
  if (!ParseInteger(context, digits, {0, INT_MAX}, number)) {
    return false;
  }
  descriptor = static_cast<int>(number);
  // What a guest writes there could pass for a report.
  return descriptor != kReportDescriptor ||
         context.errors.FailAt(token, "report-descriptor", "standard output carries the report");
}

bool ParseChannel(ManifestContext context, std::string_view token, ChannelSpec& channel) {
  std::string_view fields[kChannelFields];
  const size_t count = SplitFields(token, ',', fields);
  if (count < kChannelFields) {
    return context.errors.FailAt(token, "channel-fields-invalid", "invalid channel tokens number");
  }
  const std::string_view last = fields[kChannelFields - 1];
  if (const size_t extra = last.find(','); context.strict() && extra != last.npos) {
    return context.errors.FailAt(last.substr(extra), "channel-fields-invalid",
                                 "a channel has exactly 8 fields");
  }
  const std::string_view alias = fields[1];
  if (context.strict() && alias.empty()) {
    return context.errors.FailAt(alias, "channel-alias-empty", "a channel needs an alias");
  }
  // The text report separates aliases and digests by blanks.
  if (const size_t blank = alias.find_first_of(" \t"); context.strict() && blank != alias.npos) {
    return context.errors.FailAt(alias.substr(blank), "channel-alias-blank",
                                 "an alias has no blanks");
  }
  channel.alias = alias;
  const ManifestPlace place = context.errors.PlaceOf(token);
  channel.manifest_line = place.line;
  channel.manifest_column = place.column;
  return ParseSources(context, fields[0], channel.sources) &&
         ParseChannelType(context, fields[2], alias, channel.type) &&
         ParseSwitch(context, fields[3], "channel-etag-invalid", "invalid channel numeric token",
                     channel.etag) &&
         ParseLimit(context, fields[4], alias, channel.limits.reads) &&
         ParseLimit(context, fields[5], alias, channel.limits.read_bytes) &&
         ParseLimit(context, fields[6], alias, channel.limits.writes) &&
         ParseLimit(context, fields[7], alias, channel.limits.write_bytes);
}

}  // namespace zvm
