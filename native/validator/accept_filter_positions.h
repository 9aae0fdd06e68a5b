// Position phase of the accept filter, and the walk that turns it into lists of instructions. The
// soundness argument is in accept_filter_core.h, which includes this file; the vector types and
// operations are those of the file that includes that one (accept_filter_avx512.cc says which).

// The flag in bit 7 of an end offset: the instruction that ends there is a long nop with prefix 66.
constexpr int kNopFlag = 0x80;

// Lane = position.
struct Position {
  Bytes bytes;    // the code
  Bytes headers;  // header (accept_filter_lanes.h) of the instruction that starts there
  Bytes ends;     // where it ends, 7 bits, and kNopFlag
};

// Bytes of ModRM, SIB and displacement if the lane held a ModRM byte. Never 0.
ZVM_INLINE Bytes ModRmLengths(Bytes bytes) {
  const Bytes length = Lookup32(kModRmLengthTable, ModAndRm(bytes));
  const Lanes sib_without_displacement = Equal(And(bytes, 0xc7), 0x04);
  const Lanes sib_base_5 = Equal(And(bytes, 7), 5);
  return AddWhere(length, sib_without_displacement & Ahead<1>(sib_base_5), 4);
}

// Where an instruction ends if the lane held its opcode.
struct OpcodeEnds {
  Bytes one;        // opcode of the one-byte map
  Bytes two;        // opcode of map 0F
  Lanes wide_imm;   // REX.W adds four bytes of immediate
  Lanes short_imm;  // prefix 66 takes two bytes of immediate away
};

ZVM_INLINE OpcodeEnds FindOpcodeEnds(Bytes bytes, Bytes offset) {
  const Bytes modrm_length = FromNextPosition(ModRmLengths(bytes));
  const Lanes next_digit_0 = Ahead<1>(NoneSet(bytes, 0x38));

  const Bytes one = Lookup256(kTables.one_length, bytes);
  const Lanes digit_imm32 = TopBit(one);
  static_assert(kLengthDigit0Imm32 == 0x80);
  OpcodeEnds ends;
  ends.one = Add(offset, And(one, kLengthBytes));
  ends.one = AddWhere(ends.one, AnySet(one, kLengthModRm), modrm_length);
  ends.one = AddWhere(ends.one, AnySet(one, kLengthDigit0Imm8) & next_digit_0, 1);
  ends.one = AddWhere(ends.one, digit_imm32 & next_digit_0, 4);
  ends.wide_imm = AnySet(one, kLengthWideImm);
  ends.short_imm = AnySet(one, kLength66Imm) & (~digit_imm32 | next_digit_0);

  const Bytes two = Lookup256(kTables.two_length, bytes);
  ends.two = Add(offset, And(two, kLengthBytes));
  ends.two = AddWhere(ends.two, AnySet(two, kLengthModRm), modrm_length);
  return ends;
}

// Bytes that may come before an opcode. No lane is in two of them.
struct HeaderLanes {
  Lanes gs;  // 65, and the next byte is 67; profile zvm only
  Lanes p66;
  Lanes pf3;
  Lanes pf2;
  Lanes rex;
  Lanes map_0f;
};

// The part is at the lane itself, or behind the optional part `before` of `size` bytes there.
template <int size>
ZVM_INLINE Lanes Behind(Lanes before, Lanes part) {
  return part | (before & Ahead<size>(part));
}

template <bool kZvm>
ZVM_INLINE HeaderLanes FindHeaderLanes(Bytes bytes) {
  HeaderLanes at;
  at.gs = NoLanes();
  if constexpr (kZvm) {
    // SAFETY: a 65 that no 67 follows is no header, and no opcode either: its length is 0.
    at.gs = Equal(bytes, 0x65) & Ahead<1>(Equal(bytes, 0x67));
  }
  at.p66 = Equal(bytes, 0x66);
  at.pf3 = Equal(bytes, 0xf3);
  at.pf2 = Equal(bytes, 0xf2);
  at.rex = Equal(And(bytes, 0xf0), 0x40);
  at.map_0f = Equal(bytes, 0x0f);
  return at;
}

