// The seam between the driver (validator.cc), the exact decoder of one bundle (scan_exact.cc) and
// the vectorised accept filter (accept_filter*.cc). The exact decoder defines the verdict. The
// filter may only say "accepted" where the exact decoder says so, with the same targets and jumps;
// for every other bundle it says nothing and the exact decoder judges.
#pragma once

#include <cstddef>
#include <cstdint>

#include "validator/validator.h"

namespace zvm {

struct Need;

inline constexpr size_t kBundleSize = 32;  // bytes
inline constexpr size_t kFilterBundles = 4;  // bundles that an accept filter sees at once

// The most direct jumps in one bundle: the shortest takes two bytes.
inline constexpr size_t kMaxJumpsPerBundle = 16;

// One direct jump or call: the offset in the chunk of the byte after it (its END) in the low 31
// bits; bit 31 set when its displacement has 32 bits, clear when it has 8. The displacement is
// the last field of the instruction, so it lies in the bytes right before END.
inline constexpr uint32_t kJumpIs32Bit = 1u << 31;

// What scanning leaves behind. Jumps are not checked while scanning: the driver computes all
// targets in a second loop, when every target word is known.
struct ScanOutput {
  // Array over the whole chunk, one word a bundle: targets[offset / 32]. Bit k = offset k of the
  // bundle is a legal target of a direct jump. Bit 0 is set in every accepted bundle (multiples of
  // 32 are always legal). The end of a bundle's last instruction is the next bundle's bit 0: it is
  // not recorded. The word of a bundle that was not accepted is left alone.
  uint32_t* targets;
  // Appended at jumps[jump_count]. Within a bundle in ascending order; bundles in the order in
  // which they were judged, so the whole list is in no order. There is room for kMaxJumpsPerBundle
  // entries for every bundle judged, and for a filter to store kFilterBundles *
  // kMaxJumpsPerBundle entries from jumps[jump_count] on whatever it accepts (those after the
  // final jump_count mean nothing).
  uint32_t* jumps;
  size_t jump_count;
  // Set when an accepted bundle holds something that only profile kZvm allows; never cleared.
  bool needs_zvm;
};

// ValidatorPolicy, prepared once a chunk for the inner loops.
struct ScanPolicy {
  // Bit n set: instructions of need n (kNeeds, decode_tables.h) may be used. All that a scan needs
  // to know of features and refusals; the rest serves to name the rule that was broken.
  uint64_t allowed_needs;
  uint64_t allowed_needs_gs;  // the same for gs-relative operands: without the non-temporal needs
  bool zvm;
  bool refuse_rdtsc;
  bool refuse_cpuid;
  bool refuse_non_temporal;
  CpuFeatures features;

  bool HasFeatures(const Need& need) const;
};

ScanPolicy MakeScanPolicy(const ValidatorPolicy& policy);

// Judges the bundle at `bundle` (exactly 32 readable bytes; nothing outside is read), which is at
// `bundle_offset` (a multiple of 32) in its chunk. True: accepted, `output` extended. False:
// refused, `output` unchanged. Does not check where direct jumps lead.
bool ScanBundleExact(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
                     ScanOutput& output);
bool ScanBundleExact(const uint8_t* bundle, uint32_t bundle_offset, const ValidatorPolicy& policy,
                     ScanOutput& output);

// Looks at four bundles at once (exactly 128 readable bytes; nothing outside is read). Returns a
// mask: bit n set = bundle n is accepted and its targets and jumps are in `output`; bit n clear =
// the filter does not know, nothing of that bundle is in `output`.
using AcceptFilter = uint32_t (*)(const uint8_t* four_bundles, uint32_t first_offset,
                                  ScanOutput& output);

// The best filter for this CPU that can honour `policy`; nullptr when there is none.
AcceptFilter ChooseAcceptFilter(const ValidatorPolicy& policy);

}  // namespace zvm
