// Build-time program: reads the allow-list and writes the packed decode tables as C++ initialisers.
// Usage: generate-tables ALLOW_LIST OUTPUT. Any row that it does not understand, and any two rows
// that claim the same cell, end the build.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "validator/decode_word.h"
#include "validator/features.h"
#include "validator/tables/row.h"

namespace zvm {
namespace {

using Group = std::array<uint32_t, 16>;

class Tables {
 public:
  void AddRow(const Row& row);
  void AddX87(const std::vector<std::string>& fields);
  void Add3dNow(const std::vector<std::string>& fields);
  void Write(std::ostream& out);

 private:
  uint32_t NeedId(const std::string& text, bool non_temporal);
  uint32_t WordOf(const Row& row, bool memory, unsigned imm, bool wide_default);
  void FillCell(const Row& row, uint32_t cell, bool vex, unsigned imm, bool wide_default);

  struct NeedText {
    std::string text;
    bool non_temporal;
  };
  std::vector<NeedText> needs_{{"-", false}};
  std::vector<Group> legacy_ = std::vector<Group>(kLegacyCells, Group{});
  std::vector<Group> vex_ = std::vector<Group>(kVexCells, Group{});
  std::array<uint8_t, 512> x87_{};
  std::array<uint8_t, 256> suffix_{};
};

uint32_t Tables::NeedId(const std::string& text, bool non_temporal) {
  for (size_t i = 0; i < needs_.size(); ++i) {
    if (needs_[i].text == text && needs_[i].non_temporal == non_temporal) {
      return static_cast<uint32_t>(i);
    }
  }
  needs_.push_back({text, non_temporal});
  if (needs_.size() > kMaxNeeds) {
    Fail("too many different needs");
  }
  return static_cast<uint32_t>(needs_.size() - 1);
}

// `wide_default`: the 32-bit cell (no 66, no REX.W), the only one where zext holds.
uint32_t Tables::WordOf(const Row& row, bool memory, unsigned imm, bool wide_default) {
  const bool modrm = row.form != "-";
  uint32_t word = kWordValid | ((imm + (modrm ? 1 : 0)) << kTailShift) |
                  (NeedId(row.need, row.Has("nt")) << kNeedShift) | (modrm ? kWordModRm : 0);
  const bool write_rm = row.Has("wrm") && !memory;
  const bool write_reg = row.Has("wreg");
  uint32_t dest = kDestNone;
  if (write_rm || row.Has("wop")) {
    dest = kDestRm;
  } else if (write_reg) {
    dest = kDestReg;
  } else if (row.Has("wacc")) {
    dest = kDestAcc;
  }
  word |= dest;
  // An exchange with memory writes its register but does not count as zero-extending it.
  const bool exchange_with_memory = memory && row.Has("wrm");
  word |= row.Has("zext") && wide_default && dest != kDestNone && !exchange_with_memory ? kWordZext
                                                                                      : 0;
  word |= write_rm && write_reg ? kWordAlsoReg : 0;
  word |= row.Has("byte") ? kWordByte : 0;
  word |= memory && !row.Has("free") ? kWordChecked : 0;
  word |= memory && row.Has("lock") ? kWordLock : 0;
  word |= row.Has("jump8") ? kWordJump8 : 0;
  word |= row.Has("jump32") ? kWordJump32 : 0;
  word |= row.Has("hint") ? kWordHint : 0;
  word |= row.Has("norex") ? kWordNoRex : 0;
  word |= row.Has("v1111") ? kWordVvvvUnused : 0;
  word |= row.Has("nor") ? kWordRUnused : 0;
  WordKind kind = WordKind::kPlain;
  if (row.Has("fence")) {
    kind = WordKind::kFence;
  } else if (row.Has("is4")) {
    kind = WordKind::kIs4;
  } else if (row.Has("nop90")) {
    kind = WordKind::kNop90;
  }
  word |= static_cast<uint32_t>(kind) << kWordKindShift;
  const bool plain = kind == WordKind::kPlain && !row.Has("norex") && !(word & kWordAlsoReg);
  return word | (plain ? kWordPlain : 0);
}

void Tables::FillCell(const Row& row, uint32_t cell, bool vex, unsigned imm, bool wide_default) {
  Group& group = vex ? vex_[cell] : legacy_[cell];
  for (unsigned form = 0; form < 2; ++form) {  // 0 memory, 1 register
    const bool memory = form == 0;
    if (row.form != "-" && row.form.find(memory ? 'm' : 'r') == std::string::npos) {
      continue;
    }
    for (unsigned digit = 0; digit < 8; ++digit) {
      if (row.HasDigit(digit)) {
        if (group[form * 8 + digit] != 0) {
          Fail("two rows claim one cell: " + row.text);
        }
        group[form * 8 + digit] = WordOf(row, memory && row.form != "-", imm, wide_default);
      }
    }
  }
}

void Tables::AddRow(const Row& row) {
  for (const Cell& cell : row.Cells()) {
    for (unsigned opcode : row.opcodes) {
      const uint32_t index =
          row.vex ? VexCell(row.map, cell.prefix, cell.w, cell.l, opcode)
                  : LegacyCell(static_cast<OpcodeMap>(row.map),
                               static_cast<PrefixClass>(cell.prefix), cell.w, opcode);
      const bool wide_default = cell.w == 0 && (!cell.operand_size_16);
      FillCell(row, index, row.vex, cell.imm, wide_default);
    }
  }
}

void Tables::AddX87(const std::vector<std::string>& fields) {
  if (fields.size() != 4) {
    Fail("an x87 row has four fields");
  }
  const unsigned first = ParseOpcodes(fields[1]).at(0);
  const uint32_t need = NeedId(fields[3], false);
  for (unsigned second : ParseOpcodes(fields[2])) {
    if (first < 0xd8 || first > 0xdf || second < 0xc0) {
      Fail("not an x87 register form");
    }
    x87_[(first - 0xd8) * 64 + second - 0xc0] = static_cast<uint8_t>(need);
  }
  for (uint32_t w = 0; w < 2; ++w) {
    Group& group = legacy_[LegacyCell(OpcodeMap::kOne, PrefixClass::kNone, w, first)];
    for (unsigned digit = 0; digit < 8; ++digit) {
      group[8 + digit] = kWordValid | kWordModRm | kDestNone | (1u << kTailShift) |
                         (static_cast<uint32_t>(WordKind::kX87) << kWordKindShift);
    }
  }
}

void Tables::Add3dNow(const std::vector<std::string>& fields) {
  if (fields.size() != 3) {
    Fail("a 3dnow row has three fields");
  }
  const uint32_t need = NeedId(fields[2], false);
  for (unsigned suffix : ParseOpcodes(fields[1])) {
    suffix_[suffix] = static_cast<uint8_t>(need);
  }
  for (uint32_t w = 0; w < 2; ++w) {
    Group& group = legacy_[LegacyCell(OpcodeMap::k0f, PrefixClass::kNone, w, 0x0f)];
    for (unsigned i = 0; i < 16; ++i) {
      group[i] = kWordValid | kWordModRm | kDestNone | (2u << kTailShift) |
                 (i < 8 ? kWordChecked : 0) |
                 (static_cast<uint32_t>(WordKind::k3dNow) << kWordKindShift);
    }
  }
}

template <class Values>
void WriteArray(std::ostream& out, const char* type, const char* name, const Values& values) {
  out << "constexpr " << type << " " << name << "[" << values.size() << "] = {";
  for (size_t i = 0; i < values.size(); ++i) {
    out << (i % 16 == 0 ? "\n" : "") << static_cast<uint64_t>(values[i]) << ",";
  }
  out << "};\n\n";
}

void Tables::Write(std::ostream& out) {
  std::map<Group, uint16_t> numbers{{Group{}, 0}};
  std::vector<uint32_t> words(16, 0);
  auto index_of = [&](const Group& group) {
    auto [it, added] = numbers.try_emplace(group, static_cast<uint16_t>(words.size()));
    if (added) {
      words.insert(words.end(), group.begin(), group.end());
      if (words.size() > kIndexMask) {
        Fail("too many groups");
      }
    }
    bool modrm = false;
    uint32_t typical = group[8];
    for (uint32_t word : group) {
      modrm |= (word & kWordModRm) != 0;
      typical = typical == 0 ? word : typical;
    }
    const uint32_t tail = (typical >> kTailShift) & kTailMask;
    return static_cast<uint16_t>(it->second | tail | (modrm ? kIndexModRm : 0));
  };
  std::vector<uint16_t> legacy;
  std::vector<uint16_t> vex;
  for (const Group& group : legacy_) {
    legacy.push_back(index_of(group));
  }
  for (const Group& group : vex_) {
    vex.push_back(index_of(group));
  }
  out << "// Generated from allow_list.txt by tables/generate.cc. Do not edit.\n\n";
  WriteArray(out, "uint16_t", "kLegacyIndex", legacy);
  WriteArray(out, "uint16_t", "kVexIndex", vex);
  WriteArray(out, "uint32_t", "kGroupWords", words);
  WriteArray(out, "uint8_t", "kX87Need", x87_);
  WriteArray(out, "uint8_t", "kSuffixNeed", suffix_);
  out << "constexpr Need kNeeds[" << needs_.size() << "] = {\n";
  for (const NeedText& need : needs_) {
    uint32_t all_of = 0;
    uint32_t any_of = 0;
    FeatureMasks(need.text, all_of, any_of);
    out << "{\"" << need.text << "\"," << all_of << "," << any_of << "," << need.non_temporal << ","
        << (need.text == "TSC") << "," << (need.text == "CPUID") << "},\n";
  }
  out << "};\n";
}

int Run(const char* list_path, const char* output_path) {
  std::ifstream list(list_path);
  if (!list) {
    Fail("cannot read the allow-list");
  }
  Tables tables;
  for (std::string line; std::getline(list, line);) {
    const std::vector<std::string> fields = SplitFields(line);
    if (fields.empty()) {
      continue;
    }
    if (fields[0] == "x87") {
      tables.AddX87(fields);
    } else if (fields[0] == "3dnow") {
      tables.Add3dNow(fields);
    } else {
      tables.AddRow(ParseRow(line));
    }
  }
  std::ofstream out(output_path);
  tables.Write(out);
  out.flush();
  return out ? 0 : 1;
}

}  // namespace
}  // namespace zvm

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: generate-tables ALLOW_LIST OUTPUT\n");
    return 2;
  }
  return zvm::Run(argv[1], argv[2]);
}
