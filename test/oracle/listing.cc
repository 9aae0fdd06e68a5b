// LLVM's disassembler behind listing.h. Rows and registers are looked up by their printed names
// once at start, so nothing here depends on LLVM's internal numbering. Must not know any rule.
#include "listing.h"

#include <cstdio>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include <llvm/ADT/SmallString.h>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/MCTargetOptions.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>

#include "base/check.h"
#include "mnemonics.h"

namespace zvm::oracle {
namespace {

constexpr char kTriple[] = "x86_64-linux-gnu";
constexpr unsigned kIntelSyntax = 1;
constexpr size_t kAddressParts = 5;  // base, scale, index, displacement, segment

constexpr std::string_view kNames64[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"};
constexpr std::string_view kNames32[] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
constexpr std::string_view kNames16[] = {"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"};
constexpr std::string_view kNames8[] = {"AL", "CL", "DL", "BL", "SPL", "BPL", "SIL", "DIL"};
constexpr std::string_view kHigh8[] = {"AH", "CH", "DH", "BH"};

bool FindName(std::span<const std::string_view> names, std::string_view name, uint8_t width_bits,
              Register& out) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    out = {Register::Kind::kGeneral, static_cast<uint8_t>(i), width_bits, false};
    return true;
  }
  return false;
}

// "R8" to "R15" with the ending "D", "W", "B" or none.
bool ParseNumbered(std::string_view name, Register& out) {
  if (name.size() < 2 || name[0] != 'R' || name[1] < '0' || name[1] > '9') return false;
  uint8_t number = 0;
  size_t at = 1;
  for (; at < name.size() && name[at] >= '0' && name[at] <= '9'; ++at) {
    number = static_cast<uint8_t>(number * 10 + (name[at] - '0'));
  }
  std::string_view ending = name.substr(at);
  uint8_t width_bits = 0;
  if (ending.empty()) width_bits = 64;
  if (ending == "D") width_bits = 32;
  if (ending == "W") width_bits = 16;
  if (ending == "B") width_bits = 8;
  if (width_bits == 0) return false;
  out = {Register::Kind::kGeneral, number, width_bits, false};
  return true;
}

Register ParseRegister(std::string_view name) {
  using Kind = Register::Kind;
  Register out;
  // RIZ and EIZ stand for "no index" in a SIB byte.
  if (name.empty() || name == "RIZ" || name == "EIZ") return out;
  if (FindName(kNames64, name, 64, out) || FindName(kNames32, name, 32, out) ||
      FindName(kNames16, name, 16, out) || FindName(kNames8, name, 8, out) ||
      FindName(kHigh8, name, 8, out) || ParseNumbered(name, out)) {
    return out;
  }
  if (name == "RIP" || name == "EIP") return {Kind::kInstructionPointer, 0, 0, false};
  constexpr std::string_view kSegments[] = {"CS", "DS", "ES", "FS", "GS", "SS"};
  for (std::string_view segment : kSegments) {
    if (name == segment) return {Kind::kSystem, 0, 0, name == "GS"};
  }
  if (name.starts_with("CR") || name.starts_with("DR")) return {Kind::kSystem, 0, 0, false};
  return {Kind::kOther, 0, 0, false};
}

}  // namespace

struct Listing::Form {
  uint32_t mnemonic = 0;
  uint32_t traits = 0;
  uint8_t operand_count = 0;
  uint8_t result_count = 0;
  uint8_t accumulator_bits = 0;  // width of the implicit accumulator result, 0 = none
  std::array<uint8_t, kLineOperandsMax> types{};  // llvm::MCOI::OperandType
};

struct Listing::Engine {
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> assembly;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
  std::unique_ptr<llvm::MCContext> context;
  std::unique_ptr<llvm::MCDisassembler> disassembler;
  std::unique_ptr<llvm::MCInstPrinter> printer;
  llvm::MCInst instruction;
};

