#include "window_fixture.h"

#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace zvm {
namespace {

// Program headers of hello that are data segments lose their size, so that the loader skips them.
UniqueFd WithoutData(int program) {
  UniqueFd copy(memfd_create("test-nexe", 0));
  std::vector<uint8_t> bytes(1 << 20);
  const ssize_t size = read(program, bytes.data(), bytes.size());
  REQUIRE(size > 0);
  Elf64_Ehdr ehdr;
  std::memcpy(&ehdr, bytes.data(), sizeof ehdr);
  for (int i = 0; i < ehdr.e_phnum; ++i) {
    Elf64_Phdr phdr;
    uint8_t* const at = bytes.data() + ehdr.e_phoff + i * sizeof phdr;
    std::memcpy(&phdr, at, sizeof phdr);
    if (phdr.p_flags == (PF_R | PF_W)) {
      phdr.p_memsz = phdr.p_filesz = 0;
      std::memcpy(at, &phdr, sizeof phdr);
    }
  }
  REQUIRE(write(copy.get(), bytes.data(), size) == size);
  return copy;
}

ChannelSpec NullChannel(const char* alias, bool readable) {
  ChannelSpec spec;
  spec.alias = alias;
  spec.limits = readable ? ChannelLimits{7, 8, 0, 0} : ChannelLimits{0, 0, 9, 10};
  ChannelSource source;
  source.path = "/dev/null";
  spec.sources.push_back(source);
  return spec;
}

}  // namespace

PreparedImage HelloImage(bool with_data) {
  auto program = OpenProgram((std::string(ZVM_BUILD_DIR) + "/guest/asm/hello.nexe").c_str());
  REQUIRE(program.ok());
  UniqueFd fd = with_data ? std::move(program.value()) : WithoutData(program.value().get());
  auto image = PrepareProgram(fd.get(), {});
  REQUIRE(image.ok());
  return std::move(image.value());
}

Window::Window(int64_t memory_bytes, bool with_data)
    : Window(HelloImage(with_data), memory_bytes) {}

Window::Window(PreparedImage program, int64_t memory_bytes) : image(std::move(program)) {
  std::vector<ChannelSpec> specs;
  specs.push_back(NullChannel("/dev/stderr", false));
  specs.push_back(NullChannel("/dev/stdin", true));
  specs.push_back(NullChannel("/dev/stdout", false));
  static StopRequest stop;
  REQUIRE_FALSE(AddressSpace::CheckMemory(image.layout(), memory_bytes).failed());
  REQUIRE_FALSE(channels.Check(std::move(specs)).failed());
  REQUIRE_FALSE(channels.Open({}, stop).failed());
  REQUIRE_FALSE(space.Reserve().failed());
  REQUIRE_FALSE(space.Map(image, memory_bytes).failed());
  REQUIRE_FALSE(space.WriteUserManifest(channels).failed());
  space.WriteStartInfo();
}

Window::~Window() {
  munmap(reinterpret_cast<void*>(ZVM_WINDOW_BASE - ZVM_GUARD_SIZE_BYTES),
         2 * ZVM_GUARD_SIZE_BYTES + ZVM_WINDOW_SIZE_BYTES);
}

}  // namespace zvm
