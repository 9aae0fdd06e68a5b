// Every row of docs/abi.md §1.2: one mutation of a good file, the code and the exit status.
#include "loader/elf_image.h"

#include <doctest/doctest.h>
#include <elf.h>

#include <cstring>
#include <functional>
#include <random>
#include <vector>

namespace zvm {
namespace {

constexpr size_t kTextOffset = 0x1000;
constexpr size_t kTextSize = 0x40;

// A small good file: text, rodata at 0x30000, data and bss at 0x40000.
struct TestFile {
  Elf64_Ehdr ehdr{};
  std::vector<Elf64_Phdr> phdrs;
  size_t size = 0x4000;

  TestFile() {
    std::memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
    ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    ehdr.e_type = ET_EXEC;
    ehdr.e_machine = EM_X86_64;
    ehdr.e_version = EV_CURRENT;
    ehdr.e_entry = ZVM_TEXT_START;
    ehdr.e_phoff = sizeof ehdr;
    ehdr.e_phentsize = sizeof(Elf64_Phdr);
    phdrs = {Segment(PF_R | PF_X, ZVM_TEXT_START, kTextOffset, kTextSize, kTextSize),
             Segment(PF_R, 0x30000, 0x2000, 0x100, 0x100),
             Segment(PF_R | PF_W, 0x40000, 0x3000, 0x80, 0x12345)};
  }

  static Elf64_Phdr Segment(uint32_t flags, uint64_t vaddr, uint64_t offset, uint64_t file_size,
                            uint64_t memory_size) {
    Elf64_Phdr phdr{};
    phdr.p_type = PT_LOAD;
    phdr.p_flags = flags;
    phdr.p_vaddr = vaddr;
    phdr.p_offset = offset;
    phdr.p_filesz = file_size;
    phdr.p_memsz = memory_size;
    return phdr;
  }

