// What channels cost beside the system calls they make, and how fast digests are. Everything stays
// in the page cache; copies write over the same file, so that no allocation of blocks is measured.
// Usage: bench-channel [--json FILE].
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "channel/channel_table.h"
#include "measure.h"

namespace zvm {
namespace {

constexpr int kRounds = 30;
constexpr int64_t kFileSize = int64_t{32} << 20;
constexpr int64_t kManyOperations = int64_t{1} << 40;
constexpr int32_t kBlockSizes[] = {4096, 65536, 1 << 20};

int MakeFile() {
  const int fd = memfd_create("bench-channel", MFD_CLOEXEC);
  ZVM_CHECK(fd >= 0 && ftruncate(fd, kFileSize) == 0);
  const std::string page(4096, 'b');
  for (int64_t offset = 0; offset < kFileSize; offset += 4096) {
    ZVM_CHECK(pwrite(fd, page.data(), page.size(), offset) == 4096);
  }
  return fd;
}

ChannelSpec MakeSpec(const char* alias, int fd, bool reads, bool etag) {
  ChannelSpec spec;
  spec.alias = alias;
  spec.type = reads ? ZVM_CHANNEL_APPEND : ZVM_CHANNEL_RANDOM_WRITE;
  spec.etag = etag;
  (reads ? spec.limits.reads : spec.limits.writes) = kManyOperations;
  (reads ? spec.limits.read_bytes : spec.limits.write_bytes) = kManyOperations;
  ChannelSource& source = spec.sources.emplace_back();
  source.kind = SourceKind::kDescriptor;
  source.descriptor = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return spec;
}

void CopyPlain(int in, int out, int32_t block, uint8_t* buffer) {
  for (int64_t at = 0; at < kFileSize; at += block) {
    ZVM_CHECK(pread(in, buffer, static_cast<size_t>(block), at) == block);
    ZVM_CHECK(pwrite(out, buffer, static_cast<size_t>(block), at) == block);
  }
}

void CopyChannels(ChannelTable& table, int32_t block, uint8_t* buffer) {
  for (int64_t at = 0; at < kFileSize; at += block) {
    ZVM_CHECK(table.Read(0, buffer, block, at).value == block);
    ZVM_CHECK(table.Write(1, buffer, block, at).value == block);
  }
}

double MegabytesPerSecond(double ns) { return static_cast<double>(kFileSize) * 1e3 / ns; }

Samples Throughput(const std::string& name) {
  return {.name = name, .unit = "MB/s", .more_is_better = true, .values = {}};
}

// The plain loop and the channels take turns within a round, so that noise hits both.
void MeasureCopies(int in, int out, uint8_t* buffer, std::vector<Row>& rows) {
  ChannelTable table;
  StopRequest stop;
  std::vector<ChannelSpec> specs = {MakeSpec("/dev/stdin", in, true, false),
                                    MakeSpec("/dev/stdout", out, false, false),
                                    MakeSpec("/dev/stderr", out, false, false)};
  ZVM_CHECK(!table.Check(std::move(specs)).failed() && !table.Open({}, stop).failed());
  for (int32_t block : kBlockSizes) {
    const std::string label = std::to_string(block / 1024) + " KiB";
    Samples plain = Throughput("plain copy, " + label);
    Samples channels = Throughput("channel copy, " + label);
    for (int round = 0; round < kRounds; ++round) {
      plain.values.push_back(
          MegabytesPerSecond(TimeNs([&] { CopyPlain(in, out, block, buffer); })));
      channels.values.push_back(
          MegabytesPerSecond(TimeNs([&] { CopyChannels(table, block, buffer); })));
    }
    rows.push_back({.samples = plain});
    rows.push_back(
        {.samples = channels, .peer = static_cast<int>(rows.size()) - 1, .goal = 0.9});
  }
}

void MeasureDigests(const uint8_t* buffer, std::vector<Row>& rows) {
  for (DigestAlgorithm algorithm : {DigestAlgorithm::kSha1, DigestAlgorithm::kSha256}) {
    Samples samples = Throughput(std::string(DigestName(algorithm)) + ", 64 KiB pieces");
    for (int round = 0; round < kRounds; ++round) {
      Digest digest(algorithm);
      samples.values.push_back(MegabytesPerSecond(TimeNs([&] {
        for (int64_t at = 0; at < kFileSize; at += 65536) {
          digest.Update(buffer, 65536);
        }
      })));
    }
    rows.push_back({.samples = samples, .goal = 1000});
  }
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) {
  const char* json_path = argc == 3 && strcmp(argv[1], "--json") == 0 ? argv[2] : nullptr;
  const int in = zvm::MakeFile(), out = zvm::MakeFile();
  std::vector<uint8_t> buffer(1 << 20, 1);
  std::vector<zvm::Row> rows;
  zvm::MeasureCopies(in, out, buffer.data(), rows);
  zvm::MeasureDigests(buffer.data(), rows);
  return zvm::PrintTable("channels", rows, json_path) ? 0 : 1;
}
