// The window: which buffers pass, what jail takes, what the guest finds in its manifest, digests.
#include "sandbox/address_space.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "abi/user_manifest.h"
#include "window_fixture.h"

namespace zvm {
namespace {

constexpr uint64_t kHeapEnd = 0x1000000;  // 32 MiB - 16 MiB of stack
constexpr uint64_t kManifestPage = 0xFEFF0000;
constexpr int32_t kMiB = 1 << 20;

template <class T>
T GuestWord(uint64_t address) {
  T value;
  std::memcpy(&value, reinterpret_cast<const void*>(ZVM_WINDOW_BASE + address), sizeof value);
  return value;
}

struct BufferCase {
  const char* name;
  uint64_t address;
  int32_t size;
  GuestRight right;
  bool passes;
};
// docs/abi.md §3.3. kRightRead: the guest writes a channel from it; kRightWrite: reads into it.
const BufferCase kBufferCases[] = {
    {"null, empty", 0, 0, kRightRead, false},
    {"null", 0, 1, kRightRead, false},
    {"last byte of the null page", 0xFFFF, 1, kRightRead, false},
    {"trampolines", 0x10000, 32, kRightRead, true},
    {"trampolines, negative size", 0x10000, -1, kRightRead, true},
    {"text", 0x20000, 64, kRightRead, true},
    {"text as a target", 0x20000, 1, kRightWrite, false},
    {"rodata", 0x30000, 8, kRightRead, true},
    {"rodata as a target, empty", 0x30000, 0, kRightWrite, false},
    {"text into rodata", 0x2FFFF, 2, kRightRead, true},
    {"rodata into data", 0x3FFFF, 2, kRightRead, true},
    {"rodata into data as a target", 0x3FFFF, 2, kRightWrite, false},
    {"data", 0x40000, 1, kRightWrite, true},
    {"last byte of the heap", kHeapEnd - 1, 1, kRightWrite, true},
    {"end of the heap", kHeapEnd, 1, kRightRead, false},
    {"across the end of the heap", kHeapEnd - 1, 2, kRightRead, false},
    {"byte below the user manifest", kManifestPage - 1, 1, kRightRead, false},
    {"user manifest", kManifestPage, 0x10000, kRightRead, true},
    {"user manifest as a target", 0xFEFFFFFF, 1, kRightWrite, false},
    {"user manifest into the stack", 0xFEFFFFFF, 2, kRightRead, true},
    {"first byte of the stack", 0xFF000000, 1, kRightWrite, true},
    {"the whole stack", 0xFF000000, 16 * kMiB, kRightWrite, true},
    {"the stack and one byte", 0xFF000000, 16 * kMiB + 1, kRightWrite, false},
    {"last byte of the stack", 0xFFFFFFFF, 1, kRightWrite, true},
    {"last byte and one more", 0xFFFFFFFF, 2, kRightWrite, false},
    {"2^32", uint64_t{1} << 32, 1, kRightRead, false},
    {"garbage in the upper half", 0x100040000, 1, kRightRead, false},
    {"2^64 - 1", UINT64_MAX, 1, kRightRead, false},
    {"a host form address", ZVM_WINDOW_BASE + 0x40000, 1, kRightRead, false},
    {"largest size", 0x40000, INT32_MAX, kRightWrite, false},
    {"smallest size", 0x40000, INT32_MIN, kRightWrite, true},
};

TEST_CASE("buffers pass where every byte has the right, and nowhere else") {
  const Window window;
  for (const BufferCase& c : kBufferCases) {
    CAPTURE(c.name);
    const uint8_t* const got = window.space.CheckBuffer(c.address, c.size, c.right);
    CHECK((got != nullptr) == c.passes);
    if (c.passes) {
      CHECK(reinterpret_cast<uint64_t>(got) == ZVM_WINDOW_BASE + c.address);
    }
  }
}

TEST_CASE("a program without data has a heap, and its text is not in it") {
  Window window(32 << 20, false);
  CHECK(window.space.heap_start() == 0x40000);
  CHECK(window.space.CheckBuffer(0x40000, 16, kRightWrite) != nullptr);
  CHECK(window.space.CheckBuffer(0x20000, 16, kRightWrite) == nullptr);
  CHECK(window.space.Unjail(0x20000, 0x10000) == -EINVAL);
}

bool Accept(void* calls, std::span<const uint8_t>) {
  ++*static_cast<int*>(calls);
  return true;
}
bool Reject(void*, std::span<const uint8_t>) { return false; }

TEST_CASE("jail and unjail take whole pages of the heap only") {
  Window window;
  int calls = 0;
  struct {
    uint32_t address;
    int32_t size;
  } const bad[] = {{0x40000, 0},       {0x40000, -65536},    {0x40000, 32},     {0x40000, 4096},
                   {0x40000, 65535},   {0x40020, 65536},     {0x50001, 65536},  {0x20000, 65536},
                   {0x30000, 65536},   {0x30000, 2 * 65536}, {0, 65536},        {0x10000, 65536},
                   {0xFF0000, 2 * 65536}, {0x1000000, 65536}, {0xFEFF0000, 65536},
                   {0xFF000000, 65536}, {0xFF0000, 0x7F000000}};
  for (const auto& c : bad) {
    CAPTURE(c.address);
    CAPTURE(c.size);
    CHECK(window.space.Jail(c.address, c.size, Accept, &calls) == -EINVAL);
    CHECK(window.space.Unjail(c.address, c.size) == -EINVAL);
  }
  CHECK(calls == 0);
}

TEST_CASE("a jailed page is no buffer to read into until it is given back") {
  Window window;
  int calls = 0;
  REQUIRE(window.space.Jail(0x80000, 2 * 65536, Accept, &calls) == 0);
  CHECK(calls == 1);
  CHECK(window.space.CheckBuffer(0x80000, 1, kRightRead) != nullptr);
  CHECK(window.space.CheckBuffer(0x80000, 1, kRightWrite) == nullptr);
  CHECK(window.space.CheckBuffer(0x7FFFF, 2, kRightWrite) == nullptr);
  CHECK(window.space.CheckBuffer(0x9FFFF, 2, kRightWrite) == nullptr);
  CHECK(window.space.CheckBuffer(0xA0000, 1, kRightWrite) != nullptr);
  CHECK(window.space.Unjail(0x80000, 2 * 65536) == 0);
  CHECK(window.space.CheckBuffer(0x80000, 2 * 65536, kRightWrite) != nullptr);
}

TEST_CASE("a jailed chunk is never cut, by unjail or by another jail") {
  Window window;
  int calls = 0;
  REQUIRE(window.space.Jail(0x80000, 3 * 65536, Accept, &calls) == 0);
  REQUIRE(window.space.Jail(0xB0000, 65536, Accept, &calls) == 0);
  struct {
    uint32_t address;
    int32_t pages;
  } const cuts[] = {{0x80000, 1}, {0x80000, 2}, {0x90000, 1}, {0x90000, 2}, {0xA0000, 1},
                    {0xA0000, 2}, {0x70000, 2}, {0x70000, 3}};
  for (const auto& c : cuts) {
    CAPTURE(c.address);
    CAPTURE(c.pages);
    CHECK(window.space.Jail(c.address, c.pages * 65536, Accept, &calls) == -EINVAL);
    CHECK(window.space.Unjail(c.address, c.pages * 65536) == -EINVAL);
  }
  CHECK(calls == 2);
  CHECK(window.space.Unjail(0xB0000, 65536) == 0);
  CHECK(window.space.Jail(0x80000, 4 * 65536, Accept, &calls) == 0);
  CHECK(window.space.Unjail(0xB0000, 65536) == -EINVAL);
  CHECK(window.space.Jail(0x70000, 6 * 65536, Reject, nullptr) == -EPERM);
  CHECK(window.space.Unjail(0x90000, 65536) == 0);
}

TEST_CASE("refused code stays writable memory, also where a part had been jailed") {
  Window window;
  int calls = 0;
  CHECK(window.space.Jail(0x80000, 65536, Reject, nullptr) == -EPERM);
  REQUIRE(window.space.Jail(0x90000, 65536, Accept, &calls) == 0);
  CHECK(window.space.Jail(0x80000, 3 * 65536, Reject, nullptr) == -EPERM);
  uint8_t* const page = window.space.CheckBuffer(0x80000, 3 * 65536, kRightWrite);
  REQUIRE(page != nullptr);
  page[0] = page[65536] = page[3 * 65536 - 1] = 1;
}

TEST_CASE("the user manifest: pointer, record, channels in order, names") {
  const Window window;
  const auto record_at = GuestWord<uint32_t>(ZVM_USER_MANIFEST_POINTER);
  CHECK(record_at == 0xFF000000 - 48 * 3 - 24);
  const auto record = GuestWord<zvm_user_manifest>(record_at);
  CHECK(record.heap_start == window.image.layout().break_address);
  CHECK(record.heap_start + record.heap_size_bytes == kHeapEnd);
  CHECK(record.stack_size_bytes == 0x1000000);
  CHECK(record.channel_count == 3);
  CHECK(record.channels == 0xFEFFFFFC - 48 * 3);
  const char* const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (uint32_t i = 0; i < 3; ++i) {
    const auto channel = GuestWord<zvm_channel_record>(record.channels + 48 * i);
    CHECK(std::string(reinterpret_cast<const char*>(ZVM_WINDOW_BASE + channel.name)) == names[i]);
    CHECK(channel.reads_limit == (i == 0 ? 7 : 0));
    CHECK(channel.write_bytes_limit == (i == 0 ? 0 : 10));
    CHECK(channel.size_bytes == 0);
  }
}

TEST_CASE("the heap ends at the user manifest when memory is 4 GiB") {
  const Window window(int64_t{1} << 32);
  CHECK(window.space.heap_end() == kManifestPage);
  CHECK(window.space.CheckBuffer(kManifestPage - 1, 1, kRightWrite) != nullptr);
  CHECK(window.space.CheckBuffer(kManifestPage - 1, 2, kRightWrite) == nullptr);
}

TEST_CASE("entry state on the stack: argc 1, an empty argument") {
  const Window window;
  const uint64_t stack = window.space.entry_stack_pointer().value;
  CHECK(stack % 16 == 8);
  CHECK(GuestWord<uint64_t>(stack) == 0);
  CHECK(GuestWord<uint32_t>(stack + 16) == 1);
  CHECK(GuestWord<uint32_t>(stack + 20) == 0xFFFFFFF0);
  CHECK(GuestWord<uint8_t>(0xFFFFFFF0) == 0);
}

TEST_CASE("the memory digest is the same with and without the page map") {
  Window window;
  uint8_t* const heap = window.space.CheckBuffer(0x500000, 4096, kRightWrite);
  std::memset(heap, 0x5A, 4096);
  const UniqueFd pagemap(open("/proc/self/pagemap", O_RDONLY));
  Digest scanned(DigestAlgorithm::kSha1), plain(DigestAlgorithm::kSha1);
  const StopRequest stop;
  REQUIRE(window.space.DigestMemory(scanned, pagemap.get(), stop));
  REQUIRE(window.space.DigestMemory(plain, -1, stop));
  CHECK(scanned.Value().view() == plain.Value().view());
  heap[4095] = 0;
  Digest changed(DigestAlgorithm::kSha1);
  REQUIRE(window.space.DigestMemory(changed, pagemap.get(), stop));
  CHECK(changed.Value().view() != plain.Value().view());
}

TEST_CASE("a window that is taken is not taken again") {
  const Window window;
  AddressSpace second;
  CHECK(second.Reserve().code == "window-reserve-failed");
}

}  // namespace
}  // namespace zvm
