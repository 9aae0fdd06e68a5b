// The accept filter: four bundles at once, without a branch for the common instructions. It never
// refuses: a bundle that it does not accept is judged by the exact path (scan_exact.cc). Facts
// about opcodes: accept_filter_tables.h. Rules: docs/validator.md.
//
// Included once by the file of each instruction set, inside its unnamed namespace and behind its
// vector types and operations (accept_filter_avx512.cc, accept_filter_avx2.cc), so that all of them
// share one algorithm and one argument. A vector has 64 byte lanes. Two phases:
//
//   position phase   lane = byte offset in the 128 bytes (two vectors). For every offset:
//                    "where would an instruction end that started here?" Following these pointers
//                    from the start of each bundle gives its instructions.
//   list phase       lane = instruction (one vector): 16 lanes a bundle, in order.
//
//       lane   0 .. 14   15 | 16 .. 30   31 | 32 .. 46   47 | 48 .. 62   63
//              bundle 0   - | bundle 1    - | bundle 2    - | bundle 3    -
//
//     Each bundle is one 128-bit part of the vector, so "the previous instruction of the same
//     bundle" is a byte shift within the part, which brings in 0 at the part's ends. The 16th lane
//     is never an instruction: it takes what the 15th shifts out.
//
// SAFETY: why the exact path accepts what is accepted here, with the same targets and jumps.
//  1. Same instructions. An instruction is split in the one order that the exact path knows:
//     [65 67] [66|F2|F3] [REX] [0F] opcode, each part once at most; ends and fields come from the
//     same header byte. An opcode that is not in the tables has length 0, so the walk stays on it
//     and never reaches the bundle's end; a bundle is accepted only if its walk ends exactly there.
//     Lengths are those of the exact tables. Two instructions have their end set otherwise: long
//     nops (exact bytes) and runs of halts (each a whole instruction without state).
//  2. Bytes behind the bundle, whether read or replaced by those of another lane, decide nothing.
//     An instruction whose ModRM, SIB or digit byte lies there is longer than the bundle whatever
//     that byte is (each of these bytes counts in the length, and no ModRM length is 0), so it is
//     not accepted. If a header ends at the bundle's end, the opcode's end is looked up in the lane
//     behind it: there the instruction ends past the bundle, or the opcode is unknown (length 0)
//     and has class 0, which accepts nothing. Where that lane is not in the vector, the index wraps
//     to the first lanes of the vector or bundle; ends found there lie within 24 bytes of those
//     lanes, so never at the end of this bundle.
//  3. Every instruction is accepted on its own account: the class tables say yes only where each
//     allow-list cell that they stand for says yes, for prefix, REX.W, digit and operand form.
//  4. Each fact that forbids is claimed where any cell claims it: register written, memory checked.
//     Each fact that allows is claimed only where all do: zero-extension, 8-bit register.
//     A zero-extension that is not claimed costs two things and both refuse: the next instruction's
//     index is then "not restricted", and a write of esp or ebp is then an error at once.
//  5. What passes from one instruction to the next is compared lane by lane: the index with the
//     restricted register; esp (ebp) written if and only if the next instruction is a re-base, for
//     all lanes including the one behind the last instruction and including nops, which are
//     otherwise exempt from checks; the three parts of a masked jump, the four of a predicted
//     return. Lanes that are not `used` hold instructions of other bundles. A set of lanes is cut
//     to `used` before it moves to another lane; used lanes never include lane 15 and are without
//     gaps, so no bundle sees another one, nor what is behind its end.
//  6. Forms left out are only refused here: lock, branch hints, VEX, 0F38, 0F3A, x87, string
//     sequences, most re-base encodings, more than 15 instructions.

#include "validator/accept_filter_positions.h"

#include "validator/accept_filter_list.h"

// Bit n = no bit of `lanes` lies in bundle n's group.
ZVM_INLINE uint32_t BundlesWithout(uint64_t lanes) {
  const __m128i groups = _mm_cvtsi64_si128(static_cast<long long>(lanes));
  const __m128i empty = _mm_cmpeq_epi16(groups, _mm_setzero_si128());
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(empty, empty))) & 15;
}

// All lanes of the bundles in `bundles`: bit n to bit 16 n, by adding four shifted copies.
ZVM_INLINE uint64_t LanesOf(uint32_t bundles) {
  return ((bundles * uint64_t{0x0000'2000'4000'8001}) & kFirstOfBundle) * 0xffff;
}

template <bool kZvm>
uint32_t FilterFourBundles(const uint8_t* code, uint32_t first_offset, ScanOutput& output) {
  Position low = FindEnds<kZvm>(LoadCode(code), Load(kLowOffset));
  Position high = FindEnds<kZvm>(LoadCode(code + 64), Load(kHighOffset));
  alignas(16) uint32_t halts[4] = {};
  if (EndsWithHalt(code)) [[unlikely]] {
    ShortenHaltTails(code, low, high, halts);
  }
  const Walk walk = MakeWalk(low.ends, high.ends);
  const Judgement judgement = Judge<kZvm>(code, low, high, walk);

  const uint32_t accepted = BundlesWithout(judgement.bad);
  const uint64_t kept = LanesOf(accepted);
  __m128i words = TargetWords(walk.relative, judgement.targets);
  // The one instruction that starts in a run of halts stands for all halts from there on.
  const __m128i tails = _mm_load_si128(reinterpret_cast<const __m128i*>(halts));
  const __m128i first_halt = _mm_and_si128(words, tails);
  words = _mm_or_si128(words,
                       _mm_and_si128(tails, _mm_sub_epi32(_mm_setzero_si128(), first_halt)));
  StoreWords(output.targets + first_offset / kBundleSize, accepted, words);
  // An instruction ends where the next lane starts; 128 has become 0 there.
  AppendJumps(FromNextLane(walk.starts), judgement.jumps & kept, judgement.wide_jumps, first_offset,
              output);
  output.needs_zvm |= (judgement.needs_zvm & kept) != 0;
  return accepted;
}
