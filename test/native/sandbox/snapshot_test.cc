// Files that claim to be snapshots: each lie is refused before anything is laid into a window.
#include "sandbox/snapshot.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <vector>

namespace zvm {
namespace {

constexpr int64_t kMemory = 32 << 20;
constexpr GuestRegion kHeap = {0x40000, 0x1000000, kRightRead | kRightWrite};
constexpr GuestRegion kStack = {ZVM_STACK_START, ZVM_WINDOW_SIZE_BYTES, kRightRead | kRightWrite};

PreparedImage Image() {
  PreparedImage image;
  std::memset(image.header.nexe_sha256_hex, 'a', sizeof image.header.nexe_sha256_hex);
  image.header.layout.text_end = 0x30000;
  return image;
}

ChannelShape Shape() {
  ChannelShape shape;
  std::memset(shape.sha256_hex, 'c', sizeof shape.sha256_hex);
  return shape;
}

struct File {
  SnapshotHeader header;
  std::vector<uint32_t> pages = {0x40, 0x41, 0x100, 0xFF000, 0xFFFFF};
  int64_t extra_bytes = 0;
  bool sealed = true;

  File() {
    header.memory_bytes = kMemory;
    std::memset(header.nexe_sha256_hex, 'a', sizeof header.nexe_sha256_hex);
    header.channels = Shape();
    header.registers.rsp = 0xFFFFFF00;
    header.registers.rbp = 0xFFFFFFF8;
    header.registers.return_address = 0x20040;
    header.registers.mxcsr = 0x1F80;
    header.registers.fcw = 0x37F;
    header.page_count = static_cast<uint32_t>(pages.size());
  }

  UniqueFd Write() const {
    UniqueFd fd(memfd_create("snapshot", MFD_ALLOW_SEALING));
    const auto size = static_cast<off_t>(SnapshotSizeBytes(static_cast<uint32_t>(pages.size())));
    REQUIRE(ftruncate(fd.get(), size + extra_bytes) == 0);
    REQUIRE(pwrite(fd.get(), &header, sizeof header, 0) == sizeof header);
    REQUIRE(pwrite(fd.get(), pages.data(), pages.size() * 4, 4096) > 0);
    if (sealed) {
      REQUIRE_FALSE(SealImage(fd.get()).failed());
    }
    return fd;
  }

  // Everything that a session asks of it, in its order.
  Failure Judge() const {
    Snapshot snapshot;
    if (Failure failure = snapshot.Open(Write()); failure.failed()) {
      return failure;
    }
    if (Failure failure = snapshot.CheckFor(Image(), kMemory, Shape()); failure.failed()) {
      return failure;
    }
    return snapshot.CheckPages(kHeap, kStack);
  }
};

std::string_view CodeOf(const std::function<void(File&)>& change) {
  File file;
  change(file);
  return file.Judge().code;
}

}  // namespace

TEST_CASE("a snapshot as a worker makes it is taken") {
  CHECK(File().Judge().code == "");
  Snapshot snapshot;
  REQUIRE_FALSE(snapshot.Open(File().Write()).failed());
  CHECK(snapshot.page_count() == 5);
  CHECK(snapshot.address(4) == 0xFFFFF000);
  snapshot.Close();
  CHECK_FALSE(snapshot.valid());
}

TEST_CASE("a file that could still change, or adds up to something else, is none") {
  CHECK(CodeOf([](File& f) { f.sealed = false; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.extra_bytes = 1; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.extra_bytes = -4096; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.extra_bytes = -6 * 4096; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.header.magic ^= 1; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.header.version += 1; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.header.page_count = 4; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.header.page_count = 0xFFFFFFFF; }) == "snapshot-invalid");
  CHECK(CodeOf([](File& f) { f.header.page_count = 1u << 20; }) == "snapshot-invalid");
}

TEST_CASE("pages that are not the program's to write are refused, each place once") {
  const auto page = [](size_t i, uint32_t number) {
    return CodeOf([=](File& f) { f.pages[i] = number; });
  };
  CHECK(page(0, 0) == "snapshot-invalid");
  CHECK(page(0, 0x20) == "snapshot-invalid");      // text
  CHECK(page(0, 0x3F) == "snapshot-invalid");      // right below the heap
  CHECK(page(2, 0x1000) == "snapshot-invalid");    // right above it
  CHECK(page(3, 0xFEFFF) == "snapshot-invalid");   // the user manifest
  CHECK(page(4, 0x100000) == "snapshot-invalid");  // beyond 4 GiB
  CHECK(page(4, 0xFFFFFFFF) == "snapshot-invalid");
  CHECK(page(1, 0x40) == "snapshot-invalid");      // twice
  CHECK(page(1, 0x200) == "snapshot-invalid");     // descending
  CHECK(page(2, 0xFFF) == "");
}

TEST_CASE("registers that no guest has behind a trap are refused") {
  const auto set = [](const std::function<void(SnapshotRegisters&)>& change) {
    return CodeOf([&](File& f) { change(f.header.registers); });
  };
  CHECK(set([](auto& r) { r.rsp = 0xFFFFFFF1; }) == "snapshot-invalid");
  CHECK(set([](auto& r) { r.rsp = 0xFFFFFFF0; }) == "");
  CHECK(set([](auto& r) { r.return_address = 0x20041; }) == "snapshot-invalid");
  CHECK(set([](auto& r) { r.return_address = 0x10000; }) == "snapshot-invalid");
  CHECK(set([](auto& r) { r.return_address = 0x30000; }) == "snapshot-invalid");
  CHECK(set([](auto& r) { r.mxcsr = 0x11F80; }) == "snapshot-invalid");
  CHECK(set([](auto& r) { r.mxcsr = 0xFFFF; }) == "");
  CHECK(set([](auto& r) { r.fcw = 0xFFFF; }) == "");
  CHECK(set([](auto& r) { r.reserved[2] = 1; }) == "snapshot-invalid");
  CHECK(set([](auto& r) { r.rbx = r.r14 = ~uint64_t{0}; }) == "");
}

TEST_CASE("another program, memory or channels than it was made with") {
  CHECK(CodeOf([](File& f) { f.header.nexe_sha256_hex[63] = 'b'; }) == "snapshot-mismatch");
  CHECK(CodeOf([](File& f) { f.header.memory_bytes += 65536; }) == "snapshot-mismatch");
  CHECK(CodeOf([](File& f) { f.header.channels.sha256_hex[0] = 'd'; }) == "snapshot-mismatch");
}

TEST_CASE("a copy of a file is sealed and bounded") {
  const UniqueFd file = File().Write();
  REQUIRE(lseek(file.get(), 0, SEEK_SET) == 0);
  auto copy = CopySnapshotFile(file.get());
  REQUIRE(copy.ok());
  Snapshot snapshot;
  CHECK_FALSE(snapshot.Open(std::move(copy.value())).failed());
  const UniqueFd endless(open("/dev/zero", O_RDONLY));
  CHECK(CopySnapshotFile(endless.get()).error().code == "snapshot-invalid");
}

}  // namespace zvm