bool Line::SaysTheSameAs(const Line& other) const {
  if (row != other.row || operand_count != other.operand_count) return false;
  return std::memcmp(operands.data(), other.operands.data(),
                     operand_count * sizeof(operands[0])) == 0;
}

Listing::Listing() : engine_(std::make_unique<Engine>()) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86Disassembler();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(kTriple, error);
  ZVM_CHECK(target != nullptr);
  Engine& e = *engine_;
  e.registers.reset(target->createMCRegInfo(kTriple));
  e.assembly.reset(target->createMCAsmInfo(*e.registers, kTriple, llvm::MCTargetOptions()));
  e.instructions.reset(target->createMCInstrInfo());
  e.subtarget.reset(target->createMCSubtargetInfo(kTriple, "", ""));
  llvm::Triple triple(kTriple);
  e.context = std::make_unique<llvm::MCContext>(triple, e.assembly.get(), e.registers.get(),
                                                e.subtarget.get());
  e.disassembler.reset(target->createMCDisassembler(*e.subtarget, *e.context));
  e.printer.reset(target->createMCInstPrinter(triple, kIntelSyntax, *e.assembly, *e.instructions,
                                              *e.registers));
  ZVM_CHECK(e.disassembler != nullptr && e.printer != nullptr);

  ReadNames();
}

void Listing::ReadNames() {
  Engine& e = *engine_;
  for (unsigned i = 0; i < e.registers->getNumRegs(); ++i) {
    const char* name = i == 0 ? "" : e.registers->getName(i);
    registers_.push_back(ParseRegister(name));
  }
  std::unordered_map<std::string, size_t> mnemonics;
  for (unsigned row = 0; row < e.instructions->getNumOpcodes(); ++row) {
    llvm::MCInst instruction;
    instruction.setOpcode(row);
    const char* text = e.printer->getMnemonic(&instruction).first;
    std::string_view mnemonic = text == nullptr ? "" : text;
    mnemonic = mnemonic.substr(0, mnemonic.find_first_of("\t "));
    auto id = static_cast<uint32_t>(
        mnemonics.try_emplace(std::string(mnemonic), mnemonics.size()).first->second);
    forms_.push_back(MakeForm(e.instructions->get(row), mnemonic, id));
  }
}

Listing::Form Listing::MakeForm(const llvm::MCInstrDesc& description, std::string_view mnemonic,
                                uint32_t mnemonic_id) const {
  Form form;
  form.mnemonic = mnemonic_id;
  if (description.getNumOperands() > kLineOperandsMax) return form;
  form.traits = TraitsOf(mnemonic);
  form.operand_count = static_cast<uint8_t>(description.getNumOperands());
  form.result_count = static_cast<uint8_t>(description.getNumDefs());
  size_t at = 0;
  for (const llvm::MCOperandInfo& operand : description.operands()) {
    bool is_lea_part = operand.OperandType == llvm::MCOI::OPERAND_UNKNOWN;  // LLVM leaves it open
    form.types[at++] = is_lea_part ? uint8_t{llvm::MCOI::OPERAND_MEMORY} : operand.OperandType;
  }
  for (auto implicit : description.implicit_defs()) {
    const Register& result = registers_[implicit];
    if (result.IsGeneral() && result.number == 0) form.accumulator_bits = result.width_bits;
  }
  return form;
}

Listing::~Listing() = default;

