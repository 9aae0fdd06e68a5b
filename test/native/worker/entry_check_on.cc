// The worker of reset_test: tells on standard error, before each guest, digests of everything that
// the guest will find: every byte of every region, the rights of the whole window as the kernel has
// them, every register, captured on the way in. Reads all bytes: absent pages are not believed to
// be zeros. With ZVM_TEST_SKIP_RESET it is the control: nothing is restored.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/text_buffer.h"
#include "base/write_all.h"
#include "sandbox/guest_context.h"
#include "sandbox/window_access.h"
#include "worker/entry_check.h"

namespace zvm {

// What entry_probe.S writes.
struct EntryRegisters {
  uint64_t general[15];
  uint64_t flags;
  uint8_t fxsave[512];
  uint8_t vectors[32][64];
  uint64_t masks[8];
};
static_assert(sizeof(EntryRegisters) == 2752);

extern "C" {
void zvm_entry_probe();
alignas(64) EntryRegisters zvm_entry_registers;
}

namespace {

// The kernel's list of mappings, opened before the outer wall in the place of standard output,
// which a worker has on /dev/null and keeps.
constexpr int kMapsDescriptor = 1;
constexpr int kProbesMax = 3;
[[maybe_unused]] const bool g_opened = [] {
  return dup2(open("/proc/self/maps", O_RDONLY), kMapsDescriptor) == kMapsDescriptor;
}();

uint64_t Mix(uint64_t hash, uint64_t word) {
  const uint64_t mixed = (hash ^ word) * 0x9E3779B97F4A7C15;
  return mixed ^ (mixed >> 29);
}

// Four lanes: a fresh worker has tens of megabytes to be read a session.
uint64_t DigestBytes(const void* data, size_t size) {
  uint64_t lanes[4] = {size, 1, 2, 3};
  const auto* at = static_cast<const uint8_t*>(data);
  for (; size >= sizeof lanes; size -= sizeof lanes, at += sizeof lanes) {
    uint64_t words[4];
    std::memcpy(words, at, sizeof words);
    for (int i = 0; i < 4; ++i) {
      lanes[i] = Mix(lanes[i], words[i]);
    }
  }
  for (; size > 0; --size, ++at) {
    lanes[0] = Mix(lanes[0], *at);
  }
  return Mix(Mix(Mix(lanes[0], lanes[1]), lanes[2]), lanes[3]);
}

// One line of /proc/self/maps: where, rights and which file.
struct Mapping {
  uint64_t start = 0, end = 0;
  char rights[5] = {};
  uint64_t inode = 0;

  bool Continues(const Mapping& before) const {
    return before.end == start && std::memcmp(before.rights, rights, sizeof rights) == 0 &&
           before.inode == inode;
  }
};

Mapping ParseLine(const char* line) {
  Mapping mapping;
  char* at = nullptr;
  mapping.start = std::strtoull(line, &at, 16);
  mapping.end = std::strtoull(at + 1, &at, 16);
  std::memcpy(mapping.rights, at + 1, 4);
  at = std::strchr(at + 1, ' ');               // behind the rights
  at = std::strchr(at + 1, ' ');               // behind the offset
  at = std::strchr(at + 1, ' ');               // behind the device
  mapping.inode = std::strtoull(at, nullptr, 10);
  return mapping;
}

// Rights of the whole reservation. Neighbours that differ in nothing count as one.
uint64_t DigestRights() {
  static char text[64 * 1024];
  size_t size = 0;
  lseek(kMapsDescriptor, 0, SEEK_SET);
  for (ssize_t got; (got = read(kMapsDescriptor, text + size, sizeof text - 1 - size)) > 0;) {
    size += static_cast<size_t>(got);
  }
  ZVM_CHECK(size > 0 && size < sizeof text - 1);
  text[size] = 0;
  constexpr uint64_t kStart = ZVM_WINDOW_BASE - ZVM_GUARD_SIZE_BYTES;
  constexpr uint64_t kEnd = ZVM_WINDOW_BASE + ZVM_WINDOW_SIZE_BYTES + ZVM_GUARD_SIZE_BYTES;
  uint64_t digest = 0;
  Mapping run;
  const auto finish = [&] {
    digest = Mix(Mix(digest, run.start), run.end);
    digest = Mix(digest, DigestBytes(run.rights, 4));
    digest = Mix(digest, run.inode != 0);
  };
  for (const char* line = text; *line != 0; line = std::strchr(line, '\n') + 1) {
    const Mapping mapping = ParseLine(line);
    if (mapping.end <= kStart || mapping.start >= kEnd) {
      continue;
    }
    if (mapping.Continues(run)) {
      run.end = mapping.end;
    } else {
      finish();
      run = mapping;
    }
  }
  finish();
  return digest;
}

uint64_t DigestRegisters(const GuestRun& run) {
  const GuestContext saved = zvm_guest_context;
  std::memset(&zvm_entry_registers, 0, sizeof zvm_entry_registers);
  SetGuestStart(run);
  const uint64_t entry = zvm_guest_context.return_address;
  zvm_guest_context.return_address = reinterpret_cast<uint64_t>(&zvm_entry_probe);
  // A limit that passes on the way in makes the way end before the probe: then once more.
  for (int tries = 0; tries < kProbesMax && zvm_entry_registers.flags == 0; ++tries) {
    zvm_guest_context.stop = 0;
    EnterGuestAtStart(run);
  }
  zvm_guest_context = saved;
  return Mix(DigestBytes(&zvm_entry_registers, sizeof zvm_entry_registers), entry);
}

}  // namespace

void CheckEntry(const GuestRun& run) {
  FixedText<512> line;
  for (const GuestRegion& region : run.space->regions()) {
    line.AddHex(Mix(DigestBytes(WindowHost(region.start), region.end - region.start),
                    region.start ^ (region.end << 16) ^ region.rights),
                16);
    line.AddChar(' ');
  }
  line.AddHex(DigestRights(), 16).AddChar(' ');
  line.AddHex(DigestRegisters(run), 16).AddChar('\n');
  WriteAll(STDERR_FILENO, line.view());
}

bool SkipsReset() {
#ifdef ZVM_TEST_SKIP_RESET
  return true;
#else
  return false;
#endif
}

}  // namespace zvm
