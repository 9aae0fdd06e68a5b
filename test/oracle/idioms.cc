// A tiny pattern language and the patterns. Neighbour: oracle.cc, which asks at every instruction
// start before it looks at the listing. No pattern may match a part of another one's instruction.
#include "idioms.h"

#include <string_view>

namespace zvm::oracle {
namespace {

using Kind = Idiom::Kind;

// Words separated by blanks, each stands for one byte: "9A" exactly, "9A|9B" one of them,
// "80-FF" a range, "[F3]" or "[40|42]" one of them or nothing.
struct Pattern {
  Kind kind;
  std::string_view text;
};

constexpr Pattern kPatterns[] = {
    {Kind::kRebaseStack, "4C|4E 01 FC"},           // add %r15,%rsp
    {Kind::kRebaseStack, "49|4B 03 E7"},           //
    {Kind::kRebaseStack, "4C|4E 09 FC"},           // or %r15,%rsp
    {Kind::kRebaseStack, "49|4B 0B E7"},           //
    {Kind::kRebaseStack, "4A 8D 24 3C"},           // lea (%rsp,%r15),%rsp
    {Kind::kRebaseStack, "4A 8D 64 3C 00"},        //
    {Kind::kRebaseStack, "4A 8D A4 3C 00 00 00 00"},
    {Kind::kRebaseFrame, "4C|4E 01 FD"},           // add %r15,%rbp
    {Kind::kRebaseFrame, "49|4B 03 EF"},           //
    {Kind::kRebaseFrame, "4A 8D 6C 3D 00"},        // lea (%rbp,%r15),%rbp
    {Kind::kRebaseFrame, "4A 8D AC 3D 00 00 00 00"},
    {Kind::kPlain, "48|4A 89 E5|EC"},              // mov %rsp,%rbp and back
    {Kind::kPlain, "48|4A 8B EC|E5"},              //
    {Kind::kPlain, "48 83 E4 80-FF"},              // and $negative,%rsp
    {Kind::kPlain, "66 0F 1F 44 00 00"},           // long nops
    {Kind::kPlain, "66 0F 1F 84 00 00 00 00 00"},  //
    {Kind::kPlain, "66 [66] [66] [66] [66] [66] 2E 0F 1F 84 00 00 00 00 00"},
};

constexpr std::string_view kTruncateRdi = "[40|42] 89|8B FF 49 8D 3C 3F";
constexpr std::string_view kTruncateRsi = "[40|42] 89|8B F6 49 8D 34 37";

// What may follow the truncation of rdi, of rsi, of rsi and then rdi.
constexpr std::string_view kAfterRdi[] = {
    "[F3] AA",        "[F3] [48] AB",          "66 AB",  // stos
    "[F2|F3] AE",     "[F2|F3] [48] AF",       "66 AF",  // scas
    "0F F7 C0-FF",    "66 0F F7 C0-FF",                  // maskmovq, maskmovdqu
    "40-4F 0F F7 C0-FF", "66 40-4F 0F F7 C0-FF",
    "C5 79|F9 F7 C0-FF", "C4 41|61|C1|E1 79 F7 C0-FF",   // vmaskmovdqu
};
constexpr std::string_view kAfterRsi[] = {"[F3] AC", "[F3] [48] AD", "66 AD"};  // lods
constexpr std::string_view kAfterBoth[] = {
    "[F3] A4",    "[F3] [48] A5",    "66 A5",  // movs
    "[F2|F3] A6", "[F2|F3] [48] A7", "66 A7",  // cmps
};

constexpr std::string_view kPredictedReturn = "41 83 E3 E0 4D 01 FB 41 53 C3";

int HexDigit(char c) { return c <= '9' ? c - '0' : c - 'A' + 10; }
int HexByte(std::string_view text) { return HexDigit(text[0]) * 16 + HexDigit(text[1]); }

// `word` without brackets: alternatives and ranges.
bool WordMatches(std::string_view word, uint8_t byte) {
  while (word.size() >= 2) {
    int low = HexByte(word);
    int high = low;
    size_t used = 2;
    if (word.size() >= 5 && word[2] == '-') {
      high = HexByte(word.substr(3));
      used = 5;
    }
    if (byte >= low && byte <= high) return true;
    word.remove_prefix(used < word.size() ? used + 1 : used);
  }
  return false;
}

// Bytes that `text` matches at the start of `bytes`, 0 for none. Greedy: no pattern has an optional
// word that also matches what may follow it, but the run of 66, where greed is right as well.
size_t Match(std::span<const uint8_t> bytes, std::string_view text) {
  size_t at = 0;
  while (!text.empty()) {
    size_t end = text.find(' ');
    std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    bool is_optional = word[0] == '[';
    if (is_optional) word = word.substr(1, word.size() - 2);
    bool fits = at < bytes.size() && WordMatches(word, bytes[at]);
    if (fits) ++at;
    if (!fits && !is_optional) return 0;
  }
  return at;
}

size_t MatchAny(std::span<const uint8_t> bytes, size_t done,
                std::span<const std::string_view> endings) {
  if (done == 0) return 0;
  for (std::string_view ending : endings) {
    size_t size = Match(bytes.subspan(done), ending);
    if (size != 0) return done + size;
  }
  return 0;
}

size_t MatchString(std::span<const uint8_t> bytes) {
  size_t rdi = Match(bytes, kTruncateRdi);
  if (rdi != 0) return MatchAny(bytes, rdi, kAfterRdi);
  size_t rsi = Match(bytes, kTruncateRsi);
  if (rsi == 0) return 0;
  size_t lods = MatchAny(bytes, rsi, kAfterRsi);
  if (lods != 0) return lods;
  rdi = Match(bytes.subspan(rsi), kTruncateRdi);
  return rdi == 0 ? 0 : MatchAny(bytes, rsi + rdi, kAfterBoth);
}

// and $-32,%eXX; add %r15,%rXX; jmp or call *%rXX, all on one register, r15 excepted.
size_t MatchIndirectJump(std::span<const uint8_t> bytes) {
  size_t at = 0;
  auto next = [&] { return at < bytes.size() ? bytes[at++] : -1; };
  auto is_rex = [](int byte) { return byte >= 0x40 && byte <= 0x4F; };

  int byte = next();
  bool is_high = false;
  if (is_rex(byte)) {
    if ((byte & 0x08) != 0) return 0;  // W: a 64-bit and does not truncate
    is_high = (byte & 0x01) != 0;
    byte = next();
  }
  if (byte != 0x83) return 0;
  int modrm = next();
  if (modrm < 0xE0 || modrm > 0xE7) return 0;
  int low_bits = modrm & 7;
  if (is_high && low_bits == 7) return 0;
  if (next() != 0xE0) return 0;

  int rex = next();
  int opcode = next();
  modrm = next();
  if (opcode == 0x01) {  // add %r15,%rXX: reg is r15, rm the target
    if (rex != (is_high ? 0x4D : 0x4C) && rex != (is_high ? 0x4F : 0x4E)) return 0;
    if (modrm != (0xF8 | low_bits)) return 0;
  } else if (opcode == 0x03) {  // rm is r15, reg the target
    if (rex != (is_high ? 0x4D : 0x49) && rex != (is_high ? 0x4F : 0x4B)) return 0;
    if (modrm != (0xC7 | (low_bits << 3))) return 0;
  } else {
    return 0;
  }

  byte = next();
  bool jump_is_high = false;
  if (is_rex(byte)) {
    jump_is_high = (byte & 0x01) != 0;
    byte = next();
  }
  if (byte != 0xFF || jump_is_high != is_high) return 0;
  modrm = next();
  return modrm == (0xD0 | low_bits) || modrm == (0xE0 | low_bits) ? at : 0;
}

// What any idiom starts with: REX, 66, and, mov. Only saves time.
bool MayStartIdiom(uint8_t byte) {
  return (byte & 0xF0) == 0x40 || byte == 0x66 || byte == 0x83 || byte == 0x89 || byte == 0x8B;
}

}  // namespace

Idiom FindIdiom(std::span<const uint8_t> bytes, bool allow_predicted_return) {
  if (bytes.empty() || !MayStartIdiom(bytes[0])) return {};
  size_t size = MatchIndirectJump(bytes);
  if (size == 0) size = MatchString(bytes);
  if (size == 0 && allow_predicted_return) size = Match(bytes, kPredictedReturn);
  if (size != 0) return {Kind::kSequence, size};
  for (const Pattern& pattern : kPatterns) {
    size = Match(bytes, pattern.text);
    if (size != 0) return {pattern.kind, size};
  }
  return {};
}

}  // namespace zvm::oracle
