// List phase of the accept filter: judges each instruction. The soundness argument is in
// accept_filter_core.h, which includes this file; the vector types and operations are those of the
// file that includes that one (accept_filter_avx512.cc says which).

// What each instruction consists of.
struct Fields {
  Bytes opcode;
  Bytes modrm;
  Bytes sib;         // or whatever comes after ModRM
  Bytes rex;         // 0 or 40..4F
  Bytes prefix_bit;  // 1, 2, 4, 8: none, 66, F3, F2
  Lanes has_rex;
  Lanes rex_w;
  Lanes map_0f;
  Lanes prefixed;  // 66, F3 or F2
  Lanes gs;        // 65 67
};

ZVM_INLINE Fields Split(const Position& low, const Position& high, Bytes starts) {
  const Bytes header = GatherPositions(low.headers, high.headers, starts);
  Fields f;
  f.gs = TopBit(header);
  static_assert(kHeaderGs == 0x80);
  f.map_0f = AnySet(header, kHeader0f);
  f.prefixed = AnySet(header, kHeaderPrefix);
  f.has_rex = AnySet(header, kHeaderRex);
  f.prefix_bit = Lookup64(kPrefixBitTable.value, And(header, 63));

  const Bytes at = Add(starts, And(header, kHeaderBytes));
  f.opcode = GatherPositions(low.bytes, high.bytes, at);
  f.modrm = GatherPositions(low.bytes, high.bytes, Add(at, Splat(1)));
  f.sib = GatherPositions(low.bytes, high.bytes, Add(at, Splat(2)));
  const Bytes rex_at = AddWhere(Add(at, Splat(-1)), f.map_0f, -1);
  f.rex = KeepWhere(f.has_rex, GatherPositions(low.bytes, high.bytes, rex_at));
  f.rex_w = AnySet(f.rex, 8);
  return f;
}

// What the tables say about each instruction.
struct Facts {
  Lanes accepted;  // by prefix, REX.W, digit and operand form
  Bytes digit;     // ModRM.reg in the low three bits, garbage above
  Bytes facts;     // kFact…
  Lanes register_form;
  Lanes zero_extends;  // if it writes at all
};

ZVM_INLINE Facts LookUpFacts(const Fields& f) {
  const Bytes id = Select(f.map_0f, Lookup256(kTables.two_class, f.opcode),
                          Lookup256(kTables.one_class, f.opcode));
  Facts facts;
  facts.facts = Lookup64(kTables.facts, id);
  facts.register_form = AtLeast(f.modrm, 0xc0);
  facts.digit = BitsRight<3>(f.modrm);
  const Bytes digit_bit = PowerOfTwo(And(facts.digit, 7));

  const Bytes prefixes = Lookup64(kTables.prefixes, id);
  static_assert(kFilterPrefixes == 4);
  const Bytes of_this_w = Select(f.rex_w, BitsRight<4>(prefixes), prefixes);
  const Bytes digits = Select(facts.register_form, Lookup64(kTables.register_digits, id),
                              Lookup64(kTables.memory_digits, id));
  facts.accepted = AnyCommon(of_this_w, f.prefix_bit) & AnyCommon(digits, digit_bit);
  // SAFETY: prefix 66 and REX.W make it an operation of another size, which extends nothing.
  facts.zero_extends = AnyCommon(Lookup64(kTables.zero_extending_digits, id), digit_bit) &
                       ~(f.prefixed | f.rex_w);
  return facts;
}

// Register numbers 0..15 of the operands and of the one that is written.
struct Registers {
  Bytes reg;
  Bytes rm;
  Bytes written;
  Lanes writes;
  Bytes rex_b_as_8;  // REX.B in bit 3, garbage elsewhere
};

ZVM_INLINE Registers FindRegisters(const Fields& f, const Facts& facts) {
  Registers r;
  r.rex_b_as_8 = BitsLeft<3>(f.rex);
  r.reg = RegisterNumber(facts.digit, BitsLeft<1>(f.rex));
  r.rm = RegisterNumber(f.modrm, r.rex_b_as_8);
  const Bytes op = RegisterNumber(f.opcode, r.rex_b_as_8);
  const Lanes writes_reg = AnySet(facts.facts, kFactWritesReg);
  const Lanes writes_rm = AnySet(facts.facts, kFactWritesRm) & facts.register_form;
  const Lanes writes_op = AnySet(facts.facts, kFactWritesOp);
  const Lanes writes_acc = AnySet(facts.facts, kFactWritesAcc);
  r.written = KeepWhere(~writes_acc, r.rm);
  r.written = Select(writes_reg, r.reg, r.written);
  r.written = Select(writes_op, op, r.written);
  r.writes = writes_reg | writes_rm | writes_op | writes_acc;
  return r;
}

