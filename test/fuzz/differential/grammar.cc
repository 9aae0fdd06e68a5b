// See grammar.h. Each Make function returns the bytes of one piece; Builder lays pieces out.
#include "grammar.h"

#include "soup.h"

namespace zvm::differential {
namespace {

constexpr size_t kBundle = 32;
constexpr int kRsp = 4, kRbp = 5, kR15 = 15;

uint8_t Low(int value) { return static_cast<uint8_t>(value); }
uint8_t ModrmRegisters(int reg, int rm) { return Low(0xC0 | (reg & 7) << 3 | (rm & 7)); }
// REX for reg and rm; `bits` are further ones (W = 8, X = 2). Nothing when not needed.
Bytes Rex(int bits, int reg, int rm) {
  bits |= (reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0);
  return bits == 0 ? Bytes() : Bytes{Low(0x40 | bits)};
}
Bytes Joined(Bytes head, const Bytes& tail) {
  Append(head, tail);
  return head;
}

int AnyRegister(Random& random) {
  constexpr int kCommon[] = {0, 1, 2, 3, 6, 7, 8, 9, 11, 12, 13, 14};
  constexpr int kSpecial[] = {kRsp, kRbp, kR15};
  return random.OneIn(6) ? random.Pick(kSpecial) : random.Pick(kCommon);
}

// An instruction with a 32-bit register result, of all kinds; some do not count as truncation.
Bytes MakeTruncation(Random& random, int reg) {
  int other = AnyRegister(random);
  int bits = random.OneIn(20) ? 8 : 0;
  Bytes head;
  if (random.OneIn(25)) head.push_back(0x66);
  auto from_rm = [&](Bytes opcode, const Bytes& immediate) {  // the result is ModRM.rm
    return Joined(Joined(Joined(Joined(head, Rex(bits, other, reg)), opcode),
                         {ModrmRegisters(other, reg)}), immediate);
  };
  auto from_reg = [&](Bytes opcode, const Bytes& immediate) {  // the result is ModRM.reg
    return Joined(Joined(Joined(Joined(head, Rex(bits, reg, other)), opcode),
                         {ModrmRegisters(reg, other)}), immediate);
  };
  constexpr uint8_t kArithmetic[] = {0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x85, 0x89,
                                     0x87};
  constexpr uint8_t kTwoByte[] = {0xAF, 0xB6, 0xB7, 0xBE, 0xBF, 0xBC, 0xBD, 0x4F, 0xB8};
  switch (random.Below(12)) {
    case 0: case 1: case 2:
      return from_rm({0x89}, {});
    case 3:
      return from_rm({random.Pick(kArithmetic)}, {});
    case 4:
      return from_reg({Low(random.Pick(kArithmetic) | 2)}, {});
    case 5:
      return from_reg({0x0F, random.Pick(kTwoByte)}, {});
    case 6:
      other = static_cast<int>(random.Below(8));
      return from_rm({random.OneIn(2) ? Low(0x83) : Low(0xC1)}, {random.Byte()});
    case 7: {
      int rex = bits;
      Bytes operand = MakeMemoryOperand(random, reg, AnyRegister(random), -1, rex);
      return Joined(Joined(head, Rex(rex, 0, 0)), Joined({0x8D}, operand));
    }
    case 8: {
      Bytes out = Joined(Joined(head, Rex(bits, 0, reg)), {Low(0xB8 | (reg & 7))});
      AppendNumber(out, random.Next(), 4);
      return out;
    }
    case 9:
      return Joined(Joined(head, Rex(bits, 0, reg)), {Low(0x90 | (reg & 7))});
    case 10:
      other = static_cast<int>(random.Below(8));
      return from_rm({random.OneIn(2) ? Low(0xFF) : Low(0xF7)}, {});
    default:
      return from_rm({0x0F, random.Pick(Bytes{0xC1, 0xB1, 0x7E, 0xC8, 0xA4})}, {});
  }
}

// A load or store with the given index, or without.
Bytes MakeAccess(Random& random, int index, bool gs_relative) {
  constexpr uint8_t kOpcodes[] = {0x8B, 0x8B, 0x89, 0x03, 0x01, 0x63, 0x3B, 0x8D, 0x87, 0x88, 0x8A};
  constexpr int kBases[] = {kR15, kR15, kR15, kR15, kRsp, kRbp, -1, 0, 12};
  int rex = random.OneIn(3) ? 8 : 0;
  int reg = AnyRegister(random);
  int base = gs_relative ? static_cast<int>(random.Below(16)) : random.Pick(kBases);
  if (gs_relative && random.OneIn(30)) base = -1;
  Bytes operand = MakeMemoryOperand(random, reg, base, index, rex);
  Bytes out;
  if (gs_relative) out = random.OneIn(30) ? Bytes{0x67, 0x65} : Bytes{0x65, 0x67};
  if (random.OneIn(12)) out.push_back(0x66);
  if (random.OneIn(20)) out.push_back(random.Pick(Bytes{0xF0, 0xF2, 0xF3, 0x2E, 0x64}));
  if (random.OneIn(10)) {  // movups and its relatives, VEX
    uint8_t last = random.Pick(Bytes{0x78, 0x7C, 0x79, 0xF8, 0x7A});
    Append(out, {0xC4, Low((~rex & 7) << 5 | 1), last});
    out.push_back(random.Pick(Bytes{0x10, 0x11, 0x28, 0x6F, 0x7E, 0x58}));
    return Joined(out, operand);
  }
  Append(out, Rex(rex, 0, 0));
  if (random.OneIn(4)) {
    Append(out, {0x0F, random.Pick(Bytes{0xB6, 0xB7, 0xBE, 0x10, 0x6F, 0xAF, 0xC1, 0xB1, 0x18})});
  } else {
    out.push_back(random.Pick(kOpcodes));
  }
  return Joined(out, operand);
}

Bytes MakeRebase(Random& random, int reg) {
  const Bytes kStack[] = {{0x4C, 0x01, 0xFC}, {0x4E, 0x01, 0xFC}, {0x49, 0x03, 0xE7},
                          {0x4B, 0x03, 0xE7}, {0x4C, 0x09, 0xFC}, {0x49, 0x0B, 0xE7},
                          {0x4A, 0x8D, 0x24, 0x3C}, {0x4A, 0x8D, 0x64, 0x3C, 0x00},
                          {0x4A, 0x8D, 0xA4, 0x3C, 0, 0, 0, 0}};
  const Bytes kFrame[] = {{0x4C, 0x01, 0xFD}, {0x4E, 0x01, 0xFD}, {0x49, 0x03, 0xEF},
                          {0x4B, 0x03, 0xEF}, {0x4C, 0x09, 0xFD}, {0x49, 0x0B, 0xEF},
                          {0x4A, 0x8D, 0x6C, 0x3D, 0x00}, {0x4A, 0x8D, 0xAC, 0x3D, 0, 0, 0, 0}};
  if (random.OneIn(15)) reg ^= 1;
  return reg == kRsp ? random.Pick(kStack) : random.Pick(kFrame);
}

Bytes MakeStackMove(Random& random) {
  const Bytes kMoves[] = {{0x48, 0x89, 0xE5}, {0x48, 0x8B, 0xEC}, {0x48, 0x89, 0xEC},
                          {0x4A, 0x89, 0xE5}, {0x48, 0x8B, 0xE5}, {0x4C, 0x89, 0xE5},
                          {0x48, 0x83, 0xE4, 0xF0}, {0x48, 0x83, 0xE4, 0x70},
                          {0x4A, 0x83, 0xE4, 0xF0}, {0x48, 0x83, 0xEC, 0x08}, {0x5D}, {0x5C},
                          {0x55}, {0x48, 0x89, 0xE0}};
  return random.Pick(kMoves);
}

Bytes MakeMaskedJump(Random& random) {
  int reg = random.OneIn(12) ? kR15 : static_cast<int>(random.Below(16));
  int high = reg >= 8 ? 1 : 0;
  auto free_bits = [&](size_t mask) { return static_cast<int>(random.Next() & mask); };
  Bytes out;
  if (high != 0 || random.OneIn(4)) out.push_back(Low(0x40 | high | (free_bits(6))));
  Append(out, {0x83, Low(0xE0 | (reg & 7)), random.OneIn(20) ? Low(0xF0) : Low(0xE0)});
  if (random.OneIn(2)) {
    Append(out, {Low(0x4C | high | free_bits(2)), 0x01, ModrmRegisters(7, reg)});
  } else {
    Append(out, {Low(0x49 | high << 2 | free_bits(2)), 0x03, ModrmRegisters(reg, 7)});
  }
  if (random.OneIn(25)) out.push_back(0x90);
  if (high != 0 || random.OneIn(4)) out.push_back(Low(0x40 | high | free_bits(14)));
  if (random.OneIn(20)) reg = static_cast<int>(random.Below(8));
  Append(out, {0xFF, Low((random.OneIn(2) ? 0xD0 : 0xE0) | (reg & 7))});
  return out;
}

Bytes MakeString(Random& random) {
  auto truncate = [&](bool rdi) {
    Bytes out;
    if (random.OneIn(6)) out.push_back(random.Pick(Bytes{0x40, 0x42, 0x41, 0x44}));
    out.push_back(random.OneIn(2) ? Low(0x89) : Low(0x8B));
    Append(out, rdi ? Bytes{0xFF, 0x49, 0x8D, 0x3C, 0x3F} : Bytes{0xF6, 0x49, 0x8D, 0x34, 0x37});
    return out;
  };
  const Bytes kEnds[] = {{0xAA}, {0xAB}, {0xAE}, {0xAF}, {0xA4}, {0xA5}, {0xA6}, {0xA7}, {0xAC},
                         {0xAD}, {0x0F, 0xF7, 0xCA}, {0x66, 0x0F, 0xF7, 0xCA}, {0x90},
                         {0x66, 0x41, 0x0F, 0xF7, 0xCA}, {0xC5, 0xF9, 0xF7, 0xCA},
                         {0xC4, 0xE1, 0x79, 0xF7, 0xD1}, {0xC5, 0xFD, 0xF7, 0xCA}};
  Bytes out;
  size_t kind = random.Below(4);
  if (kind != 0) Append(out, truncate(kind == 1));
  if (kind == 3) Append(out, truncate(true));
  if (random.OneIn(2)) out.push_back(random.Pick(Bytes{0xF3, 0xF2, 0x66, 0xF3}));
  if (random.OneIn(3)) out.push_back(random.OneIn(5) ? Low(0x4A) : Low(0x48));
  return Joined(out, random.Pick(kEnds));
}

Bytes MakePredictedReturn(Random& random) {
  Bytes out = {0x41, 0x83, 0xE3, 0xE0, 0x4D, 0x01, 0xFB, 0x41, 0x53, 0xC3};
  if (random.OneIn(4)) out[random.Below(out.size())] ^= Low(1 << random.Below(8));
  if (random.OneIn(15)) out.pop_back();
  return out;
}

Bytes MakeNop(Random& random) {
  const Bytes kNops[] = {{0x90}, {0x66, 0x90}, {0xF3, 0x90}, {0x0F, 0x1F, 0x00}, {0x41, 0x90},
                         {0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00},
                         {0x66, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0},
                         {0x66, 0x2E, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0},
                         {0x66, 0x66, 0x66, 0x2E, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0}, {0xF4}};
  return random.Pick(kNops);
}

class Builder {
 public:
  explicit Builder(Random& random) : random_(random) {}

