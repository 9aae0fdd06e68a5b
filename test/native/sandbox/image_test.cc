// Prepared images: what is adopted, what is refused, and that a sealed one cannot be changed.
#include "sandbox/image.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "window_fixture.h"

namespace zvm {
namespace {

TEST_CASE("a sealed image cannot be written, grown, shrunk or mapped for writing") {
  const PreparedImage image = HelloImage();
  const int fd = image.fd.get();
  CHECK(pwrite(fd, "x", 1, 0x20000) == -1);
  CHECK(ftruncate(fd, 0) == -1);
  CHECK(ftruncate(fd, 1 << 24) == -1);
  CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

TEST_CASE("trampolines: 2047 calls of the thunk, the last slot all halts") {
  std::vector<uint8_t> page(0x10000);
  WriteTrampolines(page);
  for (size_t slot = 0; slot < 2048; ++slot) {
    const uint8_t* const code = page.data() + slot * 32;
    CHECK((code[0] == 0x48) == (slot != 2047));
    CHECK(code[12] == 0xF4);
    CHECK(code[31] == 0xF4);
  }
}

// An image with this header: what AdoptImage says about it.
Failure Adopt(const ImageHeader& header, uint64_t size, int seals = F_SEAL_WRITE | F_SEAL_GROW |
                                                                    F_SEAL_SHRINK | F_SEAL_SEAL,
              const ValidatorPolicy& policy = {}) {
  auto fd = MakeImageFile();
  REQUIRE(fd.ok());
  REQUIRE(pwrite(fd.value().get(), &header, sizeof header, 0) == sizeof header);
  REQUIRE(ftruncate(fd.value().get(), static_cast<off_t>(size)) == 0);
  REQUIRE(fcntl(fd.value().get(), F_ADD_SEALS, seals) == 0);
  auto image = AdoptImage(std::move(fd.value()), policy);
  return image.ok() ? Failure{} : image.error();
}

TEST_CASE("an image is adopted only with all seals, our version and a layout that holds") {
  const PreparedImage good = HelloImage();
  const uint64_t size = ImageSizeBytes(good.layout());
  CHECK_FALSE(Adopt(good.header, size).failed());
  CHECK(Adopt(good.header, size, F_SEAL_GROW | F_SEAL_SHRINK).code == "image-invalid");
  CHECK(Adopt(good.header, size + 4096).code == "image-invalid");
  const std::pair<const char*, std::function<void(ImageHeader&)>> changes[] = {
      {"magic", [](ImageHeader& h) { h.magic ^= 1; }},
      {"version", [](ImageHeader& h) { ++h.version; }},
      {"profile", [](ImageHeader& h) { h.profile_needed = 2; }},
      {"digest with a quote", [](ImageHeader& h) { h.nexe_sha256_hex[3] = '"'; }},
      {"digest with a capital", [](ImageHeader& h) { h.nexe_sha256_hex[63] = 'A'; }},
      {"digest missing", [](ImageHeader& h) { h.nexe_sha256_hex[0] = 0; }},
      {"text end in the stack", [](ImageHeader& h) { h.layout.text_end = 0xFF010000; }},
      {"text end not a page", [](ImageHeader& h) { h.layout.text_end = 0x30020; }},
      {"text without halts", [](ImageHeader& h) { h.layout.text.file_size_bytes = 0x10000; }},
      {"entry in the trampolines", [](ImageHeader& h) { h.layout.entry = 0x10000; }},
      {"entry behind the text", [](ImageHeader& h) { h.layout.entry = 0x30000; }},
      {"entry inside a bundle", [](ImageHeader& h) { h.layout.entry = 0x20001; }},
      {"data on the text", [](ImageHeader& h) { h.layout.data.start = 0x20000; }},
      {"data off the page", [](ImageHeader& h) { h.layout.data.start += 16; }},
      {"data larger in the file", [](ImageHeader& h) { h.layout.data.file_size_bytes = 1 << 30; }},
      {"data into the stack", [](ImageHeader& h) { h.layout.data.memory_size_bytes = 0xFF000000; }},
      {"data wraps", [](ImageHeader& h) { h.layout.data.memory_size_bytes = ~uint64_t{0}; }},
      {"rodata behind the break", [](ImageHeader& h) { h.layout.rodata.start = 0xFE000000; }},
      {"break in the stack", [](ImageHeader& h) { h.layout.break_address = 0xFF000001; }},
      {"break in the text", [](ImageHeader& h) { h.layout.break_address = 0x20000; }},
  };
  for (const auto& [name, change] : changes) {
    CAPTURE(name);
    ImageHeader header = good.header;
    change(header);
    CHECK(Adopt(header, size).code == "image-invalid");
  }
}

TEST_CASE("an image judged under weaker rules than asked for is refused, under stronger ones not") {
  const PreparedImage good = HelloImage();
  const uint64_t size = ImageSizeBytes(good.layout());
  const auto adopt = [&](const ValidatorPolicy& made, Profile needed,
                         const ValidatorPolicy& asked) {
    ImageHeader header = good.header;
    header.profile_needed = static_cast<uint32_t>(needed);
    StampPolicy(made, header);
    return Adopt(header, size, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, asked);
  };
  const ValidatorPolicy nacl, zvm = {.profile = Profile::kZvm};
  CHECK_FALSE(adopt(nacl, Profile::kNacl, nacl).failed());
  CHECK_FALSE(adopt(zvm, Profile::kNacl, nacl).failed());
  CHECK_FALSE(adopt(zvm, Profile::kZvm, zvm).failed());
  const Failure profile = adopt(zvm, Profile::kZvm, nacl);
  CHECK(profile.code == "profile-refused");
  CHECK(profile.status == ENOEXEC);
  const ValidatorPolicy strict[] = {
      {.refuse_rdtsc = true},
      {.refuse_cpuid = true},
      {.refuse_non_temporal = true},
      {.features = CpuFeatures::All().Without(CpuFeature::kAvx2)},
  };
  for (const ValidatorPolicy& asked : strict) {
    const Failure refused = adopt(nacl, Profile::kNacl, asked);
    CHECK(refused.code == "policy-refused");
    CHECK(refused.status == ENOEXEC);
    CHECK_FALSE(adopt(asked, Profile::kNacl, asked).failed());
    CHECK_FALSE(adopt(asked, Profile::kNacl, nacl).failed());
  }
}

TEST_CASE("what is no program is refused by the child, with the loader's words") {
  UniqueFd text(memfd_create("test", 0));
  REQUIRE(write(text.get(), "hello", 5) == 5);
  auto refused = PrepareProgram(text.get(), {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().failure.code == "elf-truncated-header");
  CHECK_FALSE(refused.error().validated);
}

}  // namespace
}  // namespace zvm
