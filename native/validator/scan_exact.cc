// The exact path over one bundle: a fast loop that decides the common instruction forms from the
// packed tables, and BundleWalk for everything else. The loop accepts nothing that BundleWalk would
// refuse and records the same targets; it never refuses on its own, it only hands over.
#include <cstring>

#include "validator/bundle_walk.h"
#include "validator/scan_padded.h"

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
    const uint64_t bit = uint64_t{scan.HasFeatures(need) && !refused} << i;
    scan.allowed_needs |= bit;
    scan.allowed_needs_gs |= need.non_temporal ? 0 : bit;
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

// What a byte may be in front of an opcode: 1 prefix (66, F3, F2), 2 REX, 3 escape 0F, 0 neither.
struct HeaderClassTable {
  uint8_t of[256] = {};
  constexpr HeaderClassTable() {
    of[0x66] = of[0xf3] = of[0xf2] = 1;
    for (uint32_t rex = 0x40; rex < 0x50; ++rex) {
      of[rex] = 2;
    }
    of[0x0f] = 3;
  }
};
constexpr HeaderClassTable kHeaderClass;

// What stands before the opcode, by the classes of the first three bytes: [prefix] [REX] [0F].
// Looked up at once instead of one after the other, because the position of the next instruction
// waits for it.
constexpr uint32_t kHeaderLengthMask = 3;
constexpr uint32_t kHeader0f = 1u << 2;
constexpr uint32_t kHeaderRex = 1u << 3;
constexpr uint32_t kHeaderPrefix = 1u << 4;

struct HeaderTable {
  uint8_t of[64] = {};
  constexpr HeaderTable() {
    for (uint32_t i = 0; i < 64; ++i) {
      const uint32_t classes[3] = {i & 3, (i >> 2) & 3, i >> 4};
      uint32_t length = 0;
      uint32_t parts = 0;
      for (uint32_t part = 1; part <= 3; ++part) {
        if (length < 3 && classes[length] == part) {
          parts |= part == 1 ? kHeaderPrefix : part == 2 ? kHeaderRex : kHeader0f;
          ++length;
        }
      }
      of[i] = static_cast<uint8_t>(length | parts);
    }
  }
};
constexpr HeaderTable kHeader;

// Bytes behind a ModRM byte, but for the displacement that SIB base 5 brings.
struct ModRmFollowTable {
  uint8_t of[256] = {};
  constexpr ModRmFollowTable() {
    for (uint32_t i = 0; i < 256; ++i) {
      of[i] = (kModRm[i] >> kModRmFollowShift) & kModRmFollowMask;
    }
  }
};
constexpr ModRmFollowTable kModRmFollow;

static_assert(LegacyCell(OpcodeMap::k0f, PrefixClass::k66, 1, 0) == (1 << 11 | 1 << 9 | 8 << 5));
static_assert(kNeedMask == 63 && kHeader0f << 7 == 1 << 9 && kHeaderPrefix / 2 == 8);

// Moves kModRmMod0 to where a kSib index wants it.
constexpr uint32_t kModRmToSibMod0 = 19;
static_assert(kModRmMod0 >> kModRmToSibMod0 == 1u << 10);

