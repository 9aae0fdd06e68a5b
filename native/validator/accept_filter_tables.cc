// Derives the accept filter's tables from the decode tables of the exact path, at compile time.
//
// An opcode of the maps "one" and 0F has up to eight cells: four prefix classes, each with and
// without REX.W. A cell enters the tables only if all of these hold (everything else is left to the
// exact path):
//   - its words are of the plain kind or the nop 90, and need nothing beyond kFilterFeatures: no
//     non-temporal access, no rdtsc, no cpuid, so that the filter accepts the same under any
//     policy;
//   - the immediate has the length that the kLength… bits describe;
//   - its digits do not exclude one that an earlier cell of the same opcode accepts.
// Facts are then merged over the cells that entered, in the safe direction: "accepted",
// "zero-extends" and "8 bits wide" only where every cell says so, "writes" and "checked" where any
// does.
#include "validator/accept_filter_tables.h"

#include "validator/decode_word.h"

namespace zvm {
namespace {

#include "validator/decode_tables.inc"

constexpr uint32_t FeatureBit(CpuFeature feature) { return 1u << static_cast<unsigned>(feature); }

constexpr uint32_t kFeatureBits = FeatureBit(CpuFeature::kCmov) | FeatureBit(CpuFeature::kMmx) |
                                  FeatureBit(CpuFeature::kSse) | FeatureBit(CpuFeature::kSse2);

constexpr bool IsNeedSatisfied(const Need& need) {
  return (need.all_of & ~kFeatureBits) == 0 &&
         (need.any_of == 0 || (need.any_of & kFeatureBits) != 0) && !need.non_temporal &&
         !need.rdtsc && !need.cpuid;
}

constexpr uint32_t Kind(uint32_t word) { return (word >> kWordKindShift) & 7; }

constexpr bool IsWordUsable(uint32_t word) {
  const bool plain = (word & kWordPlain) != 0 && Kind(word) == uint32_t(WordKind::kPlain);
  const bool nop = Kind(word) == uint32_t(WordKind::kNop90);
  return (word & kWordValid) != 0 && (plain || nop) &&
         (word & (kWordAlsoReg | kWordNoRex)) == 0 &&
         IsNeedSatisfied(kNeeds[(word >> kNeedShift) & kNeedMask]);
}

// The usable words of one cell, 0 elsewhere: 8 digits in memory form, then 8 in register form.
struct CellWords {
  uint32_t words[16] = {};
  uint8_t memory_digits = 0;
  uint8_t register_digits = 0;
  uint32_t any = 0;  // all words or-ed
};

constexpr CellWords ReadCell(OpcodeMap map, uint32_t prefix, uint32_t rex_w, uint32_t opcode) {
  CellWords cell;
  const uint32_t first =
      kLegacyIndex[LegacyCell(map, static_cast<PrefixClass>(prefix), rex_w, opcode)] &
      kIndexMask;
  for (uint32_t i = 0; i < 16; ++i) {
    const uint32_t word = kGroupWords[first + i];
    if (IsWordUsable(word)) {
      cell.words[i] = word;
      cell.any |= word;
      (i < 8 ? cell.memory_digits : cell.register_digits) |= static_cast<uint8_t>(1u << (i & 7));
    }
  }
  return cell;
}

constexpr uint32_t ImmediateBytes(uint32_t word) {
  return ((word >> kTailShift) & kTailMask) - ((word & kWordModRm) != 0 ? 1 : 0);
}

// Bytes of immediate that the length bits promise.
constexpr uint32_t PromisedImmediate(uint8_t length, uint32_t prefix, uint32_t rex_w,
                                     uint32_t digit) {
  const bool digit_0 = (length & (kLengthDigit0Imm8 | kLengthDigit0Imm32)) != 0;
  uint32_t bytes = (length & kLengthBytes) - 1u;
  if (digit_0) {
    bytes += digit != 0 ? 0 : (length & kLengthDigit0Imm8) != 0 ? 1 : 4;
  }
  bytes += rex_w == 1 && (length & kLengthWideImm) != 0 ? 4 : 0;
  const bool shortened = prefix == 1 && (length & kLength66Imm) != 0 && (!digit_0 || digit == 0);
  return bytes - (shortened ? 2 : 0);
}

constexpr bool AgreesWithLength(const CellWords& cell, uint8_t length, uint32_t prefix,
                                uint32_t rex_w) {
  for (uint32_t i = 0; i < 16; ++i) {
    const uint32_t word = cell.words[i];
    if (word != 0 &&
        (ImmediateBytes(word) != PromisedImmediate(length, prefix, rex_w, i & 7) ||
         ((word & kWordModRm) != 0) != ((length & kLengthModRm) != 0))) {
      return false;
    }
  }
  return true;
}

constexpr uint32_t FirstWord(const CellWords& cell) {
  for (uint32_t word : cell.words) {
    if (word != 0) {
      return word;
    }
  }
  return 0;
}

// The length bits that fit the cells of one opcode best: read off the cells without a prefix, and
// from the first usable cell where those are empty.
constexpr uint8_t LengthBits(OpcodeMap map, uint32_t opcode) {
  CellWords base;
  for (uint32_t prefix = 0; prefix < kFilterPrefixes && base.any == 0; ++prefix) {
    for (uint32_t rex_w = 0; rex_w < 2 && base.any == 0; ++rex_w) {
      base = ReadCell(map, prefix, rex_w, opcode);
    }
  }
  if (base.any == 0) {
    return 0;
  }
  const uint32_t with_digit_0 = base.words[8] != 0 ? base.words[8] : FirstWord(base);
  const uint32_t with_digit_7 = base.words[15] != 0 ? base.words[15] : FirstWord(base);
  const uint32_t immediate = ImmediateBytes(with_digit_7);
  uint32_t length = 1 + immediate;
  length |= (base.any & kWordModRm) != 0 ? kLengthModRm : 0u;
  if (ImmediateBytes(with_digit_0) != immediate) {
    length |= ImmediateBytes(with_digit_0) == 1 ? kLengthDigit0Imm8 : kLengthDigit0Imm32;
  }
  const CellWords wide = ReadCell(map, 0, 1, opcode);
  const CellWords half = ReadCell(map, 1, 0, opcode);
  if (wide.any != 0 && ImmediateBytes(FirstWord(wide)) == 8) {
    length |= kLengthWideImm;
  }
  if (half.any != 0 && ImmediateBytes(FirstWord(half)) == 2) {
    length |= kLength66Imm;
  }
  return static_cast<uint8_t>(length);
}

struct ClassFacts {
  uint8_t prefixes = 0;
  uint8_t register_digits = 0;
  uint8_t memory_digits = 0;
  uint8_t zero_extending_digits = 0;
  uint8_t facts = 0;
  friend constexpr bool operator==(const ClassFacts&, const ClassFacts&) = default;
};

constexpr uint32_t DestFact(uint32_t word) {
  switch (word & kDestMask) {
    case kDestReg:
      return kFactWritesReg;
    case kDestRm:
      return (word & kWordModRm) != 0 ? kFactWritesRm : kFactWritesOp;
    case kDestAcc:
      return kFactWritesAcc;
    default:
      return 0;
  }
}

// What a cell's words say together; `byte` only where all that write say so.
constexpr uint32_t CellFacts(const CellWords& cell, bool& all_byte) {
  uint32_t facts = 0;
  for (uint32_t word : cell.words) {
    const uint32_t dest = word != 0 ? DestFact(word) : 0;
    facts |= dest;
    all_byte = all_byte && (dest == 0 || (word & kWordByte) != 0);
    facts |= (word & kWordChecked) != 0 ? kFactChecked : 0u;
    facts |= (word & kWordJump8) != 0 ? kFactJump8 : 0u;
    facts |= (word & kWordJump32) != 0 ? kFactJump32 : 0u;
  }
  return facts;
}

// A digit zero-extends if every form that writes with it does, and at least one form writes.
constexpr uint8_t ZeroExtendingDigits(const CellWords& cell) {
  uint32_t digits = 0;
  for (uint32_t digit = 0; digit < 8; ++digit) {
    bool some = false;
    bool all = true;
    for (uint32_t word : {cell.words[digit], cell.words[8 + digit]}) {
      if (word != 0 && DestFact(word) != 0) {
        some = true;
        all = all && (word & kWordZext) != 0;
      }
    }
    digits |= some && all ? 1u << digit : 0u;
  }
  return static_cast<uint8_t>(digits);
}

// A checked operand must be checked in every cell and digit, an unchecked one in none; jumps alike.
constexpr bool IsUniform(const CellWords& cell, uint32_t facts) {
  for (uint32_t i = 0; i < 16; ++i) {
    const uint32_t word = cell.words[i];
    if (word == 0) {
      continue;
    }
    const bool has_address = i < 8 && (word & kWordModRm) != 0;
    const bool checked = (facts & kFactChecked) != 0;
    if ((has_address && ((word & kWordChecked) != 0) != checked) ||
        ((word & kWordJump8) != 0) != ((facts & kFactJump8) != 0) ||
        ((word & kWordJump32) != 0) != ((facts & kFactJump32) != 0)) {
      return false;
    }
  }
  return true;
}

constexpr uint32_t kDestFacts =
    kFactWritesReg | kFactWritesRm | kFactWritesOp | kFactWritesAcc;

constexpr bool HasOneBitAtMost(uint32_t bits) { return (bits & (bits - 1)) == 0; }

constexpr ClassFacts ClassOf(OpcodeMap map, uint32_t opcode, uint8_t length) {
  ClassFacts result;
  uint32_t facts = 0;
  bool all_byte = true;
  for (uint32_t n = 0; n < 2 * kFilterPrefixes; ++n) {
    const uint32_t prefix = n / 2;
    const uint32_t rex_w = n % 2;
    const CellWords cell = ReadCell(map, prefix, rex_w, opcode);
    if (cell.any == 0 || !AgreesWithLength(cell, length, prefix, rex_w) ||
        (result.register_digits & ~cell.register_digits) != 0 ||
        (result.memory_digits & ~cell.memory_digits) != 0) {
      continue;
    }
    bool cell_all_byte = all_byte;
    const uint32_t merged = facts | CellFacts(cell, cell_all_byte);
    // SAFETY: with two kinds of destination one would go unchecked; such a cell stays out.
    if (!HasOneBitAtMost(merged & kDestFacts) || !IsUniform(cell, merged)) {
      continue;
    }
    if (result.prefixes == 0) {
      result.register_digits = cell.register_digits;
      result.memory_digits = cell.memory_digits;
    }
    facts = merged;
    all_byte = cell_all_byte;
    result.prefixes |= static_cast<uint8_t>(1u << (prefix + kFilterPrefixes * rex_w));
    if (n == 0) {
      result.zero_extending_digits = ZeroExtendingDigits(cell);
    }
  }
  if (all_byte && (facts & kDestFacts) != 0) {
    facts |= kFactByte;
  }
  result.facts = static_cast<uint8_t>(facts);
  return result;
}

constexpr uint32_t kReturnOpcode = 0xc3;

class Builder {
 public:
  constexpr FilterTables Build() {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      AddOpcode(OpcodeMap::kOne, byte, tables_.one_length[byte], tables_.one_class[byte]);
      AddOpcode(OpcodeMap::k0f, byte, tables_.two_length[byte], tables_.two_class[byte]);
    }
    // The near return keeps class 0: only the filter's own check of the predicted return (profile
    // zvm) can accept it. It gets a length so that the walk reaches that check.
    tables_.one_length[kReturnOpcode] = 1;
    return tables_;
  }

