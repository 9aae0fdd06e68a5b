#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace zvm::test {

TempFolder::TempFolder() {
  char name[] = "/tmp/zvm-channel-XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::File(std::string_view name, std::string_view content) const {
  const std::string path = Path(name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string TempFolder::Fifo(std::string_view name) const {
  const std::string path = Path(name);
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  return path;
}

bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

int64_t SizeOf(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? status.st_size : -1;
}

std::string Content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

int OpenDescriptorCount() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  while (readdir(folder) != nullptr) {
    ++count;
  }
  closedir(folder);
  return count;
}

ChannelSource PathSource(std::string path) {
  ChannelSource source;
  source.path = std::move(path);
  return source;
}

ChannelSource DescriptorSource(int descriptor) {
  ChannelSource source;
  source.kind = SourceKind::kDescriptor;
  source.descriptor = descriptor;
  return source;
}

ChannelSpec Spec(std::string alias, std::vector<ChannelSource> sources, int type,
                 ChannelLimits limits, bool etag) {
  ChannelSpec spec;
  spec.alias = std::move(alias);
  spec.sources = std::move(sources);
  spec.type = type;
  spec.limits = limits;
  spec.etag = etag;
  return spec;
}

std::vector<ChannelSpec> WithStandard(std::vector<ChannelSpec> specs) {
  for (const char* alias : {"/dev/stdin", "/dev/stdout", "/dev/stderr"}) {
    bool found = false;
    for (const ChannelSpec& spec : specs) {
      found = found || spec.alias == alias;
    }
    if (!found) {
      const bool input = std::string_view(alias) == "/dev/stdin";
      specs.push_back(Spec(alias, {PathSource("/dev/null")}, 0, input ? kReadOnly : kWriteOnly));
    }
  }
  return specs;
}

OpenTable::OpenTable(std::vector<ChannelSpec> specs, ChannelOptions options)
    : buffer_(size_t{4} << 20) {
  opened_ = table_.Check(WithStandard(std::move(specs)));
  if (!opened_.failed()) {
    opened_ = table_.Open(options, stop_);
  }
}

int32_t OpenTable::Number(std::string_view alias) const {
  for (size_t i = 0; i < table_.count(); ++i) {
    if (table_.view(i).alias == alias) {
      return static_cast<int32_t>(i);
    }
  }
  FAIL("no channel ", std::string(alias));
  return -1;
}

int OpenTable::Read(std::string_view alias, int32_t size, int64_t offset) {
  REQUIRE(size <= static_cast<int64_t>(buffer_.size()));
  const IoResult result = table_.Read(Number(alias), buffer_.data(), size, offset);
  REQUIRE(result.status == IoStatus::kDone);
  const size_t moved = result.value > 0 ? static_cast<size_t>(result.value) : 0;
  bytes_ = {reinterpret_cast<const char*>(buffer_.data()), moved};
  return result.value;
}

int OpenTable::Write(std::string_view alias, std::string_view bytes, int64_t offset) {
  const IoResult result =
      table_.Write(Number(alias), reinterpret_cast<const uint8_t*>(bytes.data()),
                   static_cast<int32_t>(bytes.size()), offset);
  REQUIRE(result.status == IoStatus::kDone);
  return result.value;
}

int OpenTable::WriteSize(std::string_view alias, int32_t size, int64_t offset) {
  REQUIRE(size <= static_cast<int64_t>(buffer_.size()));
  const IoResult result = table_.Write(Number(alias), buffer_.data(), size, offset);
  REQUIRE(result.status == IoStatus::kDone);
  return result.value;
}

ChannelView OpenTable::View(std::string_view alias) const {
  return table_.view(static_cast<size_t>(Number(alias)));
}

}  // namespace zvm::test