uint64_t Load64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// Length of a nop that the tables do not know, 0 if there is none: 90 and what MatchLongNop
// matches, by far the most common of the uncommon. Reads up to 17 bytes.
unsigned NopLength(const uint8_t* code, uint64_t bytes) {
  constexpr uint64_t kAll66 = 0x6666'6666'6666'6666;
  constexpr uint64_t kNop8 = 0x0000'0000'0084'1f0f;        // 0F 1F 84 00 00000000
  constexpr uint64_t kNop5 = 0x0000'0000'0044'1f0f;        // 0F 1F 44 00 00
  constexpr uint64_t kNop9 = kNop8 << 8 | 0x2e;            // 2E in front, the last 00 left out
  constexpr uint64_t kFiveBytes = 0xff'ffff'ffff;
  if ((bytes & 0xff) == 0x90) {
    return 1;
  }
  const uint64_t others = bytes ^ kAll66;
  const unsigned prefixes = others == 0 ? 8 : static_cast<unsigned>(__builtin_ctzll(others)) / 8;
  if (prefixes == 0 || prefixes > 6) {
    return 0;
  }
  const uint64_t tail = Load64(code + prefixes);
  if (tail == kNop9 && code[prefixes + 8] == 0) {
    return prefixes + 9;
  }
  if (prefixes == 1 && tail == kNop8) {
    return 9;
  }
  return prefixes == 1 && (tail & kFiveBytes) == kNop5 ? 6 : 0;
}

// Where the scan of one bundle stands.
struct Cursor {
  BundleWalk walk;
  uint32_t index_allowed = 1u << kNoRegister;  // bit n: index register n may be used now
  uint32_t bundle_offset;
  uint32_t* jumps;  // next free entry
  bool needs_zvm = false;
};

// One instruction that the fast loop does not decide, and the rebase that has to follow it. False:
// the bundle is refused.
[[gnu::noinline]] bool StepUncommon(Cursor& cursor) {
  BundleWalk& walk = cursor.walk;
  // The lowest bit: the one fresh register, or kNoRegister.
  walk.restricted = static_cast<uint32_t>(__builtin_ctz(cursor.index_allowed));
  do {
    const WalkStep step = walk.Step();
    if (step.broken != 0) {
      return false;
    }
    cursor.needs_zvm |= step.zvm;
    if (step.instruction.jump8 || step.instruction.jump32) {
      *cursor.jumps++ = (cursor.bundle_offset + walk.position) |
                        (step.instruction.jump32 ? kJumpIs32Bit : 0);
    }
  } while (walk.RebasePending() && !walk.AtEnd());
  cursor.index_allowed = 1u << kNoRegister | 1u << walk.restricted;
  return walk.AtEndBroken() == 0;
}

