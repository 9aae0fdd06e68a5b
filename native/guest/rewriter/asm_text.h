// The AT&T assembly text that GCC writes, cut into statements and operands. Views into the caller's
// text, no copies. Rules live in rewriter.cc and its neighbours; nothing here knows the sandbox.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "guest/rewriter/registers.h"

namespace zvm::guest {

inline constexpr size_t kOperandsMax = 6;

// A memory operand: [segment:]displacement(base,index,scale), or a displacement alone.
struct MemoryOperand {
  std::string_view segment;       // "%fs" or empty
  std::string_view displacement;  // may be empty
  Register base;
  Register index;
  std::string_view scale;  // empty: 1

  bool HasIndex() const { return index.ok() && index.number != kNoIndex; }
  bool IsRip() const { return base.Is(kRip); }
};

struct Instruction {
  std::string_view prefixes;  // everything before the mnemonic, blanks included; may be empty
  std::string_view mnemonic;
  std::array<std::string_view, kOperandsMax> operands;
  uint8_t operand_count = 0;

  std::string_view Last() const {
    return operand_count == 0 ? std::string_view() : operands[operand_count - 1];
  }
};

std::string_view Trim(std::string_view text);

// Length of the first statement of `line`: up to a ';' or the end, quoted strings and comments
// respected. A '#' outside quotes starts a comment: `comment_at` gets its offset (or the length).
size_t StatementLength(std::string_view line, size_t* comment_at);

// A leading "name:" is cut off `statement` and returned; empty when there is none.
std::string_view TakeLabel(std::string_view* statement);

// False when the statement has too many operands or unbalanced parentheses.
bool ParseInstruction(std::string_view statement, Instruction* out);

// True for displacement-or-parenthesis operands; false for registers, immediates and '*' operands.
bool IsMemory(std::string_view operand);

// Requires IsMemory(operand). False when the text inside the parentheses is not base,index,scale.
bool ParseMemory(std::string_view operand, MemoryOperand* out);

// A decimal, 0x or 0 number with optional sign; false when the text is anything else.
bool ParseNumber(std::string_view text, int64_t* value);

}  // namespace zvm::guest
