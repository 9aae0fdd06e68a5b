// One row of the allow-list, parsed. Part of the build-time generator only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zvm {

// One opcode cell that a row covers, before its opcodes are applied.
struct Cell {
  uint32_t prefix;  // PrefixClass, or pp of a VEX prefix
  uint32_t w;
  uint32_t l;
  bool operand_size_16;  // 66 used as operand size, not as mandatory prefix
  unsigned imm;          // bytes
};

struct Row {
  std::string text;
  bool vex = false;
  uint32_t map = 0;  // OpcodeMap, or 1..3
  std::vector<unsigned> opcodes;
  std::string prefix;
  std::string form;
  std::string digits;
  std::string imm;
  std::vector<std::string> effects;
  std::string need;

  bool Has(const char* effect) const;
  bool HasDigit(unsigned digit) const;
  std::vector<Cell> Cells() const;
};

// All of these end the program with a message when the text is not understood.
[[noreturn]] void Fail(const std::string& message);
std::vector<std::string> SplitFields(const std::string& line);  // without the comment
std::vector<unsigned> ParseOpcodes(const std::string& list);
Row ParseRow(const std::string& line);
void FeatureMasks(const std::string& need, uint32_t& all_of, uint32_t& any_of);

}  // namespace zvm