// Lanes with an unacceptable memory operand, and lanes that lean on the previous instruction.
struct Memory {
  Lanes bad;
  Lanes uses_restricted;
};

template <bool kZvm>
ZVM_INLINE Memory CheckMemory(const Fields& f, const Facts& facts, const Registers& r,
                              Lanes zero_extended) {
  const Lanes checked = AnySet(facts.facts, kFactChecked) & ~facts.register_form;
  const Bytes rm_field = And(f.modrm, 7);
  const Lanes mod_0 = NoneSet(f.modrm, 0xc0);
  const Lanes has_sib = Equal(rm_field, 4);
  const Lanes rip = mod_0 & Equal(rm_field, 5);

  // rsp (always with SIB), r15, rbp with a displacement, rip.
  const Bytes base = RegisterNumber(Select(has_sib, f.sib, f.modrm), r.rex_b_as_8);
  const Lanes base_ok = Equal(base, 4) | Equal(base, 15) | (Equal(base, 5) & ~mod_0) | rip;

  // The restricted register is kept as 16 + number, so that "none" (0) equals no index.
  const Bytes restricted = KeepWhere(zero_extended, Or(r.written, Splat(16)));
  const Bytes index = RegisterNumber(BitsRight<3>(f.sib), BitsLeft<2>(f.rex));
  const Lanes has_index = has_sib & ~Equal(index, 4);
  const Lanes index_ok = Equal(Or(index, Splat(16)), FromPreviousLane(restricted));

  Memory memory;
  memory.bad = checked & (~base_ok | (has_index & ~index_ok));
  memory.uses_restricted = checked & has_index;
  if constexpr (kZvm) {
    // SAFETY: 65 67 replaces the check of base and index, and is allowed on nothing but a checked
    // operand that is not relative to rip.
    memory.bad = (memory.bad & ~f.gs) | (f.gs & (~checked | rip));
    memory.uses_restricted = memory.uses_restricted & ~f.gs;
  }
  return memory;
}

// `add %r15,%rsp` (4C|4E 01 FC), `lea (%rsp,%r15),%rsp` (4A 8D 24 3C), `add %r15,%rbp`: the forms
// that the compiler driver emits. `bad` has a lane wherever writes and re-bases do not pair up.
struct Rebase {
  Lanes lanes;
  Lanes bad;
};

ZVM_INLINE Rebase CheckRebase(const Fields& f, const Registers& r, Lanes plain, Lanes used,
                              Lanes zero_extended) {
  const Lanes add = plain & Equal(And(f.rex, 0x4d), 0x4c) & Equal(f.opcode, 0x01);
  const Lanes lea = plain & Equal(f.rex, 0x4a) & Equal(f.opcode, 0x8d) & Equal(f.modrm, 0x24) &
                    Equal(f.sib, 0x3c);
  const Lanes rsp = used & ((add & Equal(f.modrm, 0xfc)) | lea);
  const Lanes rbp = used & add & Equal(f.modrm, 0xfd);
  // SAFETY: equality both ways over all lanes: a write without its re-base, also at the end of the
  // bundle (in the lane behind the last instruction), and a re-base without its write.
  const Lanes esp_written = used & zero_extended & Equal(r.written, 4);
  const Lanes ebp_written = used & zero_extended & Equal(r.written, 5);
  return {rsp | rbp,
          (FromPreviousLane(esp_written) ^ rsp) | (FromPreviousLane(ebp_written) ^ rbp)};
}

// The last lanes of `and $-32,%eX; add %r15,%rX; jmp|call *%rX`.
ZVM_INLINE Lanes FindMaskedJumps(const Fields& f, const Registers& r, Lanes plain, Lanes used,
                                 Lanes register_form) {
  // SAFETY: all three must be instructions of this bundle. Behind the last one a lane holds some
  // instruction of a later bundle, and a set must not have it when it moves to another lane.
  const Lanes candidates = plain & used;
  const Bytes without_rm = And(f.modrm, 0xf8);
  const Lanes digit_4 = Equal(without_rm, 0xe0);
  const Lanes mask = candidates & ~f.rex_w & Equal(f.opcode, 0x83) & digit_4 & Equal(f.sib, 0xe0);
  const Lanes add =
      candidates & f.rex_w & register_form & Equal(f.opcode, 0x01) & Equal(r.reg, 15);
  const Lanes jump = candidates & Equal(f.opcode, 0xff) & (digit_4 | Equal(without_rm, 0xd0));
  const Lanes same_register = Equal(r.rm, FromPreviousLane(r.rm));
  const Lanes masked = add & same_register & FromPreviousLane(mask);
  return jump & same_register & FromPreviousLane(masked);
}

