// Scanner of AT&T assembly; see asm_text.h.
#include "guest/rewriter/asm_text.h"

namespace zvm::guest {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool IsPrefixWord(std::string_view word) {
  switch (word.size()) {
    case 3: return word == "rep" || word == "bnd";
    case 4: return word == "lock" || word == "repe" || word == "repz";
    case 5: return word == "repne" || word == "repnz";
    case 6: return word == "addr32" || word == "data16";
    case 7: return word == "notrack";
    default: return false;
  }
}

// First word of `text` and the rest behind its blanks.
std::string_view TakeWord(std::string_view* text) {
  const size_t end = text->find_first_of(kBlanks);
  const std::string_view word = text->substr(0, end);
  *text = end == std::string_view::npos ? std::string_view() : Trim(text->substr(end));
  return word;
}

}  // namespace

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

size_t StatementLength(std::string_view line, size_t* comment_at) {
  bool quoted = false;
  *comment_at = line.size();
  if (line.find_first_of(";#\"") == std::string_view::npos) return line.size();
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == ';') {
      *comment_at = i;
      return i;
    } else if (c == '#') {
      *comment_at = i;
      return line.size();
    }
  }
  return line.size();
}

std::string_view TakeLabel(std::string_view* statement) {
  size_t end = 0;
  if (!statement->empty() && (*statement)[0] == '"') {
    end = statement->find('"', 1);
    if (end == std::string_view::npos) return {};
    ++end;
  } else {
    while (end < statement->size() && IsNameChar((*statement)[end])) ++end;
  }
  if (end == 0 || end >= statement->size() || (*statement)[end] != ':') return {};
  const std::string_view label = statement->substr(0, end);
  *statement = Trim(statement->substr(end + 1));
  return label;
}

bool ParseInstruction(std::string_view statement, Instruction* out) {
  *out = {};
  std::string_view rest = statement;
  std::string_view word = TakeWord(&rest);
  while (IsPrefixWord(word) && !rest.empty()) word = TakeWord(&rest);
  out->mnemonic = word;
  const auto offset = static_cast<size_t>(word.data() - statement.data());
  out->prefixes = Trim(statement.substr(0, offset));

  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= rest.size(); ++i) {
    const char c = i < rest.size() ? rest[i] : ',';
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c != ',' || depth > 0) continue;
    if (rest.empty()) break;
    if (out->operand_count == kOperandsMax) return false;
    out->operands[out->operand_count++] = Trim(rest.substr(start, i - start));
    start = i + 1;
  }
  return depth == 0;
}

bool IsMemory(std::string_view operand) {
  if (operand.empty() || operand[0] == '$' || operand[0] == '*' || operand[0] == '{') return false;
  if (operand[0] != '%') return true;
  return operand.find(':') != std::string_view::npos;  // %fs:..., not %st(1)
}

bool ParseMemory(std::string_view operand, MemoryOperand* out) {
  *out = {};
  if (operand[0] == '%') {
    const size_t colon = operand.find(':');
    out->segment = operand.substr(0, colon);
    operand = operand.substr(colon + 1);
  }
  // A displacement may itself have parentheses: (4+8)(%rax). The register part comes last.
  const size_t open = operand.rfind('(');
  const bool registers = open != std::string_view::npos && operand.back() == ')' &&
                         operand.find_first_of("%,", open) != std::string_view::npos;
  if (!registers) {
    out->displacement = operand;
    return true;
  }
  out->displacement = Trim(operand.substr(0, open));
  std::string_view inside = operand.substr(open + 1, operand.size() - open - 2);
  std::array<std::string_view, 3> parts;
  size_t count = 0;
  while (count < parts.size()) {
    const size_t comma = inside.find(',');
    parts[count++] = Trim(inside.substr(0, comma));
    if (comma == std::string_view::npos) break;
    inside = inside.substr(comma + 1);
    if (count == parts.size()) return false;
  }
  out->base = ParseRegister(parts[0]);
  out->index = ParseRegister(parts[1]);
  out->scale = parts[2];
  const bool base_ok = parts[0].empty() || (out->base.ok() && out->base.bits >= 32);
  const bool index_ok = parts[1].empty() || (out->index.ok() && out->index.bits >= 32);
  return base_ok && index_ok;
}

bool ParseNumber(std::string_view text, int64_t* value) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  unsigned base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  if (text.empty() || text.size() > 16) return false;
  uint64_t sum = 0;
  for (const char c : text) {
    unsigned digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10;
    if (digit >= base) return false;
    sum = sum * base + digit;
  }
  *value = static_cast<int64_t>(negative ? 0 - sum : sum);
  return true;
}

}  // namespace zvm::guest