  // Mostly keeps the piece in one bundle.
  void Place(const Bytes& piece) {
    size_t left = kBundle - out_.size() % kBundle;
    if (piece.size() > left && !random_.OneIn(12)) Fill(left);
    if (random_.OneIn(10) && piece.size() <= left) Fill(left - piece.size());  // ends the bundle
    starts_.push_back(out_.size());
    Append(out_, piece);
  }

  // A direct branch whose distance is decided when the chunk is complete.
  void PlaceJump() {
    const Bytes kShort[] = {{0xEB}, {0x74}, {0x75}, {0xE3}, {0xE2}, {0x2E, 0x7F}, {0x3E, 0x72}};
    const Bytes kLong[] = {{0xE9}, {0xE8}, {0x0F, 0x84}, {0x0F, 0x85},
                            {0x48, 0xE9}, {0x2E, 0x0F, 0x8C}};
    int size = random_.OneIn(2) ? 1 : 4;
    Bytes piece = size == 1 ? random_.Pick(kShort) : random_.Pick(kLong);
    if (random_.OneIn(30)) piece.insert(piece.begin(), 0x66);
    size_t opcode_size = piece.size();
    piece.resize(opcode_size + static_cast<size_t>(size));
    Place(piece);
    jumps_.push_back({out_.size() - static_cast<size_t>(size), size});
  }

