// Warm memory in this process: what is cleaned, what is given back, and that a page which appeared
// without being noticed ends the worker instead of reaching the next session.
#include "sandbox/warm_memory.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cstring>

#include "sandbox/page_map.h"
#include "sandbox/window_access.h"
#include "window_fixture.h"

namespace zvm {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t Faults() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_minflt) + static_cast<uint64_t>(usage.ru_majflt);
}

struct Warm {
  Window window;
  UniqueFd pagemap = OpenPageMap();
  WarmMemory memory;

  explicit Warm(bool with_page_map = true) {
    REQUIRE_FALSE(memory.SetUp(with_page_map ? pagemap.get() : -1).failed());
    REQUIRE_FALSE(memory.SetProgram(window.image).failed());
  }
  uint8_t* Heap(uint64_t offset) { return WindowHost(window.space.heap_start() + offset); }
  uint8_t* Stack(uint64_t offset) { return WindowHost(ZVM_STACK_START + offset); }
  bool Restore() { return memory.Restore(window.space, Faults()); }
};

#if __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace

TEST_CASE("bytes of data come back, all others are zeros, whichever way memory is restored") {
  for (const bool with_page_map : {true, false}) {
    Warm warm(with_page_map);
    const uint8_t data = *warm.Heap(0), block = *warm.Heap(8);
    for (int session = 0; session < 200; ++session) {
      *warm.Heap(0) = 0xAA;
      *warm.Heap(8) = 0xAB;
      *warm.Heap(9 << 20) = 0xAC;
      *warm.Stack(16) = 0xAD;
      *warm.Stack((16 << 20) - 1) = 0xAE;
      REQUIRE(warm.Restore());
      CHECK(*warm.Heap(0) == data);
      CHECK(*warm.Heap(8) == block);
      CHECK(*warm.Heap(9 << 20) == 0);
      CHECK(*warm.Stack(16) == 0);
      CHECK(*warm.Stack((16 << 20) - 1) == 0);
    }
    CHECK((warm.memory.drop_count() == 0) == with_page_map);
    // The sanitizer's own page faults make the kernel be asked more often.
    CHECK((warm.memory.scan_count() < 50 || !with_page_map || kSanitized));
  }
}

TEST_CASE("what is too large or too scattered is given back") {
  Warm warm;
  std::memset(warm.Heap(1 << 20), 0xAA, kWarmMemoryMax + kPage > (14 << 20) ? 14 << 20 : 1);
  std::memset(warm.Stack(0), 0xAA, 4 << 20);
  REQUIRE(warm.Restore());
  CHECK(warm.memory.drop_count() == 1);
  CHECK(*warm.Heap(2 << 20) == 0);
  CHECK(*warm.Stack(1 << 20) == 0);
  for (uint64_t page = 0; page < 2000; page += 2) {
    *warm.Heap((1 << 20) + page * kPage) = 0xAA;
  }
  REQUIRE(warm.Restore());
  CHECK(warm.memory.drop_count() == 2);
  CHECK(*warm.Heap(1 << 20) == 0);
  std::memset(warm.Heap(1 << 20), 0xAA, kIdleMemoryMax + kPage);
  REQUIRE(warm.Restore());
  CHECK(warm.memory.drop_count() == 2);
  REQUIRE(warm.memory.Trim(warm.window.space));
  CHECK(warm.memory.drop_count() == 3);
  CHECK(warm.memory.kept_bytes() == 0);
}

TEST_CASE("a fault counter that does not tell of a new page is found out") {
  Warm warm;
  const uint64_t counter = Faults();
  REQUIRE(warm.memory.Restore(warm.window.space, counter));
  REQUIRE(warm.memory.Restore(warm.window.space, counter));
  *warm.Heap(5 << 20) = 0xAA;  // its fault is kept from the memory
  unsigned sessions = 0;
  while (warm.memory.Restore(warm.window.space, counter)) {
    REQUIRE(++sessions <= kScanEvery);
  }
  CHECK(sessions < kScanEvery);
}

}  // namespace zvm
