// Generated families: every checked memory form with 65 67, every third prefix byte, every one-byte
// change of the return sequence, and the legal-target bitmap against jumps to every offset.
#include <doctest/doctest.h>

#include <cstring>

#include "judge.h"
#include "validator/compare_paths.h"

namespace zvm::test {
namespace {

using Bytes = std::vector<uint8_t>;


// One memory form of an opcode table: everything before ModRM apart from REX, the allowed digits.
struct MemoryForm {
  Bytes prefix;  // 66, F2, F3
  Bytes opcode;  // escape bytes and opcode
  bool vex = false;
  uint8_t vex_map = 0;
  uint8_t vex_last = 0;  // W, vvvv = 1111, L, pp
  bool rex_w = false;
  bool r_fixed = false;
  std::string digits;
  int imm_size = 0;
  bool non_temporal = false;
};

uint8_t HexByte(const std::string& text) { return FromHex(text).at(0); }

std::vector<MemoryForm> LegacyForms() {
  std::vector<MemoryForm> forms;
  for (const Row& row : ReadTable("conformance/opcode_map_legacy.tsv.gz")) {
    if (row.at(4) != "mem" || row.at(10) != "chk") {
      continue;
    }
    MemoryForm form;
    form.prefix = row[2] == "-" ? Bytes{} : FromHex(row[2]);
    form.opcode = row[0] == "1" ? Bytes{} : FromHex(row[0]);
    form.opcode.push_back(HexByte(row[1]));
    form.rex_w = row[3] == "1";
    form.digits = row[5];
    form.imm_size = std::stoi(row[6]);
    form.non_temporal = row[11] == "nt";
    forms.push_back(form);
  }
  return forms;
}

std::vector<MemoryForm> VexForms() {
  std::vector<MemoryForm> forms;
  for (const Row& row : ReadTable("conformance/opcode_map_vex.tsv.gz")) {
    if (row.at(6) != "mem" || row.at(13) != "chk") {
      continue;
    }
    MemoryForm form;
    form.vex = true;
    form.vex_map = static_cast<uint8_t>(std::stoi(row[0]));
    const int pp = row[2] == "66" ? 1 : row[2] == "f3" ? 2 : row[2] == "f2" ? 3 : 0;
    form.vex_last =
        static_cast<uint8_t>(std::stoi(row[3]) << 7 | 0x78 | std::stoi(row[4]) << 2 | pp);
    form.opcode = {HexByte(row[1])};
    form.digits = row[7];
    form.imm_size = std::stoi(row[8]);
    form.non_temporal = row[14] == "nt";
    form.r_fixed = row[15][0] == '0';
    forms.push_back(form);
  }
  return forms;
}

// The bytes of `form` with register extension bits `rxb`, ModRM and, when it has one, SIB.
// 3DNow! operands end in a suffix, so 0F 0F never takes part.
Bytes Encode(const MemoryForm& form, bool gs, int rxb, uint8_t modrm, uint8_t sib) {
  Bytes code = gs ? Bytes{0x65, 0x67} : Bytes{};
  if (form.vex) {
    code.push_back(0xc4);
    code.push_back(static_cast<uint8_t>((~rxb & 7) << 5 | form.vex_map));
    code.push_back(form.vex_last);
  } else {
    code.insert(code.end(), form.prefix.begin(), form.prefix.end());
    if (rxb != 0 || form.rex_w) {
      code.push_back(static_cast<uint8_t>(0x40 | (form.rex_w ? 8 : 0) | rxb));
    }
  }
  code.insert(code.end(), form.opcode.begin(), form.opcode.end());
  code.push_back(modrm);
  const int mod = modrm >> 6;
  const bool has_sib = mod != 3 && (modrm & 7) == 4;
  if (has_sib) {
    code.push_back(sib);
  }
  const bool disp32 =
      mod == 2 || (mod == 0 && ((modrm & 7) == 5 || (has_sib && (sib & 7) == 5)));
  code.insert(code.end(), mod == 1 ? 1 : disp32 ? 4 : 0, 0);
  code.insert(code.end(), form.imm_size, 0);
  return code;
}

// The classic twin of a form with the same register field: its operand is 0(%rbp), and where there
// is a REX prefix it keeps one (it decides between ah and spl).
bool TwinAccepted(const MemoryForm& form, int rxb, int digit) {
  const int twin_rxb = (rxb & 4) | (!form.vex && (rxb & 3) != 0 ? 2 : 0);
  return Accepts(Encode(form, false, twin_rxb, static_cast<uint8_t>(digit << 3 | 0x45), 0));
}

// What E1 must say about an operand whose classic twin is accepted.
bool Expected(const MemoryForm& form, int rxb, uint8_t modrm, uint8_t sib) {
  const int mod = modrm >> 6;
  const bool has_sib = (modrm & 7) == 4;
  const bool rip = mod == 0 && (modrm & 7) == 5;
  const bool no_base = has_sib && mod == 0 && (sib & 7) == 5;
  if (mod == 3 || rip || form.non_temporal) {
    return false;
  }
  if (form.vex && (((rxb & 2) != 0 && !has_sib) || ((rxb & 1) != 0 && no_base) ||
                   ((rxb & 4) != 0 && form.r_fixed))) {
    return false;
  }
  return true;
}

void CheckForms(const std::vector<MemoryForm>& forms) {
  uint64_t checked = 0;
  uint64_t wrong = 0;
  for (size_t i = 0; i < forms.size(); i += kSweepStride) {
    const MemoryForm& form = forms[i];
    for (int reg = 0; reg < 16; ++reg) {
      const int digit = reg & 7;
      if (form.digits.find(static_cast<char>('0' + digit)) == std::string::npos ||
          (form.digits.size() != 8 && reg > 7)) {
        continue;
      }
      const int r = reg > 7 ? 4 : 0;
      // Every ModRM form; every SIB for one register field, a few for the others.
      for (int xb = 0; xb < 4; ++xb) {
        const bool twin = TwinAccepted(form, r | xb, digit);
        for (int mod = 0; mod < 4; ++mod) {
          for (int rm = 0; rm < 8; ++rm) {
            const bool has_sib = mod != 3 && rm == 4;
            const int step = !has_sib ? 256 : reg == (form.digits[0] - '0') ? 5 : 61;
            for (int sib = 0; sib < 256; sib += step) {
              const auto modrm = static_cast<uint8_t>(mod << 6 | digit << 3 | rm);
              const bool expected =
                  twin && Expected(form, r | xb, modrm, static_cast<uint8_t>(sib));
              const Bytes code = Encode(form, true, r | xb, modrm, static_cast<uint8_t>(sib));
              wrong += Accepts(code, ZvmPolicy()) != expected;
              wrong += sib == 0 && Accepts(code, ValidatorPolicy{});
              checked += 1;
            }
          }
        }
      }
    }
  }
  MESSAGE(forms.size() << " forms, " << checked << " operands");
  CHECK(wrong == 0);
  CHECK(checked > 50000);
}

const uint8_t kReturn[] = {0x41, 0x83, 0xe3, 0xe0, 0x4d, 0x01, 0xfb, 0x41, 0x53, 0xc3};

}  // namespace

TEST_CASE("E1: every checked legacy form, every address form") {
  CheckForms(LegacyForms());
}

TEST_CASE("E1: every checked VEX form, every address form") { CheckForms(VexForms()); }

TEST_CASE("E1: a third byte between, before or behind 65 67") {
  // Behind: the rest of an instruction that already has its own prefixes and opcode.
  const Bytes tails[] = {{0x8b, 0x00}, {0x01, 0x08}, {0x0f, 0x10, 0x00}, {0xc5, 0xfc, 0x10, 0x00}};
  for (const Bytes& tail : tails) {
    for (int byte = 0; byte < 256; ++byte) {
      const auto b = static_cast<uint8_t>(byte);
      Bytes before{b, 0x65, 0x67};
      Bytes between{0x65, b, 0x67};
      Bytes behind{0x65, 0x67, b};
      for (Bytes* code : {&before, &between, &behind}) {
        code->insert(code->end(), tail.begin(), tail.end());
      }
      CAPTURE(byte);
      const bool segment = b == 0x2e || b == 0x3e || b == 0x26 || b == 0x36 || b == 0x64 ||
                           b == 0x65 || b == 0x67;
      const bool prefix =
          (b & 0xf0) == 0x40 || b == 0x66 || b == 0xf0 || b == 0xf2 || b == 0xf3;
      if (segment || prefix) {
        CHECK(!Accepts(before, ZvmPolicy()));
      }
      CHECK(!Accepts(between, ZvmPolicy()));
      Bytes classic{(b & 0xf0) == 0x40 ? static_cast<uint8_t>(b & 0xfe) : b};
      classic.insert(classic.end(), tail.begin(), tail.end());
      classic.back() = static_cast<uint8_t>((tail.back() & 0x38) | 0x45);  // 0(%rbp)
      classic.push_back(0);
      if (segment) {
        CHECK(!Accepts(behind, ZvmPolicy()));
      } else if (prefix) {
        CHECK(Accepts(behind, ZvmPolicy()) == Accepts(classic, ZvmPolicy()));
      }
    }
  }
}

TEST_CASE("E2: every change of one byte gives classic code or nothing") {
  CHECK(Accepts({std::begin(kReturn), std::end(kReturn)}, ZvmPolicy()));
  for (size_t i = 0; i < sizeof kReturn; ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      Bytes code(std::begin(kReturn), std::end(kReturn));
      code[i] = static_cast<uint8_t>(byte);
      if (byte != kReturn[i]) {
        CAPTURE(ToHex(code));
        CHECK(Accepts(code, ZvmPolicy()) == Accepts(code, ValidatorPolicy{}));
      }
    }
  }
}

TEST_CASE("E2: no offset in it is a jump target, for every placement in its bundle") {
  for (size_t at = 0; at + sizeof kReturn <= 32; ++at) {
    for (size_t target = 0; target < 32; ++target) {
      Bytes code(64, 0x90);
      std::memcpy(code.data() + at, kReturn, sizeof kReturn);
      code[62] = 0xeb;  // jump back to `target`
      code[63] = static_cast<uint8_t>(target - 64);
      const bool inner = target > at && target < at + sizeof kReturn && target != 0;
      CAPTURE(at);
      CAPTURE(target);
      CHECK(Judge(code, ZvmPolicy()).verdict.valid == !inner);
    }
  }
}

}  // namespace zvm::test