  std::vector<uint8_t> Bytes() const {
    std::vector<uint8_t> bytes(size);
    Elf64_Ehdr out = ehdr;
    if (out.e_phnum == 0) {
      out.e_phnum = static_cast<uint16_t>(phdrs.size());
    }
    std::memcpy(bytes.data(), &out, std::min(size, sizeof out));
    if (size >= sizeof out + phdrs.size() * sizeof(Elf64_Phdr)) {
      std::memcpy(bytes.data() + sizeof out, phdrs.data(), phdrs.size() * sizeof(Elf64_Phdr));
    }
    return bytes;
  }
};

struct Case {
  const char* name;
  std::function<void(TestFile&)> mutate;
  LoadCode code;
  int status;
};

Elf64_Phdr Header(uint32_t type, uint32_t flags, uint64_t vaddr, uint64_t memory_size) {
  Elf64_Phdr phdr = TestFile::Segment(flags, vaddr, 0, 0, memory_size);
  phdr.p_type = type;
  return phdr;
}

const Case kCases[] = {
    {"63 bytes", [](TestFile& f) { f.size = 63; }, LoadCode::kTruncatedHeader, 5},
    {"129 headers", [](TestFile& f) { f.ehdr.e_phnum = 129; }, LoadCode::kTooManyProgramHeaders, 8},
    {"small headers", [](TestFile& f) { f.ehdr.e_phentsize = 55; }, LoadCode::kProgramHeaderSize,
     8},
    {"headers behind the file", [](TestFile& f) { f.ehdr.e_phoff = f.size + 1; },
     LoadCode::kProgramHeaderOffset, 5},
    {"headers at the end", [](TestFile& f) { f.ehdr.e_phoff = f.size - 8; },
     LoadCode::kTruncatedProgramHeaders, 5},
    {"headers at 2^64-1", [](TestFile& f) { f.ehdr.e_phoff = UINT64_MAX; },
     LoadCode::kProgramHeaderOffset, 5},
    {"magic", [](TestFile& f) { f.ehdr.e_ident[1] = 'e'; }, LoadCode::kNotElf, 8},
    {"32 bits", [](TestFile& f) { f.ehdr.e_ident[EI_CLASS] = ELFCLASS32; }, LoadCode::kClass, 8},
    {"shared object", [](TestFile& f) { f.ehdr.e_type = ET_DYN; }, LoadCode::kType, 8},
    {"machine", [](TestFile& f) { f.ehdr.e_machine = EM_386; }, LoadCode::kMachine, 8},
    {"version", [](TestFile& f) { f.ehdr.e_version = 2; }, LoadCode::kVersion, 8},
    {"writable text", [](TestFile& f) { f.phdrs[0].p_flags |= PF_W; }, LoadCode::kSegmentKind, 8},
    {"unknown flag bit", [](TestFile& f) { f.phdrs[1].p_flags |= 8; }, LoadCode::kSegmentKind, 8},
    {"executable stack",
     [](TestFile& f) { f.phdrs.push_back(Header(PT_GNU_STACK, 7, 0x20000, 1)); },
     LoadCode::kSegmentKind, 8},
    {"unknown type", [](TestFile& f) { f.phdrs.push_back(Header(PT_SHLIB, PF_R, 0x20000, 1)); },
     LoadCode::kSegmentKind, 8},
    {"two rodata", [](TestFile& f) { f.phdrs.push_back(f.phdrs[1]); }, LoadCode::kSegmentRepeated,
     8},
    {"two notes",
     [](TestFile& f) {
       f.phdrs.push_back(Header(PT_NOTE, PF_R, 0, 1));
       f.phdrs.push_back(Header(PT_NOTE, PF_R, 0, 1));
     },
     LoadCode::kSegmentRepeated, 8},
    {"text at 0x20020", [](TestFile& f) { f.phdrs[0].p_vaddr += 32; }, LoadCode::kTextAddress, 8},
    {"data on the trampolines", [](TestFile& f) { f.phdrs[2].p_vaddr = 0x10000; },
     LoadCode::kSegmentAddress, 8},
    {"stack header below the text",
     [](TestFile& f) { f.phdrs.push_back(Header(PT_GNU_STACK, PF_R | PF_W, 0x1FFFF, 1)); },
     LoadCode::kSegmentAddress, 8},
    {"end at 4 GiB", [](TestFile& f) { f.phdrs[2].p_memsz = 0xFFFC0000; }, LoadCode::kSegmentEnd,
     8},
    {"end wraps", [](TestFile& f) { f.phdrs[2].p_memsz = UINT64_MAX; }, LoadCode::kSegmentEnd, 8},
    {"start above 4 GiB", [](TestFile& f) { f.phdrs[2].p_vaddr = 0x100000000; },
     LoadCode::kSegmentEnd, 8},
    {"file larger than memory", [](TestFile& f) { f.phdrs[1].p_filesz = 0x101; },
     LoadCode::kSegmentFileSize, 8},
    {"no text", [](TestFile& f) { f.phdrs.erase(f.phdrs.begin()); }, LoadCode::kNoText, 8},
    {"text of size 0 is skipped", [](TestFile& f) { f.phdrs[0].p_memsz = 0; }, LoadCode::kNoText,
     8},
    {"entry inside a bundle", [](TestFile& f) { f.ehdr.e_entry = 0x20010; }, LoadCode::kEntry, 8},
    {"entry at the end of the text", [](TestFile& f) { f.ehdr.e_entry = 0x20040; },
     LoadCode::kEntry, 8},
    {"entry in the trampolines", [](TestFile& f) { f.ehdr.e_entry = 0x10000; }, LoadCode::kEntry,
     8},
    {"entry 0", [](TestFile& f) { f.ehdr.e_entry = 0; }, LoadCode::kEntry, 8},
    {"entry above 4 GiB", [](TestFile& f) { f.ehdr.e_entry = 0x100020000; }, LoadCode::kEntry, 8},
    {"data not last", [](TestFile& f) { f.phdrs[1].p_vaddr = 0x100000; }, LoadCode::kSegmentOrder,
     8},
    {"rodata into data", [](TestFile& f) { f.phdrs[1].p_memsz = 0x10001; }, LoadCode::kSegmentOrder,
     8},
    {"data inside the text",
     [](TestFile& f) {
       f.phdrs.erase(f.phdrs.begin() + 1);
       f.phdrs[1].p_vaddr = 0x20000;
     },
     LoadCode::kSegmentOrder, 8},
    {"rodata off the map page", [](TestFile& f) { f.phdrs[1].p_vaddr = 0x31000; },
     LoadCode::kSegmentAlignment, 8},
    {"data into the stack", [](TestFile& f) { f.phdrs[2].p_memsz = 0xFF000001 - 0x40000; },
     LoadCode::kStackOverlap, 14},
    {"offset behind the file", [](TestFile& f) { f.phdrs[1].p_offset = 0x4001; },
     LoadCode::kSegmentOutsideFile, 8},
    {"bytes behind the file", [](TestFile& f) { f.phdrs[1].p_offset = 0x3F01; },
     LoadCode::kSegmentOutsideFile, 8},
    {"offset wraps", [](TestFile& f) { f.phdrs[1].p_offset = UINT64_MAX; },
     LoadCode::kSegmentOutsideFile, 8},
    {"no room for halts",
     [](TestFile& f) {
       f.size = 0x20000;
       f.phdrs[0].p_filesz = f.phdrs[0].p_memsz = 0x10000 - 31;
     },
     LoadCode::kNoHaltSled, 14},
    {"text ends where rodata starts",
     [](TestFile& f) {
       f.size = 0x20000;
       f.phdrs[0].p_filesz = f.phdrs[0].p_memsz = 0x10000;
     },
     LoadCode::kNoHaltSled, 14},
};

TEST_CASE("each violation has its code and its classic exit status") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    TestFile file;
    c.mutate(file);
    auto layout = ParseNexe(file.Bytes());
    REQUIRE_FALSE(layout.ok());
    CHECK(LoadCodeName(layout.error().code) == LoadCodeName(c.code));
    CHECK(LoadCodeStatus(layout.error().code) == c.status);
    CHECK_FALSE(LoadCodeReason(layout.error().code).empty());
  }
}