// The last lanes of the predicted return, profile zvm only: ten exact bytes. Out of line: rare.
[[gnu::noinline]] uint64_t FindReturns(const uint8_t* code, Bytes relative_offsets,
                                       uint64_t candidates) {
  static constexpr uint8_t kReturn[] = {0x41, 0x83, 0xe3, 0xe0, 0x4d, 0x01, 0xfb, 0x41, 0x53, 0xc3};
  LaneArray relative;
  Store(relative, relative_offsets);
  uint64_t found = 0;
  for (; candidates != 0; candidates &= candidates - 1) {
    const uint32_t lane = static_cast<uint32_t>(__builtin_ctzll(candidates));
    const uint32_t at = relative.value[lane];
    const uint8_t* bundle = code + lane / 16 * 32;
    // SAFETY: the four instructions are decoded at +0, +4, +7, +9 of the ten bytes, in one bundle.
    if (lane % 16 >= 3 && at >= 9 && relative.value[lane - 1] == at - 2 &&
        relative.value[lane - 2] == at - 5 && relative.value[lane - 3] == at - 9 &&
        std::memcmp(bundle + at - 9, kReturn, sizeof kReturn) == 0) {
      found |= uint64_t{1} << lane;
    }
  }
  return found;
}

// What the list phase finds out about the four bundles. Masks of lanes as numbers.
struct Judgement {
  uint64_t bad;   // any bit in a bundle's lane group: not accepted
  Lanes targets;  // lanes whose start is a legal jump target
  uint64_t jumps;
  uint64_t wide_jumps;
  uint64_t needs_zvm;
};

template <bool kZvm>
ZVM_INLINE Judgement Judge(const uint8_t* code, const Position& low, const Position& high,
                           const Walk& walk) {
  const Fields f = Split(low, high, walk.starts);
  const Facts facts = LookUpFacts(f);
  const Registers r = FindRegisters(f, facts);
  const Lanes plain = ~(f.prefixed | f.map_0f | f.gs);
  const Lanes zero_extended = r.writes & facts.zero_extends;

  const Memory memory = CheckMemory<kZvm>(f, facts, r, zero_extended);
  const Rebase rebase = CheckRebase(f, r, plain, walk.used, zero_extended);
  const Lanes masked_jumps = FindMaskedJumps(f, r, plain, walk.used, facts.register_form);

  // AH and CH have the numbers of rsp and rbp, without REX.
  const Lanes high_byte = AnySet(facts.facts, kFactByte) & ~f.has_rex;
  const Lanes stack_written = r.writes & Equal(And(r.written, 14), 4) &
                              ~(high_byte | zero_extended | rebase.lanes);
  const Lanes r15_written = r.writes & Equal(r.written, 15);

  Judgement judgement;
  Lanes accepted = facts.accepted | walk.nops | masked_jumps;
  Lanes inner = memory.uses_restricted | rebase.lanes | masked_jumps | FromNextLane(masked_jumps);
  judgement.needs_zvm = 0;
  if constexpr (kZvm) {
    judgement.needs_zvm = ToBits(f.gs & walk.used);
    const uint64_t candidates =
        ToBits(walk.used & plain & Equal(f.opcode, 0xc3) & ~f.has_rex);
    if (candidates != 0) [[unlikely]] {
      const uint64_t returns = FindReturns(code, walk.relative, candidates);
      accepted = accepted | FromBits(returns);
      inner = inner | FromBits(returns | (returns >> 1) | (returns >> 2));
      judgement.needs_zvm |= returns;
    }
  }
  const Lanes lane_bad = ~accepted | memory.bad | stack_written | r15_written;
  judgement.bad = walk.bad | ToBits((walk.used & lane_bad) | rebase.bad);
  judgement.targets = walk.used & ~inner;
  const Lanes wide_jumps = TopBit(facts.facts);
  static_assert(kFactJump32 == 0x80);
  judgement.wide_jumps = ToBits(wide_jumps);
  judgement.jumps = ToBits(walk.used & (AnySet(facts.facts, kFactJump8) | wide_jumps));
  return judgement;
}
