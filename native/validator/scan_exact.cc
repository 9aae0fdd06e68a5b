// The exact path over one bundle: a fast loop that decides the common instruction forms from the
// packed tables, and BundleWalk for everything else. The loop accepts nothing that BundleWalk would
// refuse and records the same targets; it never refuses on its own, it only hands over.
#include <cstring>

#include "validator/bundle_walk.h"
#include "validator/scan_padded.h"
#include "validator/sequence.h"

namespace zvm {

bool ScanPolicy::HasFeatures(const Need& need) const {
  return (need.all_of & ~features.bits()) == 0 &&
         (need.any_of == 0 || (need.any_of & features.bits()) != 0);
}

ScanPolicy MakeScanPolicy(const ValidatorPolicy& policy) {
  ScanPolicy scan{.features = policy.features};
  scan.zvm = policy.profile == Profile::kZvm;
  scan.refuse_rdtsc = policy.refuse_rdtsc;
  scan.refuse_cpuid = policy.refuse_cpuid;
  scan.refuse_non_temporal = policy.refuse_non_temporal;
  scan.features = policy.features;
  for (uint32_t i = 0; i < kNeedCount; ++i) {
    const Need& need = kNeeds[i];
    const bool refused = (need.rdtsc && policy.refuse_rdtsc) ||
                         (need.cpuid && policy.refuse_cpuid) ||
                         (need.non_temporal && policy.refuse_non_temporal);
    scan.allowed_needs |= uint64_t{scan.HasFeatures(need) && !refused} << i;
  }
  return scan;
}

namespace {

// Written registers that the loop does not judge: rsp, rbp, r15.
constexpr uint32_t kSpecialRegisters = 1u << 4 | 1u << 5 | 1u << 15;

// PrefixClass of 66, F3 and F2, 0 for every other byte.
struct PrefixTable {
  uint8_t of[256] = {};
  constexpr PrefixTable() {
    of[0x66] = static_cast<uint8_t>(PrefixClass::k66);
    of[0xf3] = static_cast<uint8_t>(PrefixClass::kF3);
    of[0xf2] = static_cast<uint8_t>(PrefixClass::kF2);
  }
};
constexpr PrefixTable kPrefix;

uint64_t Load64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// Nops that the loop's tables do not know, by far the most common of the uncommon: 90, and the
// 66-prefixed long ones.
unsigned NopLength(const uint8_t* code, size_t available) {
  return code[0] == 0x90 ? 1 : code[0] == 0x66 ? MatchLongNop(code, available) : 0;
}

template <bool kZvm>
bool Scan(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
          ScanOutput& output) {
  BundleWalk walk{bundle, &policy};
  const uint64_t allowed_needs = policy.allowed_needs;
  uint32_t* const jumps = output.jumps + output.jump_count;
  size_t jump_count = 0;
  bool needs_zvm = false;
  uint32_t position = 0;
  uint32_t targets = 0;
  uint32_t index_allowed = 1u << kNoRegister;  // bit n: index register n may be used now

  while (position < kBundleSize) {
    uint64_t bytes = Load64(bundle + position);
    uint32_t at = position;
    bool gs_relative = false;
    if constexpr (kZvm) {
      gs_relative = (bytes & 0xffff) == 0x6765;
      at += gs_relative ? 2 : 0;
      bytes >>= gs_relative ? 16 : 0;
    }
    const uint32_t prefix = kPrefix.of[bytes & 0xff];
    at += prefix != 0;
    bytes >>= prefix != 0 ? 8 : 0;
    const bool has_rex = (bytes & 0xf0) == 0x40;
    const uint32_t rex = has_rex ? bytes & 15 : 0;
    at += has_rex;
    bytes >>= has_rex ? 8 : 0;
    const bool map_0f = (bytes & 0xff) == 0x0f;
    at += map_0f;
    bytes >>= map_0f ? 8 : 0;
    const uint32_t opcode = bytes & 0xff;
    const uint32_t cell = prefix * 2048 + (map_0f ? 512 : 0) + (rex >> 3) * 256 + opcode;
    const uint32_t index = kLegacyIndex[cell];
    const uint32_t modrm_byte =
        (index & kIndexModRm) != 0 ? static_cast<uint32_t>(bytes >> 8) & 0xff : opcode | 0xc0;
    const uint32_t modrm = kModRm[modrm_byte | (rex & 5) << 8];
    const uint32_t word = kGroupWords[(index & kIndexMask) + (modrm & 15)];
    const uint32_t sib_byte = static_cast<uint32_t>(bytes >> 16) & 0xff;
    const uint32_t sib_found = kSib[sib_byte | (rex & 3) << 8 | ((modrm >> 29) & 1) << 10];
    const uint32_t sib = (modrm & kModRmSib) != 0 ? sib_found : kSibAbsent;
    const uint32_t end = at + 1 + ((modrm >> kModRmFollowShift) & kModRmFollowMask) +
                         (sib >> kSibFollowShift) + ((word >> kTailShift) & kTailMask);
    const uint32_t dest = (modrm >> (word & kDestMask)) & 31;
    const bool checked = (word & kWordChecked) != 0;

    bool uses_index = checked && (sib & kSibIndexMask) != kNoRegister;
    bool address_ok = (modrm & kModRmBaseOk) != 0 && (sib & kSibBaseOk) != 0 &&
                      ((index_allowed >> (sib & kSibIndexMask)) & 1) != 0;
    if constexpr (kZvm) {
      // The form that DecodeInstruction allows behind 65 67 (SAFETY argument there).
      const bool gs_ok = checked && (modrm_byte & 0xc7) != 5 &&
                         !kNeeds[(word >> kNeedShift) & kNeedMask].non_temporal;
      address_ok = gs_relative ? gs_ok : address_ok || !checked;
      uses_index = uses_index && !gs_relative;
    } else {
      address_ok = address_ok || !checked;
    }
    // SAFETY: what is accepted here must be accepted by BundleWalk: an ordinary form of the
    // allow-list, inside the bundle, address confined, no write of rsp, rbp, r15, nothing refused.
    const bool plain = (word & kWordPlain) != 0 && end <= kBundleSize && address_ok &&
                       ((kSpecialRegisters >> dest) & 1) == 0 &&
                       ((allowed_needs >> ((word >> kNeedShift) & kNeedMask)) & 1) != 0;
    if (__builtin_expect(plain, 1)) {
      targets |= (uses_index ? 0u : 1u) << position;
      const bool jump32 = (word & kWordJump32) != 0;
      jumps[jump_count] = (bundle_offset + end) | (jump32 ? kJumpIs32Bit : 0);
      jump_count += (word & (kWordJump8 | kWordJump32)) != 0;
      index_allowed = 1u << kNoRegister | ((word & kWordZext) != 0 ? 1u << dest : 0);
      needs_zvm |= gs_relative;
      position = end;
      continue;
    }
    if (const unsigned nop = NopLength(bundle + position, kBundleSize - position)) {
      targets |= 1u << position;
      index_allowed = 1u << kNoRegister;
      position += nop;
      continue;
    }
    walk.position = position;
    walk.targets = targets;
    walk.restricted = index_allowed == 1u << kNoRegister
                          ? kNoRegister
                          : static_cast<uint32_t>(__builtin_ctz(index_allowed));
    do {
      const WalkStep step = walk.Step();
      if (step.broken != 0) {
        return false;
      }
      needs_zvm |= step.zvm;
      if (step.instruction.jump8 || step.instruction.jump32) {
        jumps[jump_count++] =
            (bundle_offset + walk.position) | (step.instruction.jump32 ? kJumpIs32Bit : 0);
      }
    } while (walk.RebasePending() && !walk.AtEnd());
    if (walk.AtEndBroken() != 0) {
      return false;
    }
    position = walk.position;
    targets = walk.targets;
    index_allowed = 1u << kNoRegister | 1u << walk.restricted;
  }
  output.targets[bundle_offset / kBundleSize] = targets | 1;
  output.jump_count += jump_count;
  output.needs_zvm |= needs_zvm;
  return true;
}

}  // namespace

bool ScanBundlePadded(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
                      ScanOutput& output) {
  return policy.zvm ? Scan<true>(bundle, bundle_offset, policy, output)
                    : Scan<false>(bundle, bundle_offset, policy, output);
}

bool ScanBundleExact(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
                     ScanOutput& output) {
  uint8_t padded[kBundleSize + kBundlePadding] = {};
  std::memcpy(padded, bundle, kBundleSize);
  return ScanBundlePadded(padded, bundle_offset, policy, output);
}

bool ScanBundleExact(const uint8_t* bundle, uint32_t bundle_offset, const ValidatorPolicy& policy,
                     ScanOutput& output) {
  return ScanBundleExact(bundle, bundle_offset, MakeScanPolicy(policy), output);
}

}  // namespace zvm
