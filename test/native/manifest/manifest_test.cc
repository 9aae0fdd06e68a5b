// What a parsed manifest holds, and the bounds of its size. Refusals: golden_test.cc.
#include "manifest/manifest.h"

#include <doctest/doctest.h>

#include <chrono>

namespace zvm {
namespace {

constexpr std::string_view kBase =
    "Version = 20130611\nProgram = good.nexe\nMemory = 33554432, 0\nTimeout = 1\n";

Manifest ParseOk(std::string_view text, ManifestMode mode) {
  Result<Manifest, Failure> result = ParseManifest(text, mode);
  REQUIRE(result.ok());
  return std::move(result.value());
}

std::string_view CodeOf(const Result<Manifest, Failure>& result) {
  return result.ok() ? "ok" : result.error().code;
}

TEST_CASE("every field arrives") {
  const Manifest manifest = ParseOk(
      "Version = 20130611\nProgram = bin/a b.nexe\nMemory = 0x2000000, 1\nTimeout = 010\n"
      "Channel = /in;tcp:1:, /dev/stdin, 1, 1, 1, 2, 3, 5368709120\n"
      "Channel = tcp:10.0.0.1:0x50, /dev/out/2, 0, 0, 0, 0, 9, 9\n"
      "NameServer = UDP:0x0100007F:54321\nNode = 7\nJob = /tmp/job\nEtag = tag\n",
      ManifestMode::kStrict);
  CHECK(manifest.program == "bin/a b.nexe");
  CHECK(manifest.program_descriptor == -1);
  CHECK(manifest.memory_bytes == 33554432);
  CHECK(manifest.memory_etag);
  CHECK(manifest.timeout_s == 8);
  CHECK(manifest.node == 7);
  CHECK(manifest.job == "/tmp/job");
  CHECK(manifest.etag == "tag");
  REQUIRE(manifest.name_server.has_value());
  CHECK(manifest.name_server->address == 0x0100007F);
  CHECK(manifest.name_server->port == 54321);

  REQUIRE(manifest.channels.size() == 2);
  const ChannelSpec& first = manifest.channels[0];
  CHECK(first.alias == "/dev/stdin");
  CHECK(first.type == ZVM_CHANNEL_APPEND);
  CHECK(first.etag);
  CHECK(first.limits.reads == 1);
  CHECK(first.limits.read_bytes == 2);
  CHECK(first.limits.writes == 3);
  CHECK(first.limits.write_bytes == 5368709120);
  CHECK(first.manifest_line == 5);
  REQUIRE(first.sources.size() == 2);
  CHECK(first.sources[0].kind == SourceKind::kPath);
  CHECK(first.sources[0].path == "/in");
  CHECK(first.sources[1].kind == SourceKind::kTcp);
  CHECK(first.sources[1].host == 1);
  CHECK_FALSE(first.sources[1].host_is_address);
  CHECK(first.sources[1].port == 0);
  const ChannelSource& second = manifest.channels[1].sources.at(0);
  CHECK(second.host_is_address);
  CHECK(second.host == 0x0100000A);  // 10.0.0.1 in network order, read on a little-endian machine
  CHECK(second.port == 80);
}

TEST_CASE("strict mode keeps '=' in values and knows descriptors") {
  const Manifest manifest = ParseOk(
      "Version = 20130611\nProgram = fd:0x7\nMemory = 33554432, 0\nTimeout = 1\n"
      "Channel = /year=2024/a==b, /dev/x=y, 0, 0, 1, 1, 0, 0\n"
      "Channel = fd:2147483647, /dev/b, 0, 0, 1, 1, 0, 0\n",
      ManifestMode::kStrict);
  CHECK(manifest.program_descriptor == 7);
  CHECK(manifest.channels.at(0).sources.at(0).path == "/year=2024/a==b");
  CHECK(manifest.channels.at(0).alias == "/dev/x=y");
  CHECK(manifest.channels.at(1).sources.at(0).kind == SourceKind::kDescriptor);
  CHECK(manifest.channels.at(1).sources.at(0).descriptor == 2147483647);
}

TEST_CASE("compat mode narrows, ignores and forgives as the classic parser did") {
  const Manifest manifest = ParseOk(
      "Version = 20130611\nProgram = fd:3\nMemory = , \nTimeout = 4294967297\n"
      "Channel = /a=b, /dev/lost, 0, 0, 1, 1, 0, 0\n"
      "Channel = tcp::65537, , 4294967297, , , , , \nNode = 4294967303\n"
      "NameServer = udp::65537\nNode2 = x\n",
      ManifestMode::kCompat);
  CHECK(manifest.program == "fd:3");
  CHECK(manifest.program_descriptor == -1);
  CHECK(manifest.memory_bytes == 0);
  CHECK(manifest.timeout_s == 1);
  CHECK(manifest.node == 7);
  REQUIRE(manifest.channels.size() == 1);
  CHECK(manifest.channels[0].alias.empty());
  CHECK(manifest.channels[0].type == ZVM_CHANNEL_APPEND);
  CHECK(manifest.channels[0].sources.at(0).port == 1);
  REQUIRE(manifest.name_server.has_value());
  CHECK(manifest.name_server->address == 0);
  CHECK(manifest.name_server->port == 1);
}

TEST_CASE("compat mode forgets a tcp name server that nobody uses") {
  const std::string text = std::string(kBase) + "NameServer = tcp:1.2.3.4:5\n";
  CHECK_FALSE(ParseOk(text, ManifestMode::kCompat).name_server.has_value());
}

TEST_CASE("messages name the rest of a bad number and never carry control characters") {
  const auto result = ParseManifest("Timeout = 5\x01\x02 seconds", ManifestMode::kCompat);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message() == "invalid numeric value '?? seconds'");
  const auto missing = ParseManifest("", ManifestMode::kStrict);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message() == "Timeout not specified");
}