 private:
  constexpr void AddOpcode(OpcodeMap map, uint32_t opcode, uint8_t& length, uint8_t& class_id) {
    const uint8_t length_bits = LengthBits(map, opcode);
    const ClassFacts facts = length_bits != 0 ? ClassOf(map, opcode, length_bits) : ClassFacts{};
    if (facts.prefixes != 0) {
      length = length_bits;
      class_id = ClassId(facts);
    }
  }

  // Running past the table would be an error of this constant expression, that is, of the build.
  constexpr uint8_t ClassId(const ClassFacts& facts) {
    uint32_t id = 0;
    while (id < class_count_ && !(classes_[id] == facts)) {
      ++id;
    }
    if (id == class_count_) {
      classes_[class_count_++] = facts;
      tables_.prefixes[id] = facts.prefixes;
      tables_.register_digits[id] = facts.register_digits;
      tables_.memory_digits[id] = facts.memory_digits;
      tables_.zero_extending_digits[id] = facts.zero_extending_digits;
      tables_.facts[id] = facts.facts;
    }
    return static_cast<uint8_t>(id);
  }

  FilterTables tables_ = {};
  ClassFacts classes_[kFilterClasses] = {};
  uint32_t class_count_ = 1;
};

template <uint32_t size>
constexpr void MakeRows(uint8_t (&table)[size]) {
  for (uint32_t i = size - 1; i >= 16; --i) {
    table[i] ^= i % 128 < 16 ? uint8_t{0} : table[i - 16];
  }
}

constexpr FilterTables BuildRowTables() {
  FilterTables tables = Builder().Build();
  MakeRows(tables.one_length);
  MakeRows(tables.two_length);
  MakeRows(tables.one_class);
  MakeRows(tables.two_class);
  MakeRows(tables.prefixes);
  MakeRows(tables.register_digits);
  MakeRows(tables.memory_digits);
  MakeRows(tables.zero_extending_digits);
  MakeRows(tables.facts);
  return tables;
}

}  // namespace

constinit const FilterTables kFilterTables = Builder().Build();
constinit const FilterTables kFilterRowTables = BuildRowTables();

}  // namespace zvm