template <bool kZvm>
ZVM_INLINE Bytes MakeHeaders(const HeaderLanes& at) {
  const Lanes prefix = at.p66 | at.pf3 | at.pf2;
  Lanes map_0f = Behind<1>(prefix, Behind<1>(at.rex, at.map_0f));
  Lanes rex = Behind<1>(prefix, at.rex);
  Lanes p66 = at.p66;
  Lanes pf3 = at.pf3;
  Lanes pf2 = at.pf2;
  if constexpr (kZvm) {
    map_0f = Behind<2>(at.gs, map_0f);
    rex = Behind<2>(at.gs, rex);
    p66 = Behind<2>(at.gs, p66);
    pf3 = Behind<2>(at.gs, pf3);
    pf2 = Behind<2>(at.gs, pf2);
  }
  Bytes headers = KeepWhere(map_0f, Splat(1 | kHeader0f));
  headers = AddWhere(headers, rex, 1 | kHeaderRex);
  headers = AddWhere(headers, p66, 1 | (1 << kHeaderPrefixShift));
  headers = AddWhere(headers, pf3, 1 | (2 << kHeaderPrefixShift));
  headers = AddWhere(headers, pf2, 1 | (3 << kHeaderPrefixShift));
  return kZvm ? AddWhere(headers, at.gs, 2 | kHeaderGs) : headers;
}

// The end of the instruction that starts at each lane: that of its opcode, corrected for the two
// prefixes that change the size of an immediate.
template <bool kZvm>
ZVM_INLINE Bytes ApplyHeaders(Bytes bytes, Bytes headers, const OpcodeEnds& opcode,
                              const HeaderLanes& at) {
  Bytes ends = EndsBehindHeaders(headers, opcode.one, opcode.two);
  // No prefix goes with an immediate of eight bytes, so the REX is the first byte.
  const Lanes rex_w = at.rex & AnySet(bytes, 8);
  ends = AddWhere(ends, rex_w & Ahead<1>(opcode.wide_imm), 4);
  Lanes shortened = at.p66 & Ahead<1>(Behind<1>(at.rex, opcode.short_imm));
  if constexpr (kZvm) {
    shortened = Behind<2>(at.gs, shortened);
  }
  return AddWhere(ends, shortened, -2);
}

// The long nops with prefix 66 are accepted byte for byte only:
//   66 0F1F44 00 00   66 0F1F84 00 00000000   66 (one to six) 2E 0F1F84 00 00000000
ZVM_INLINE Bytes MarkNops(Bytes bytes, Bytes offset, Bytes ends, const HeaderLanes& at) {
  const Lanes zero = Equal(bytes, 0);
  const Lanes zero2 = zero & Ahead<1>(zero);
  const Lanes zero5 = zero2 & Ahead<2>(zero2) & Ahead<4>(zero);
  const Lanes nop = at.map_0f & Ahead<1>(Equal(bytes, 0x1f));
  const Lanes nop5 = nop & Ahead<2>(Equal(bytes, 0x44)) & Ahead<3>(zero2);
  const Lanes nop8 = nop & Ahead<2>(Equal(bytes, 0x84)) & Ahead<3>(zero5);

  Lanes nops = at.p66 & Ahead<1>(nop5 | nop8);
  Lanes run = Equal(bytes, 0x2e) & Ahead<1>(nop8);  // nine bytes
  for (int prefixes = 1; prefixes <= 6; ++prefixes) {
    run = at.p66 & Ahead<1>(run);
    nops = nops | run;
    ends = Select(run, Add(offset, Splat(9 + prefixes)), ends);
  }
  return AddWhere(And(ends, 127), nops, kNopFlag);
}

