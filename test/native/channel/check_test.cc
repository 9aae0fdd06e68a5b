// What is refused before anything is touched.
#include <cerrno>

#include "fixture.h"

namespace zvm::test {
namespace {

Failure CheckOnly(std::vector<ChannelSpec> specs) {
  ChannelTable table;
  return table.Check(std::move(specs));
}

Failure CheckOne(ChannelSpec spec) {
  std::vector<ChannelSpec> specs;
  specs.push_back(std::move(spec));
  return CheckOnly(WithStandard(std::move(specs)));
}

#define CHECK_REFUSED(failure, expected_status, expected_code) \
  do {                                                         \
    const Failure refused = (failure);                         \
    CHECK(refused.status == (expected_status));                \
    CHECK(refused.code == (expected_code));                    \
  } while (false)

TEST_CASE("order: the standard three, then bytewise") {
  ChannelTable table;
  std::vector<ChannelSpec> specs;
  for (const char* alias : {"b", "\xC3\xA4", "/dev/zzz", "A", "/dev/stderr", "/dev/aaa"}) {
    specs.push_back(Spec(alias, {PathSource("/dev/null")}, 0, kReadOnly));
  }
  REQUIRE_FALSE(table.Check(WithStandard(std::move(specs))).failed());
  std::vector<std::string> aliases;
  for (size_t i = 0; i < table.count(); ++i) {
    aliases.emplace_back(table.view(i).alias);
  }
  CHECK(aliases == std::vector<std::string>{"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/aaa",
                                            "/dev/zzz", "A", "b", "\xC3\xA4"});
}

TEST_CASE("counts and names") {
  CHECK_REFUSED(CheckOnly({}), EFAULT, "channel-count-too-small");
  std::vector<ChannelSpec> specs = WithStandard({});
  specs.pop_back();
  CHECK_REFUSED(CheckOnly(specs), EFAULT, "channel-count-too-small");
  specs.push_back(Spec("other", {PathSource("/dev/null")}, 0, kReadOnly));
  specs.push_back(Spec("more", {PathSource("/dev/null")}, 0, kReadOnly));
  CHECK_REFUSED(CheckOnly(specs), EFAULT, "channel-standard-missing");

  specs = WithStandard({});
  specs.push_back(specs[1]);
  CHECK_REFUSED(CheckOnly(specs), EFAULT, "channel-alias-duplicate");
  CHECK_REFUSED(CheckOne(Spec(std::string("a\0b", 3), {PathSource("/dev/null")}, 0, kReadOnly)),
                EFAULT, "channel-alias-invalid");
  CHECK_REFUSED(CheckOne(Spec(std::string(8193, 'a'), {PathSource("/dev/null")}, 0, kReadOnly)),
                EFAULT, "channel-alias-invalid");
}

TEST_CASE("10914 channels, not one more") {
  std::vector<ChannelSpec> specs = WithStandard({});
  while (specs.size() < 10914) {
    specs.push_back(
        Spec("c" + std::to_string(specs.size()), {PathSource("/dev/null")}, 0, kReadOnly));
  }
  CHECK_FALSE(CheckOnly(specs).failed());
  specs.push_back(Spec("last", {PathSource("/dev/null")}, 0, kReadOnly));
  CHECK_REFUSED(CheckOnly(specs), ENFILE, "channel-count-too-large");
}

TEST_CASE("types, limits, directions, sources") {
  const ChannelSource null = PathSource("/dev/null");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, 4, kReadOnly)), EFAULT, "channel-type-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, 5, kReadOnly)), EFAULT, "channel-type-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, -1, kReadOnly)), EFAULT, "channel-type-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, 0, {-1, 1, 1, 1})), EFAULT, "channel-limits-negative");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, 0, {1, 1, 1, INT64_MIN})), EFAULT,
                "channel-limits-negative");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, 0, {})), EINVAL, "channel-without-direction");
  CHECK_REFUSED(CheckOne(Spec("x", {null}, 0, {1, 0, 0, 1})), EINVAL, "channel-without-direction");
  CHECK_REFUSED(CheckOne(Spec("x", {}, 0, kReadOnly)), EFAULT, "channel-sources-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", std::vector(17, null), 0, kReadOnly)), EFAULT,
                "channel-sources-invalid");
  ChannelSpec with_line = Spec("x", {null}, 7, kReadOnly);
  with_line.manifest_line = 12;
  CHECK(CheckOne(with_line).line == 12);
}

