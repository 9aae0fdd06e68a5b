// What the tests of channel/ share: a folder that vanishes, specs in one line, a table that is
// open.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "channel/channel_table.h"

namespace zvm::test {

inline constexpr int64_t kHuge = INT64_MAX;
inline constexpr ChannelLimits kReadOnly = {.reads = 100, .read_bytes = 1 << 20};
inline constexpr ChannelLimits kWriteOnly = {.writes = 100, .write_bytes = 1 << 20};
inline constexpr ChannelLimits kReadWrite = {100, 1 << 20, 100, 1 << 20};

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  std::string Path(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Makes a file and returns its path.
  std::string File(std::string_view name, std::string_view content) const;
  std::string Fifo(std::string_view name) const;

 private:
  std::string path_;
};

bool Exists(const std::string& path);
int64_t SizeOf(const std::string& path);
std::string Content(const std::string& path);
int OpenDescriptorCount();

ChannelSource PathSource(std::string path);
ChannelSource DescriptorSource(int descriptor);
ChannelSpec Spec(std::string alias, std::vector<ChannelSource> sources, int type,
                 ChannelLimits limits, bool etag = false);
// `specs` and the three standard channels over /dev/null that they lack.
std::vector<ChannelSpec> WithStandard(std::vector<ChannelSpec> specs);

// A table with the standard channels and `specs`; a channel of the test is found by its alias.
class OpenTable {
 public:
  explicit OpenTable(std::vector<ChannelSpec> specs, ChannelOptions options = {});
  ChannelTable& table() { return table_; }
  StopRequest& stop() { return stop_; }
  const Failure& opened() const { return opened_; }
  int32_t Number(std::string_view alias) const;
  // The guest's result; the trap itself must succeed.
  int Read(std::string_view alias, int32_t size, int64_t offset = 0);
  int Write(std::string_view alias, std::string_view bytes, int64_t offset = 0);
  // With a size that need not fit the bytes: only for refusals.
  int WriteSize(std::string_view alias, int32_t size, int64_t offset = 0);
  ChannelView View(std::string_view alias) const;
  // What the last Read brought.
  std::string_view bytes() const { return bytes_; }

 private:
  ChannelTable table_;
  StopRequest stop_;
  Failure opened_;
  std::vector<uint8_t> buffer_;
  std::string_view bytes_;
};

}  // namespace zvm::test