  Bytes Finish() {
    if (out_.size() % kBundle != 0) Fill(kBundle - out_.size() % kBundle);
    for (const Jump& jump : jumps_) {
      int64_t target = static_cast<int64_t>(random_.Pick(starts_));
      if (random_.OneIn(5)) target = static_cast<int64_t>(random_.Below(out_.size() + 40)) - 20;
      if (random_.OneIn(8)) target = static_cast<int64_t>(random_.Below(12) * kBundle) - 64;
      if (random_.OneIn(8)) ++target;
      int64_t distance = target - static_cast<int64_t>(jump.at) - jump.size;
      for (int i = 0; i < jump.size; ++i) {
        out_[jump.at + static_cast<size_t>(i)] = static_cast<uint8_t>(distance >> (8 * i));
      }
    }
    return out_;
  }

 private:
  struct Jump {
    size_t at;
    int size;
  };

  void Fill(size_t count) {
    if (count > 0) starts_.push_back(out_.size());
    AppendFiller(random_, out_, count);
  }

  Random& random_;
  Bytes out_;
  std::vector<size_t> starts_;
  std::vector<Jump> jumps_;
};

void PlacePieces(Random& random, Builder& builder) {
  switch (random.Below(12)) {
    case 0: case 1: {
      int reg = AnyRegister(random);
      builder.Place(MakeTruncation(random, reg));
      if (random.OneIn(20)) builder.Place(MakeNop(random));
      if (random.OneIn(25)) reg = AnyRegister(random);
      builder.Place(MakeAccess(random, reg, random.OneIn(8)));
      break;
    }
    case 2: {
      int reg = random.OneIn(2) ? kRsp : kRbp;
      builder.Place(MakeTruncation(random, reg));
      if (random.OneIn(20)) builder.Place(MakeNop(random));
      if (!random.OneIn(20)) builder.Place(MakeRebase(random, reg));
      break;
    }
    case 3: builder.Place(MakeStackMove(random)); break;
    case 4: builder.Place(MakeMaskedJump(random)); break;
    case 5: builder.Place(MakeString(random)); break;
    case 6: builder.Place(MakePredictedReturn(random)); break;
    case 7: case 8: builder.PlaceJump(); break;
    case 9:
      builder.Place(MakeAccess(random, random.OneIn(3) ? -1 : AnyRegister(random), true));
      break;
    case 10: builder.Place(random.OneIn(3) ? MakeInstruction(random) : MakeNop(random)); break;
    default: builder.Place(MakeAccess(random, -1, false)); break;
  }
}

}  // namespace

Bytes MakeChunk(Random& random) {
  Builder builder(random);
  size_t pieces = 1 + random.Below(random.OneIn(4) ? 12 : 4);
  builder.Place(MakeNop(random));
  for (size_t i = 0; i < pieces; ++i) PlacePieces(random, builder);
  return builder.Finish();
}

}  // namespace zvm::differential