// Conditions are kept as bits and combined without branches: which instruction comes next cannot be
// predicted, and a mispredicted branch costs as much as the whole step.
template <bool kZvm>
bool Scan(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
          ScanOutput& output) {
  uint32_t* const first_jump = output.jumps + output.jump_count;
  Cursor cursor{.walk = {bundle, &policy}, .bundle_offset = bundle_offset, .jumps = first_jump};
  uint32_t position = 0;
  uint32_t targets = 0;
  uint32_t index_allowed = 1u << kNoRegister;
  uint32_t* jumps = first_jump;

  while (position < kBundleSize) {
    uint64_t bytes = Load64(bundle + position);
    uint32_t end = position;
    uint64_t allowed_needs = policy.allowed_needs;
    uint32_t gs_relative = 0;
    if constexpr (kZvm) {
      gs_relative = (bytes & 0xffff) == 0x6765;
      bytes >>= gs_relative * 16;
      end += gs_relative * 2;
      allowed_needs = gs_relative != 0 ? policy.allowed_needs_gs : allowed_needs;
    }
    const uint32_t header =
        kHeader.of[kHeaderClass.of[bytes & 0xff] | kHeaderClass.of[(bytes >> 8) & 0xff] << 2 |
                   kHeaderClass.of[(bytes >> 16) & 0xff] << 4];
    const uint32_t prefix = kPrefix.of[bytes & 0xff];
    const uint32_t rex = static_cast<uint32_t>(bytes >> ((header & kHeaderPrefix) / 2)) &
                         (0 - (header / kHeaderRex & 1)) & 15;
    end += (header & kHeaderLengthMask) + 1;
    bytes >>= (header & kHeaderLengthMask) * 8;
    const uint32_t opcode = bytes & 0xff;
    const uint32_t index =
        kLegacyIndex[prefix << 11 | (header & kHeader0f) << 7 | (rex & 8) << 5 | opcode];
    // Where the next instruction starts if this one is common: from tables that need not wait for
    // the group's word. Checked against the word below.
    uint32_t next = end + (index & kIndexTailMask) +
                    (kModRmFollow.of[(bytes >> 8) & 0xff] & (0 - (index / kIndexModRm)));
    const uint32_t modrm_byte =
        (index & kIndexModRm) != 0 ? static_cast<uint32_t>(bytes >> 8) & 0xff : opcode | 0xc0;
    const uint32_t modrm = kModRm[modrm_byte | (rex & 5) << 8];
    const uint32_t word = kGroupWords[(index & kIndexMask) + (modrm & 15)];
    const uint32_t sib_byte = static_cast<uint32_t>(bytes >> 16) & 0xff;
    const uint32_t sib_found =
        kSib[sib_byte | (rex & 3) << 8 | (modrm & kModRmMod0) >> kModRmToSibMod0];
    const uint32_t sib = (modrm & kModRmSib) != 0 ? sib_found : kSibAbsent;
    end += ((modrm >> kModRmFollowShift) & kModRmFollowMask) +
           ((sib >> kSibFollowShift) & kSibFollowMask) + ((word >> kTailShift) & kTailMask);
    if constexpr (kZvm) {
      next += (sib >> kSibFollowShift) & kSibFollowMask;  // no base: an absolute table
    }
    const uint32_t dest = (modrm >> (word & kDestMask)) & 31;

    const uint32_t checked = word / kWordChecked;
    uint32_t uses_index = checked & sib / kSibHasIndex;
    uint32_t address_ok = (modrm / kModRmBaseOk & sib / kSibBaseOk &
                           index_allowed >> (sib & kSibIndexMask)) | ~checked;
    if constexpr (kZvm) {
      // The form that DecodeInstruction allows behind 65 67 (SAFETY argument there).
      const uint32_t rip_relative = (modrm_byte & 0xc7) == 5;
      address_ok = gs_relative != 0 ? checked & ~rip_relative : address_ok;
      uses_index &= ~gs_relative;
    }
    // SAFETY: what is accepted here must be accepted by BundleWalk: an ordinary form of the
    // allow-list, inside the bundle, address confined, no write of rsp, rbp, r15, nothing refused.
    const uint32_t common = word / kWordPlain & address_ok & ~(kSpecialRegisters >> dest) &
                            static_cast<uint32_t>(allowed_needs >> ((word >> kNeedShift) & 63)) &
                            (end <= kBundleSize) & (end == next) & 1;
    if (common != 0) [[likely]] {
      targets |= (~uses_index & 1) << position;
      *jumps = (bundle_offset + end) | (word & kWordJump32) * (kJumpIs32Bit / kWordJump32);
      jumps += (word / kWordJump8 | word / kWordJump32) & 1;
      index_allowed = 1u << kNoRegister | (word / kWordZext & 1) << dest;
      cursor.needs_zvm |= gs_relative != 0;
      position = next;
      continue;
    }
    const unsigned nop = NopLength(bundle + position, Load64(bundle + position));
    if (nop != 0 && nop <= kBundleSize - position) {
      targets |= 1u << position;
      index_allowed = 1u << kNoRegister;
      position += nop;
      continue;
    }
    cursor.walk.position = position;
    cursor.walk.targets = targets;
    cursor.index_allowed = index_allowed;
    cursor.jumps = jumps;
    if (!StepUncommon(cursor)) {
      return false;
    }
    position = cursor.walk.position;
    targets = cursor.walk.targets;
    index_allowed = cursor.index_allowed;
    jumps = cursor.jumps;
  }
  output.targets[bundle_offset / kBundleSize] = targets | 1;
  output.jump_count += static_cast<size_t>(jumps - first_jump);
  output.needs_zvm |= cursor.needs_zvm;
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
