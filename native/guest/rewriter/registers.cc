// Register name tables; see registers.h.
#include "guest/rewriter/registers.h"

#include <array>

#include "base/check.h"

namespace zvm::guest {
namespace {

constexpr uint8_t kNames = 18;
constexpr std::array<std::string_view, kNames> k64 = {
    "%rax", "%rcx", "%rdx", "%rbx", "%rsp", "%rbp", "%rsi", "%rdi", "%r8",
    "%r9",  "%r10", "%r11", "%r12", "%r13", "%r14", "%r15", "%rip", "%riz"};
constexpr std::array<std::string_view, kNames> k32 = {
    "%eax", "%ecx",  "%edx",  "%ebx",  "%esp",  "%ebp",  "%esi", "%edi", "%r8d",
    "%r9d", "%r10d", "%r11d", "%r12d", "%r13d", "%r14d", "%r15d", "%eip", "%eiz"};
constexpr std::array<std::string_view, kNames> k16 = {
    "%ax",  "%cx",   "%dx",   "%bx",   "%sp",   "%bp",   "%si",   "%di", "%r8w",
    "%r9w", "%r10w", "%r11w", "%r12w", "%r13w", "%r14w", "%r15w", "%ip", "%iz"};
constexpr std::array<std::string_view, kNames> k8 = {
    "%al",  "%cl",   "%dl",   "%bl",   "%spl",  "%bpl",  "%sil", "%dil", "%r8b",
    "%r9b", "%r10b", "%r11b", "%r12b", "%r13b", "%r14b", "%r15b", "", ""};
constexpr std::array<std::string_view, 4> kHigh = {"%ah", "%ch", "%dh", "%bh"};

// Numbered registers %r8 ... %r15 with the suffixes b, w, d or none.
Register ParseNumbered(std::string_view name) {
  size_t at = 2;
  unsigned number = 0;
  while (at < name.size() && at < 4 && name[at] >= '0' && name[at] <= '9') {
    number = number * 10 + static_cast<unsigned>(name[at] - '0');
    ++at;
  }
  if (number < 8 || number > 15) return {};
  const std::string_view suffix = name.substr(at);
  uint8_t bits = 0;
  if (suffix.empty()) bits = 64;
  if (suffix == "d") bits = 32;
  if (suffix == "w") bits = 16;
  if (suffix == "b" || suffix == "l") bits = 8;
  return {static_cast<uint8_t>(number), bits, false};
}

Register Find(const std::array<std::string_view, kNames>& names, std::string_view name,
              uint8_t bits) {
  for (uint8_t i = 0; i < kNames; ++i) {
    if (names[i] == name) return {i, bits, false};
  }
  return {};
}

}  // namespace

Register ParseRegister(std::string_view name) {
  if (name.size() < 3 || name.size() > 5 || name[0] != '%') return {};
  const char first = name[1];
  const char last = name.back();
  if (first == 'r' && name[2] >= '0' && name[2] <= '9') return ParseNumbered(name);
  if (first == 'r') return Find(k64, name, 64);
  if (first == 'e') return Find(k32, name, 32);
  if (last == 'l') return Find(k8, name, 8);
  if (last == 'h') {
    for (uint8_t i = 0; i < kHigh.size(); ++i) {
      if (kHigh[i] == name) return {i, 8, true};
    }
    return {};
  }
  return name.size() == 3 ? Find(k16, name, 16) : Register{};
}

std::string_view RegisterName(uint8_t number, uint8_t bits) {
  ZVM_CHECK(number < kNames);
  switch (bits) {
    case 64: return k64[number];
    case 32: return k32[number];
    case 16: return k16[number];
    default: ZVM_CHECK(bits == 8); return k8[number];
  }
}

}  // namespace zvm::guest