TEST_CASE("keys and values have a limit in strict mode only") {
  const std::string base(kBase);
  const std::string longest(kManifestTokenSizeMax, 'x');
  CHECK(CodeOf(ParseManifest(base + "Etag = " + longest, ManifestMode::kStrict)) == "ok");
  CHECK(CodeOf(ParseManifest(base + "Etag = " + longest + "x", ManifestMode::kStrict)) ==
        "value-too-long");
  CHECK(CodeOf(ParseManifest(base + "Etag = " + longest + "x", ManifestMode::kCompat)) == "ok");
  CHECK(CodeOf(ParseManifest(base + longest + " = 1", ManifestMode::kStrict)) == "unknown-key");
  CHECK(CodeOf(ParseManifest(base + longest + "x = 1", ManifestMode::kStrict)) == "key-too-long");
}

TEST_CASE("Job must fit a Unix socket address in both modes") {
  for (const ManifestMode mode : {ManifestMode::kStrict, ManifestMode::kCompat}) {
    const std::string job = std::string(kBase) + "Job = /" + std::string(106, 'j');
    CHECK(CodeOf(ParseManifest(job, mode)) == "ok");
    CHECK(CodeOf(ParseManifest(job + "j", mode)) == "job-too-long");
  }
}

TEST_CASE("more than 8192 lines: an error in strict mode, one last line in compat mode") {
  std::string text(kBase);
  text.append(kManifestLinesMax - 4, '\n');
  CHECK(CodeOf(ParseManifest(text, ManifestMode::kStrict)) == "ok");
  const auto result = ParseManifest(text + "Node = 1\n", ManifestMode::kStrict);
  CHECK(CodeOf(result) == "too-many-lines");
  CHECK(result.error().line == kManifestLinesMax + 1);

  std::string lines(kBase);
  lines.append(kManifestLinesMax - 5, '\n');
  const Manifest merged = ParseOk(lines + "Etag = a\nb\n\n", ManifestMode::kCompat);
  CHECK(merged.etag == "a\nb");
  const Manifest ignored = ParseOk(lines + "Etag = a\nNode = 5\n", ManifestMode::kCompat);
  CHECK(ignored.etag.empty());
  CHECK(ignored.node == 0);
}

TEST_CASE("512 KiB is the limit, and the largest manifests take linear time") {
  const auto start = std::chrono::steady_clock::now();
  for (const char filler : {'\n', '=', ';', ',', ':', '9', '#', ' ', '\0', 'x'}) {
    std::string text = std::string(kBase) + "Channel = ";
    text.resize(kManifestSizeMax, filler);
    for (const ManifestMode mode : {ManifestMode::kStrict, ManifestMode::kCompat}) {
      CHECK(CodeOf(ParseManifest(text, mode)) != "manifest-too-large");
      const auto result = ParseManifest(text + ' ', mode);
      CHECK(CodeOf(result) == "manifest-too-large");
      CHECK(result.error().status == 14);
    }
  }
  // 20 parses of 512 KiB; anything quadratic would need minutes.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("as many channels as there are lines") {
  std::string text(kBase);
  const size_t channels = kManifestLinesMax - 4;
  for (size_t i = 0; i < channels; ++i) {
    text += "Channel=/dev/null,a" + std::to_string(i) + ",0,0,1,1,0,0\n";
  }
  const Manifest manifest = ParseOk(text, ManifestMode::kStrict);
  REQUIRE(manifest.channels.size() == channels);
  CHECK(manifest.channels.back().manifest_line == kManifestLinesMax);
  CHECK(manifest.channels.back().alias == "a8187");
}

}  // namespace
}  // namespace zvm