TEST_CASE("kinds of sources") {
  TempFolder folder;
  const auto path_of = [](std::string path) { return PathSource(std::move(path)); };
  CHECK_REFUSED(CheckOne(Spec("x", {path_of("/tmp")}, 0, kReadOnly)), EPROTONOSUPPORT,
                "channel-kind-unsupported");
  CHECK_REFUSED(CheckOne(Spec("x", {path_of("relative")}, 0, kReadOnly)), EFAULT,
                "channel-path-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", {path_of("")}, 0, kReadOnly)), EFAULT, "channel-path-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", {path_of(std::string("/dev/null\0/x", 12))}, 0, kReadOnly)),
                EFAULT, "channel-path-invalid");
  CHECK_REFUSED(CheckOne(Spec("x", {path_of(folder.Path("none"))}, 0, kReadOnly)), EFAULT,
                "channel-open-failed");
  ChannelSource network;
  network.kind = SourceKind::kTcp;
  CHECK_FALSE(CheckOne(Spec("x", {network}, 0, kReadOnly)).failed());
  CHECK_REFUSED(CheckOne(Spec("x", {network}, 0, kReadWrite)), EFAULT, "channel-network-direction");
  CHECK_REFUSED(CheckOne(Spec("x", {network}, 1, kReadOnly)), EFAULT, "channel-network-direction");
  // Checking leaves no trace.
  CHECK_FALSE(CheckOne(Spec("x", {path_of(folder.Path("new"))}, 0, kWriteOnly)).failed());
  CHECK_FALSE(Exists(folder.Path("new")));
  const std::string old = folder.File("old", "content");
  CHECK_FALSE(CheckOne(Spec("x", {path_of(old)}, 0, kWriteOnly)).failed());
  CHECK(Content(old) == "content");
}

TEST_CASE("reading and writing one channel") {
  TempFolder folder;
  const ChannelSource file = PathSource(folder.File("f", "x"));
  CHECK_REFUSED(CheckOne(Spec("x", {file}, 0, kReadWrite)), EFAULT,
                "channel-sequential-read-write");
  CHECK_REFUSED(CheckOne(Spec("x", {file}, 2, kReadWrite)), EFAULT,
                "channel-sequential-read-write");
  CHECK_FALSE(CheckOne(Spec("x", {file}, 1, kReadWrite)).failed());
  CHECK_FALSE(CheckOne(Spec("x", {file}, 3, kReadWrite)).failed());
  for (int type = 0; type < 4; ++type) {
    CHECK_REFUSED(CheckOne(Spec("x", {PathSource("/dev/zero")}, type, kReadWrite)), EINVAL,
                  "channel-stream-read-write");
    CHECK_REFUSED(CheckOne(Spec("x", {PathSource(folder.Fifo("p" + std::to_string(type)))}, type,
                                kReadWrite)),
                  EINVAL, "channel-stream-read-write");
    for (const ChannelLimits& limits : {kReadOnly, kWriteOnly}) {
      CHECK_FALSE(CheckOne(Spec("x", {file}, type, limits)).failed());
      CHECK_FALSE(CheckOne(Spec("x", {PathSource("/dev/zero")}, type, limits)).failed());
    }
  }
  const ChannelSource none = PathSource(folder.Path("none"));  // counts as a regular file
  CHECK_REFUSED(CheckOne(Spec("x", {none}, 0, kReadWrite)), EFAULT,
                "channel-sequential-read-write");
  CHECK_FALSE(CheckOne(Spec("x", {none}, 3, kReadWrite)).failed());
}

TEST_CASE("passed descriptors belong to one source") {
  CHECK_REFUSED(CheckOne(Spec("x", {DescriptorSource(0), DescriptorSource(0)}, 0, kReadOnly)),
                EFAULT, "channel-descriptor-shared");
  CHECK_REFUSED(CheckOne(Spec("x", {DescriptorSource(987654)}, 0, kWriteOnly)), EBADF,
                "channel-open-failed");
  CHECK_REFUSED(CheckOne(Spec("x", {DescriptorSource(-1)}, 0, kReadOnly)), EFAULT,
                "channel-open-failed");
}

}  // namespace
}  // namespace zvm::test
