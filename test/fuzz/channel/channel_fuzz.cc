// Drives one channel over in-memory files with random traps and compares results, bytes, digest,
// accounting and the files that are left with the model.
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "channel/channel_table.h"
#include "model.h"

namespace zvm::fuzz {
namespace {

constexpr int32_t kBufferSize = 200'000;
constexpr int kOperationsMax = 64;
constexpr int32_t kChannel = 3;  // behind the standard three

int64_t ConsumeLimit(FuzzedDataProvider& input) {
  constexpr int64_t kLimits[] = {0, 1, 2, 10, 100, 70'000, INT64_MAX - 1, INT64_MAX};
  return input.ConsumeBool() ? input.PickValueInArray(kLimits)
                             : input.ConsumeIntegralInRange<int64_t>(0, 300);
}

int64_t ConsumeOffset(FuzzedDataProvider& input) {
  constexpr int64_t kOffsets[] = {INT64_MIN, -1, 0, 65'535, INT64_MAX - 1, INT64_MAX};
  return input.ConsumeIntegralInRange(0, 3) == 3 ? input.PickValueInArray(kOffsets)
                                                 : input.ConsumeIntegralInRange<int64_t>(-5, 400);
}

int32_t ConsumeSize(FuzzedDataProvider& input) {
  constexpr int32_t kSizes[] = {INT32_MIN, -1, 0, 1, 65'536, 65'537, kBufferSize};
  return input.ConsumeIntegralInRange(0, 7) == 7 ? input.PickValueInArray(kSizes)
                                                 : input.ConsumeIntegralInRange(-2, 300);
}

// A file in memory that a channel may reach by its path or as a descriptor of its own.
int MakeFile(std::string_view content) {
  const int fd = memfd_create("fuzz-channel", MFD_CLOEXEC);
  ZVM_CHECK(fd >= 0);
  ZVM_CHECK(pwrite(fd, content.data(), content.size(), 0) ==
            static_cast<ssize_t>(content.size()));
  return fd;
}

struct Session {
  ChannelSpec spec;
  std::vector<int> files;  // one for each source
  bool by_path = false;
  ChannelOptions options;
  Model model;
};

Session MakeSession(FuzzedDataProvider& input) {
  Session session;
  session.spec.alias = "x";
  session.spec.type = input.ConsumeIntegralInRange(0, 3);
  session.spec.etag = input.ConsumeBool();
  session.spec.limits = {ConsumeLimit(input), ConsumeLimit(input), ConsumeLimit(input),
                         ConsumeLimit(input)};
  session.options.preallocate = input.ConsumeBool();
  session.by_path = input.ConsumeBool();
  std::string content = input.ConsumeRandomLengthString(64);
  if (input.ConsumeIntegralInRange(0, 15) == 15) {
    content.resize(140'000, 'c');
  }
  const int source_count = input.ConsumeIntegralInRange(1, 3);
  for (int i = 0; i < source_count; ++i) {
    session.files.push_back(MakeFile(content));
    ChannelSource source;
    if (session.by_path) {
      source.path =
          "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(session.files.back());
    } else {
      source.kind = SourceKind::kDescriptor;
      source.descriptor = dup(session.files.back());
    }
    session.spec.sources.push_back(source);
  }
  Model& model = session.model;
  model.type = session.spec.type;
  model.limits = session.spec.limits;
  const bool emptied = session.by_path && !model.readable();
  for (size_t i = 0; i < content.size() && !emptied; ++i) {
    model.file.Set(static_cast<Wide>(i), static_cast<uint8_t>(content[i]));
  }
  if (model.readable()) {
    model.channel_size = model.file_end = static_cast<Wide>(content.size());
    model.put_position = model.writable() && model.type == 1 ? model.channel_size : 0;
  }
  return session;
}

std::vector<ChannelSpec> Specs(const ChannelSpec& spec) {
  std::vector<ChannelSpec> specs = {spec};
  for (const char* alias : {"/dev/stdin", "/dev/stdout", "/dev/stderr"}) {
    ChannelSpec standard;
    standard.alias = alias;
    standard.limits = {1, 1, 0, 0};
    standard.sources.emplace_back().path = "/dev/null";
    specs.push_back(standard);
  }
  return specs;
}

void CheckFiles(const Session& session, int64_t size_before) {
  const Model& model = session.model;
  for (int fd : session.files) {
    const int64_t size = lseek(fd, 0, SEEK_END);
    if (session.by_path && model.writable()) {
      ZVM_CHECK(size == static_cast<int64_t>(model.channel_size));
    } else {
      ZVM_CHECK(size >= size_before);
    }
    std::string dense(model.file.dense().size(), '\0');
    ZVM_CHECK(pread(fd, dense.data(), dense.size(), 0) == static_cast<ssize_t>(dense.size()));
    ZVM_CHECK(dense == model.file.dense());
    for (const auto& [offset, byte] : model.file.far()) {
      uint8_t found = 0;
      ZVM_CHECK(pread(fd, &found, 1, offset) == 1 && found == byte);
    }
  }
}

// Runs one trap on both; false when the session is over.
bool RunOperation(FuzzedDataProvider& input, ChannelTable& table, Session& session,
                  std::vector<uint8_t>& buffer) {
  const bool reads = input.ConsumeBool();
  const bool any_channel = input.ConsumeIntegralInRange(0, 15) == 15;
  const int32_t channel = any_channel ? input.ConsumeIntegral<int32_t>() : kChannel;
  const int32_t size = ConsumeSize(input);
  const int64_t offset = ConsumeOffset(input);
  if (static_cast<uint32_t>(channel) >= table.count()) {
    ZVM_CHECK(table.Read(channel, buffer.data(), size, offset).value == -22);
    ZVM_CHECK(table.Write(channel, buffer.data(), size, offset).value == -22);
    return true;
  }
  if (channel != kChannel) {
    return true;
  }
  if (reads) {
    std::string expected;
    const int value = session.model.Read(size, offset, &expected);
    const IoResult result = table.Read(channel, buffer.data(), size, offset);
    ZVM_CHECK(result.status == IoStatus::kDone && result.value == value);
    ZVM_CHECK(memcmp(buffer.data(), expected.data(), expected.size()) == 0);
    return true;
  }
  const uint8_t fill = input.ConsumeIntegral<uint8_t>();
  std::string bytes(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(fill + i);
  }
  const int value = session.model.Write(bytes, size, offset);
  const IoResult result =
      table.Write(channel, reinterpret_cast<const uint8_t*>(bytes.data()), size, offset);
  if (value == Model::kHostRefuses) {
    ZVM_CHECK(result.status == IoStatus::kFailed && table.failure().status == 5);
    return false;
  }
  ZVM_CHECK(result.status == IoStatus::kDone && result.value == value);
  return true;
}

void CheckAccounts(const ChannelTable& table, const Session& session) {
  const Model& model = session.model;
  const ChannelView view = table.view(kChannel);
  ZVM_CHECK(view.used.reads == static_cast<int64_t>(model.gets));
  ZVM_CHECK(view.used.read_bytes == static_cast<int64_t>(model.got_bytes));
  ZVM_CHECK(view.used.writes == static_cast<int64_t>(model.puts));
  ZVM_CHECK(view.used.write_bytes == static_cast<int64_t>(model.put_bytes));
  const uint64_t readers = session.files.size() > 1 ? 2 : 1;  // two equal sources agree at once
  const uint64_t writers = session.files.size();
  const ChannelAccounting& accounting = table.accounting();
  ZVM_CHECK(accounting.local_reads == readers * model.host_reads);
  ZVM_CHECK(accounting.local_read_bytes == readers * static_cast<uint64_t>(model.got_bytes));
  ZVM_CHECK(accounting.local_writes == writers * static_cast<uint64_t>(model.puts));
  ZVM_CHECK(accounting.local_write_bytes == writers * static_cast<uint64_t>(model.put_bytes));
  if (view.etag) {
    Digest digest(session.options.etag_algorithm);
    digest.Update(model.moved.data(), model.moved.size());
    ZVM_CHECK(view.digest.view() == digest.Value().view());
  }
}

void Run(FuzzedDataProvider& input) {
  Session session = MakeSession(input);
  const int64_t size_before = lseek(session.files[0], 0, SEEK_END);
  for (const ChannelSource& source : session.spec.sources) {
    if (source.kind == SourceKind::kDescriptor) {
      ZVM_CHECK(lseek(source.descriptor, 0, SEEK_SET) == 0);
    }
  }
  ChannelTable table;
  StopRequest stop;
  if (table.Check(Specs(session.spec)).failed()) {
    for (const ChannelSource& source : session.spec.sources) {
      close(source.descriptor);  // a refused table owns nothing; -1 for paths does no harm
    }
  } else if (!table.Open(session.options, stop).failed()) {
    std::vector<uint8_t> buffer(kBufferSize);
    bool running = true;
    for (int i = 0; i < kOperationsMax && running && input.remaining_bytes() > 0; ++i) {
      running = RunOperation(input, table, session, buffer);
    }
    if (running) {
      CheckAccounts(table, session);
    }
    table.Close();
    CheckFiles(session, size_before);
  }
  for (int fd : session.files) {
    close(fd);
  }
}

}  // namespace
}  // namespace zvm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  zvm::fuzz::Run(input);
  return 0;
}
