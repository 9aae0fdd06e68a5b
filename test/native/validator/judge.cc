#include "judge.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace zvm::test {
namespace {

constexpr size_t kViolationsMax = 4096;

std::string ReadAll(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char block[65536];
  for (size_t n; (n = fread(block, 1, sizeof block, pipe)) > 0;) {
    text.append(block, n);
  }
  if (pclose(pipe) != 0) {
    std::fprintf(stderr, "failed: %s\n", command.c_str());
    std::abort();
  }
  return text;
}

int Digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

Judgement Sorted(const Verdict& verdict, std::vector<Violation> violations) {
  violations.resize(std::min<size_t>(verdict.violation_count, violations.size()));
  std::sort(violations.begin(), violations.end(), [](const Violation& a, const Violation& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.rule < b.rule;
  });
  return {verdict, std::move(violations)};
}

}  // namespace

std::vector<Row> ReadTable(const std::string& name, char separator) {
  const std::string path = std::string(ZVM_TEST_DIR) + "/" + name;
  const bool packed = name.ends_with(".gz");
  const std::string text = ReadAll((packed ? "gzip -dc '" : "cat '") + path + "'");
  std::vector<Row> rows;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    if (line.empty() || line[0] == '#') {
      continue;
    }
    Row row;
    for (size_t from = 0; from <= line.size();) {
      const size_t to = std::min(line.find(separator, from), line.size());
      if (separator != ' ' || to > from) {
        row.push_back(line.substr(from, to - from));
      }
      from = to + 1;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<uint8_t> FromHex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(Digit(hex[i]) << 4 | Digit(hex[i + 1])));
  }
  return bytes;
}

std::string ToHex(const std::vector<uint8_t>& bytes) {
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::vector<uint8_t> Chunk(const std::string& hex) {
  std::vector<uint8_t> bytes = FromHex(hex);
  bytes.resize((bytes.size() + 31) / 32 * 32, 0xf4);
  return bytes;
}

std::string Judgement::Text() const {
  std::string text;
  for (const Violation& violation : violations) {
    char offset[16];
    std::snprintf(offset, sizeof offset, "0x%x ", violation.offset);
    text += text.empty() ? "" : ", ";
    text += std::string(offset) + std::string(RuleName(violation.rule));
  }
  return text.empty() ? "-" : text;
}

bool Accepts(std::vector<uint8_t> code, const ValidatorPolicy& policy) {
  code.resize((code.size() + 31) / 32 * 32, 0xf4);
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  return Validate(code, policy, scratch, {}).valid;
}

Judgement Judge(const std::vector<uint8_t>& code, const ValidatorPolicy& policy) {
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  std::vector<Violation> violations(kViolationsMax);
  const Verdict verdict = Validate(code, policy, scratch, violations);
  return Sorted(verdict, std::move(violations));
}

Judgement Load(std::vector<uint8_t>& code, const ValidatorPolicy& policy) {
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  std::vector<Violation> violations(kViolationsMax);
  const Verdict verdict = RewriteAndValidate(code, policy, scratch, violations);
  return Sorted(verdict, std::move(violations));
}

}  // namespace zvm::test