TEST_CASE("a good file gives its layout") {
  auto layout = ParseNexe(TestFile().Bytes());
  REQUIRE(layout.ok());
  CHECK(layout.value().entry == 0x20000);
  CHECK(layout.value().text_end == 0x30000);
  CHECK(layout.value().break_address == 0x40000 + 0x12345);
  CHECK(layout.value().rodata.end() == 0x30100);
}

TEST_CASE("the break without a data segment is rounded, with room for the halts") {
  TestFile file;
  file.phdrs.pop_back();
  auto with_rodata = ParseNexe(file.Bytes());
  REQUIRE(with_rodata.ok());
  CHECK(with_rodata.value().break_address == 0x40000);
  file.phdrs.pop_back();
  auto text_only = ParseNexe(file.Bytes());
  REQUIRE(text_only.ok());
  CHECK(text_only.value().break_address == 0x30000);
  file.size = 0x20000;
  file.phdrs[0].p_filesz = file.phdrs[0].p_memsz = 0x10000 - 16;
  auto full_page = ParseNexe(file.Bytes());
  REQUIRE(full_page.ok());
  CHECK(full_page.value().text_end == 0x40000);
  CHECK(full_page.value().break_address == 0x40000);
}

TEST_CASE("headers that old toolchains write are accepted") {
  TestFile file;
  file.ehdr.e_ident[EI_OSABI] = 123;
  file.ehdr.e_ident[EI_ABIVERSION] = 7;
  file.ehdr.e_flags = 0x200000;
  file.phdrs.push_back(Header(PT_GNU_STACK, 7, 0, 0));
  file.phdrs.push_back(Header(PT_TLS, PF_R, 0, 0x10));
  file.phdrs.push_back(Header(PT_PHDR, PF_R, 0x20000, 0x10));
  CHECK(ParseNexe(file.Bytes()).ok());
}

// The invariants that the sandbox builds on, for whatever bytes come.
void CheckInvariants(const NexeLayout& layout, uint64_t file_size) {
  CHECK(layout.text.start == ZVM_TEXT_START);
  CHECK(layout.entry % 32 == 0);
  CHECK(layout.entry >= ZVM_TEXT_START);
  CHECK(layout.entry < layout.text.file_end());
  CHECK(layout.text_end % 0x10000 == 0);
  CHECK(layout.text_end >= layout.text.file_end() + 32);
  CHECK(layout.text_end <= ZVM_STACK_START);
  CHECK(layout.break_address <= ZVM_STACK_START);
  for (const NexeSegment* segment : {&layout.text, &layout.rodata, &layout.data}) {
    CHECK(segment->file_size_bytes <= segment->memory_size_bytes);
    if (segment->file_size_bytes != 0) {
      CHECK(segment->file_offset <= file_size);
      CHECK(segment->file_size_bytes <= file_size - segment->file_offset);
    }
  }
  if (layout.rodata.present()) {
    CHECK(layout.text_end <= layout.rodata.start);
    CHECK(layout.rodata.end() <= layout.break_address);
  }
  if (layout.data.present()) {
    CHECK(layout.text_end <= layout.data.start);
    CHECK(layout.rodata.end() <= layout.data.start);
  }
}

TEST_CASE("ten thousand mutations keep the invariants or are refused") {
  std::mt19937_64 random(20130611);
  unsigned accepted = 0;
  const std::vector<uint8_t> good = TestFile().Bytes();
  const size_t header_bytes = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
  for (int round = 0; round < 10000; ++round) {
    std::vector<uint8_t> bytes = good;
    const unsigned changes = 1 + random() % 3;
    for (unsigned i = 0; i < changes; ++i) {
      bytes[random() % header_bytes] = static_cast<uint8_t>(random());
    }
    auto layout = ParseNexe(bytes);
    if (layout.ok()) {
      ++accepted;
      CheckInvariants(layout.value(), bytes.size());
    }
  }
  CHECK(accepted > 100);
}

}  // namespace
}  // namespace zvm
