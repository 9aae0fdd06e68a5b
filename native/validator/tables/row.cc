// Parses allow-list rows strictly: an unknown word anywhere ends the build.
#include "validator/tables/row.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "validator/decode_word.h"
#include "validator/features.h"

namespace zvm {

void Fail(const std::string& message) {
  std::fprintf(stderr, "allow-list: %s\n", message.c_str());
  std::exit(1);
}

namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

unsigned ParseHexByte(const std::string& text) {
  if (text.size() != 2 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    Fail("bad opcode " + text);
  }
  return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 16));
}

uint32_t ParseMap(const std::string& name, bool& vex) {
  static const char* const kLegacy[] = {"one", "0f", "0f38", "0f3a"};
  static const char* const kVex[] = {"", "vex1", "vex2", "vex3"};
  for (uint32_t i = 0; i < 4; ++i) {
    if (name == kLegacy[i]) {
      vex = false;
      return i;
    }
    if (name == kVex[i]) {
      vex = true;
      return i;
    }
  }
  Fail("unknown map " + name);
}

unsigned ImmBytes(const std::string& imm, bool size_64, bool size_16) {
  if (imm == "z") {
    return size_16 ? 2 : 4;
  }
  if (imm == "o") {
    return size_16 ? 2 : size_64 ? 8 : 4;
  }
  if (imm == "0" || imm == "1" || imm == "2" || imm == "4") {
    return static_cast<unsigned>(imm[0] - '0');
  }
  Fail("bad immediate " + imm);
}

// The values that ".w0", ".l1", ".wx" allow; both when the row does not say.
std::vector<uint32_t> ParseBit(const std::vector<std::string>& parts, char name) {
  for (const std::string& part : parts) {
    if (part.size() == 2 && part[0] == name) {
      if (part[1] == 'x') {
        return {0, 1};
      }
      if (part[1] == '0' || part[1] == '1') {
        return {static_cast<uint32_t>(part[1] - '0')};
      }
    }
  }
  return {0, 1};
}

uint32_t ParsePrefix(const std::string& name, bool vex) {
  static const char* const kNames[] = {"np", "66", "f3", "f2", "66f2"};
  for (uint32_t i = 0; i < (vex ? 4u : 5u); ++i) {
    if (name == kNames[i]) {
      return i;
    }
  }
  Fail("unknown prefix " + name);
}

}  // namespace

std::vector<std::string> SplitFields(const std::string& line) {
  std::stringstream stream(line.substr(0, line.find('#')));
  std::vector<std::string> fields;
  for (std::string field; stream >> field;) {
    fields.push_back(field);
  }
  return fields;
}

std::vector<unsigned> ParseOpcodes(const std::string& list) {
  std::vector<unsigned> opcodes;
  for (const std::string& item : Split(list, ',')) {
    const bool range = item.size() == 5 && item[2] == '-';
    const unsigned first = ParseHexByte(item.substr(0, 2));
    const unsigned last = range ? ParseHexByte(item.substr(3)) : first;
    if ((!range && item.size() != 2) || last < first) {
      Fail("bad opcodes " + list);
    }
    for (unsigned opcode = first; opcode <= last; ++opcode) {
      opcodes.push_back(opcode);
    }
  }
  return opcodes;
}

bool Row::Has(const char* effect) const {
  return std::find(effects.begin(), effects.end(), effect) != effects.end();
}

bool Row::HasDigit(unsigned digit) const {
  return digits == "*" || digits.find(static_cast<char>('0' + digit)) != std::string::npos;
}

std::vector<Cell> Row::Cells() const {
  if (prefix == "v") {
    return {{0, 0, 0, false, ImmBytes(imm, false, false)},
            {0, 1, 0, false, ImmBytes(imm, true, false)},
            {1, 0, 0, true, ImmBytes(imm, false, true)}};
  }
  const std::vector<std::string> parts = Split(prefix, '.');
  std::vector<Cell> cells;
  for (uint32_t w : ParseBit(parts, 'w')) {
    for (uint32_t l : vex ? ParseBit(parts, 'l') : std::vector<uint32_t>{0}) {
      cells.push_back({ParsePrefix(parts[0], vex), w, l, false, ImmBytes(imm, false, false)});
    }
  }
  return cells;
}

Row ParseRow(const std::string& line) {
  static const char* const kEffects[] = {"-",     "wreg",  "wrm",    "wop",  "wacc",  "byte",
                                         "zext",  "free",  "nt",     "lock", "jump8", "jump32",
                                         "hint",  "norex", "v1111",  "nor",  "is4",   "fence",
                                         "nop90"};
  const std::vector<std::string> fields = SplitFields(line);
  if (fields.size() != 8) {
    Fail("a row has eight fields: " + line);
  }
  Row row;
  row.text = line;
  row.map = ParseMap(fields[0], row.vex);
  row.opcodes = ParseOpcodes(fields[1]);
  row.prefix = fields[2];
  row.form = fields[3];
  row.digits = fields[4];
  row.imm = fields[5];
  row.effects = Split(fields[6], ',');
  row.need = fields[7];
  for (const std::string& effect : row.effects) {
    if (std::find(std::begin(kEffects), std::end(kEffects), effect) == std::end(kEffects)) {
      Fail("unknown effect " + effect);
    }
  }
  if (row.form != "-" && row.form != "r" && row.form != "m" && row.form != "rm") {
    Fail("bad form in " + line);
  }
  if (row.digits != "*" && row.digits.find_first_not_of("01234567") != std::string::npos) {
    Fail("bad digits in " + line);
  }
  return row;
}

void FeatureMasks(const std::string& need, uint32_t& all_of, uint32_t& any_of) {
  if (need == "-" || need == "CPUID") {
    return;
  }
  const bool either = need.find('|') != std::string::npos;
  for (const std::string& name : Split(need, either ? '|' : '+')) {
    uint32_t bit = 0;
    for (uint32_t i = 0; i < static_cast<uint32_t>(CpuFeature::kCount); ++i) {
      bit |= FeatureName(static_cast<CpuFeature>(i)) == name ? 1u << i : 0;
    }
    if (bit == 0) {
      Fail("unknown feature " + name);
    }
    (either ? any_of : all_of) |= bit;
  }
}

}  // namespace zvm
