// One instruction as the disassembler (LLVM's) lists it: length, mnemonic, operands, registers.
// The only door to LLVM; the rules (oracle.cc) see nothing but Line. Slow and simple on purpose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llvm {
class MCInstrDesc;
}

namespace zvm::oracle {

struct Register {
  // kSystem: segment, control and debug registers. kOther: x87, MMX, vector and mask registers.
  enum class Kind : uint8_t { kNone, kGeneral, kInstructionPointer, kSystem, kOther };
  Kind kind = Kind::kNone;
  uint8_t number = 0;      // general: the architectural number; high bytes AH..BH: that of AX..BX
  uint8_t width_bits = 0;  // general: 8, 16, 32, 64
  bool is_gs = false;

  bool IsGeneral() const { return kind == Kind::kGeneral; }
};

struct Address {
  Register base, index, segment;
};

inline constexpr size_t kLineOperandsMax = 16;

struct Line {
  uint32_t row = 0;        // which form of which mnemonic, the disassembler's own number
  uint32_t mnemonic = 0;   // equal for all rows that print the same mnemonic
  uint32_t traits = 0;     // of the mnemonic, see mnemonics.h
  size_t size_bytes = 0;
  std::array<int64_t, kLineOperandsMax> operands{};  // registers and immediates, as listed
  size_t operand_count = 0;
  std::array<Register, 4> written{};  // explicit register results, in the order of the listing
  size_t written_count = 0;
  std::array<Register, kLineOperandsMax> registers{};  // all register operands outside the address
  size_t register_count = 0;
  bool has_address = false;       // one complete memory operand: base, index, scale, displacement
  bool has_other_address = false;  // implicit or incomplete: string operand, absolute offset
  bool address_is_first = false;   // the memory operand is the destination
  Address address;
  bool has_target = false;         // a direct branch
  int64_t target_distance = 0;     // from the end of the instruction
  size_t immediate_count = 0;      // immediate operands outside the address
  bool last_is_immediate = false;
  bool has_vector = false;  // an MMX, XMM or YMM register is among the operands

  // Whether both lines say the same, their lengths apart.
  bool SaysTheSameAs(const Line& other) const;
};

class Listing {
 public:
  Listing();
  ~Listing();
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // Lists the instruction at the start of `bytes`; false when there is none that fits in it.
  [[nodiscard]] bool Read(std::span<const uint8_t> bytes, Line& line);

  // One instruction a line, for humans: offset, bytes, text.
  [[nodiscard]] std::string Print(std::span<const uint8_t> code);

 private:
  struct Engine;
  struct Form;  // what never changes between two lines of the same row

  void ReadNames();
  Form MakeForm(const llvm::MCInstrDesc& description, std::string_view mnemonic,
                uint32_t mnemonic_id) const;
  void ReadOperands(const Form& form, Line& line) const;
  size_t ReadAddress(const Form& form, size_t first, Line& line) const;

  std::unique_ptr<Engine> engine_;
  std::vector<Form> forms_;
  std::vector<Register> registers_;
};

}  // namespace zvm::oracle