bool Listing::Read(std::span<const uint8_t> bytes, Line& line) {
  llvm::MCInst& instruction = engine_->instruction;
  instruction.clear();
  uint64_t size = 0;
  auto status = engine_->disassembler->getInstruction(
      instruction, size, llvm::ArrayRef<uint8_t>(bytes.data(), bytes.size()), 0, llvm::nulls());
  if (status != llvm::MCDisassembler::Success) return false;

  line = Line();
  line.row = instruction.getOpcode();
  line.size_bytes = size;
  const Form& form = forms_[line.row];
  line.mnemonic = form.mnemonic;
  line.traits = form.traits;
  if (form.traits == 0) return true;
  ZVM_CHECK(instruction.getNumOperands() == form.operand_count);
  line.operand_count = form.operand_count;
  for (size_t i = 0; i < form.operand_count; ++i) {
    const llvm::MCOperand& operand = instruction.getOperand(static_cast<unsigned>(i));
    bool is_address_part = form.types[i] == llvm::MCOI::OPERAND_MEMORY;
    bool is_register = form.types[i] == llvm::MCOI::OPERAND_REGISTER;
    ZVM_CHECK(is_address_part || operand.isReg() == is_register);
    line.operands[i] = operand.isReg() ? operand.getReg() : operand.getImm();
  }

  ReadOperands(form, line);
  return true;
}

void Listing::ReadOperands(const Form& form, Line& line) const {
  for (size_t i = 0; i < form.operand_count; ++i) {
    line.last_is_immediate = false;
    switch (form.types[i]) {
      case llvm::MCOI::OPERAND_MEMORY:
        i += ReadAddress(form, i, line) - 1;
        break;
      case llvm::MCOI::OPERAND_PCREL:
        line.has_target = true;
        line.target_distance = line.operands[i];
        break;
      case llvm::MCOI::OPERAND_REGISTER: {
        const Register& reg = registers_[static_cast<size_t>(line.operands[i])];
        ZVM_CHECK(line.register_count < line.registers.size());
        line.registers[line.register_count++] = reg;
        line.has_vector |= reg.kind == Register::Kind::kOther;
        if (i >= form.result_count) break;
        ZVM_CHECK(line.written_count < line.written.size());
        line.written[line.written_count++] = reg;
        break;
      }
      default:  // immediates, condition codes
        ++line.immediate_count;
        line.last_is_immediate = true;
    }
  }
  // "add $1,%eax": the accumulator is both source and result and is not listed as an operand.
  if (line.operand_count == 1 && line.immediate_count == 1 && form.accumulator_bits != 0) {
    line.written[line.written_count++] = {Register::Kind::kGeneral, 0, form.accumulator_bits,
                                          false};
  }
}

// The memory operand that starts at operand `first`. Returns how many operands it takes.
size_t Listing::ReadAddress(const Form& form, size_t first, Line& line) const {
  size_t parts = 1;
  while (first + parts < form.operand_count &&
         form.types[first + parts] == llvm::MCOI::OPERAND_MEMORY) {
    ++parts;
  }
  if (parts != kAddressParts || line.has_address) {
    line.has_other_address = true;
    return parts;
  }
  auto part = [&](size_t i) { return registers_[static_cast<size_t>(line.operands[first + i])]; };
  line.has_address = true;
  line.address_is_first = first == 0;
  line.address = {part(0), part(2), part(4)};
  return parts;
}

std::string Listing::Print(std::span<const uint8_t> code) {
  std::string text;
  for (size_t at = 0; at < code.size();) {
    llvm::MCInst instruction;
    uint64_t size = 0;
    auto status = engine_->disassembler->getInstruction(
        instruction, size, llvm::ArrayRef<uint8_t>(code.data() + at, code.size() - at), 0,
        llvm::nulls());
    bool known = status == llvm::MCDisassembler::Success;
    if (!known || size == 0) size = 1;
    char number[16];
    std::snprintf(number, sizeof(number), "  %3zu ", at);
    text += number;
    for (size_t i = at; i < at + size && i < code.size(); ++i) {
      std::snprintf(number, sizeof(number), " %02x", code[i]);
      text += number;
    }
    llvm::SmallString<128> listed;
    llvm::raw_svector_ostream stream(listed);
    if (known) engine_->printer->printInst(&instruction, 0, "", *engine_->subtarget, stream);
    text += known ? std::string(listed) : std::string("\t(unknown)");
    text += '\n';
    at += size;
  }
  return text;
}

}  // namespace zvm::oracle