template <bool kZvm>
ZVM_INLINE Position FindEnds(Bytes bytes, Bytes offset) {
  const HeaderLanes at = FindHeaderLanes<kZvm>(bytes);
  Position position;
  position.bytes = bytes;
  position.headers = MakeHeaders<kZvm>(at);
  const Bytes ends =
      ApplyHeaders<kZvm>(bytes, position.headers, FindOpcodeEnds(bytes, offset), at);
  position.ends = MarkNops(bytes, offset, ends, at);
  return position;
}

// The runs of F4 (hlt) that end a bundle: padding behind functions and behind the text. One by one
// they would overflow the lists, so from any byte of the run one step leads to the bundle's end.
// `tails` are target words, one bit a byte of each bundle, because each halt is a legal target.
[[gnu::noinline]] void ShortenHaltTails(const uint8_t* code, Position& low, Position& high,
                                        uint32_t (&tails)[4]) {
  for (uint32_t bundle = 0; bundle < 4; ++bundle) {
    uint32_t length = 0;
    while (length < 32 && code[bundle * 32 + 31 - length] == 0xf4) {
      ++length;
    }
    tails[bundle] = static_cast<uint32_t>(~(uint64_t{0xffff'ffff} >> length));
  }
  const Lanes low_tails = FromBits(tails[0] | uint64_t{tails[1]} << 32);
  const Lanes high_tails = FromBits(tails[2] | uint64_t{tails[3]} << 32);
  low.ends = Select(low_tails, Load(kLowBundleEnd), low.ends);
  high.ends = Select(high_tails, Load(kHighBundleEnd), high.ends);
}

ZVM_INLINE bool EndsWithHalt(const uint8_t* code) {
  return code[31] == 0xf4 || code[63] == 0xf4 || code[95] == 0xf4 || code[127] == 0xf4;
}

// ---- The walk: from ends to lists --------------------------------------------------------------

// Lane = instruction.
struct Walk {
  Bytes starts;    // offset, 7 bits
  Bytes relative;  // the same from the start of the bundle; meaningful for `used` lanes
  Lanes used;      // the lane holds an instruction that starts inside its bundle
  Lanes nops;      // it is a long nop with prefix 66
  uint64_t bad;    // a bit in the lane group of every bundle that the walk leaves elsewhere
};

// Lane k takes k steps from its bundle's start: one, two, four and eight steps by pointer doubling.
ZVM_INLINE Bytes WalkBundles(Bytes low, Bytes high) {
  constexpr uint64_t kWithStep[] = {0xaaaa'aaaa'aaaa'aaaa, 0xcccc'cccc'cccc'cccc,
                                    0xf0f0'f0f0'f0f0'f0f0, 0xff00'ff00'ff00'ff00};
  Bytes at = Load(kBundleOffset);
  for (int step = 0; step < 4; ++step) {
    if (step > 0) {
      DoubleSteps(low, high);
    }
    at = StepWhere(FromBits(kWithStep[step]), low, high, at);
  }
  return at;
}

ZVM_INLINE Walk MakeWalk(Bytes low_ends, Bytes high_ends) {
  const Bytes at = WalkBundles(low_ends, high_ends);
  Walk walk;
  walk.starts = And(at, 127);
  walk.relative = Xor(walk.starts, Load(kBundleOffset));
  // The first lane of each bundle that is outside of it stops the list; lane 15 always does.
  const uint64_t outside = ToBits(AnySet(walk.relative, 0x60)) | kLastOfBundle;
  const uint64_t below_first = outside - kFirstOfBundle;
  const uint64_t first_outside = outside & ~below_first;
  walk.used = FromBits(~outside & below_first);
  // SAFETY: a bundle whose last instruction ends anywhere but at the bundle's end is not accepted.
  walk.bad = first_outside & ~ToBits(Equal(walk.relative, Load(kBundleEnd)));
  // The flag came along with the step that led out of the instruction.
  walk.nops = FromNextLane(TopBit(at));
  return walk;
}
