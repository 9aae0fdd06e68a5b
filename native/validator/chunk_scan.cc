// The second look at what the scan could not accept, and the check of direct jumps.
#include "validator/chunk_scan.h"

#include <cstring>
#include <memory>

#include "base/check.h"

namespace zvm {
namespace {

// Where the jump of one list entry leads, relative to the chunk, modulo 2^32. A jump out of the
// chunk gives a value past its end: displacements reach 2^31 at most, and chunks end at 2^30.
uint32_t JumpTarget(std::span<const uint8_t> code, uint32_t jump) {
  const uint32_t end = jump & ~kJumpIs32Bit;
  int32_t before_end = 0;
  if (end >= sizeof before_end) [[likely]] {
    std::memcpy(&before_end, code.data() + end - sizeof before_end, sizeof before_end);
  } else {
    before_end = static_cast<int32_t>(uint32_t{code[end - 1]} << 24);  // too near for 32 bits
  }
  // The four bytes before the end are the 32-bit displacement, or end with the 8-bit one.
  const unsigned narrow = (jump & kJumpIs32Bit) != 0 ? 0 : 24;
  return end + static_cast<uint32_t>(before_end >> narrow);
}
static_assert(kValidatorChunkMax <= size_t{1} << 30);

// Where the instruction starts that ends at `end`; cold.
uint32_t FindJumpStart(std::span<const uint8_t> code, uint32_t end, const ScanPolicy& policy) {
  const uint32_t bundle_offset = (end - 1) & ~uint32_t{kBundleSize - 1};
  BundleWalk walk{code.data() + bundle_offset, &policy};
  while (!walk.AtEnd()) {
    const WalkStep step = walk.Step();
    if (step.length == 0 || bundle_offset + walk.position == end) {
      return bundle_offset + step.start;
    }
  }
  return bundle_offset;
}

}  // namespace

void ViolationList::AddAll(uint32_t offset, RuleSet rules) {
  for (; rules != 0; rules &= rules - 1) {
    Add(offset, static_cast<Rule>(__builtin_ctz(rules)));
  }
}

ScanOutput MakeScanOutput(size_t code_size, std::span<uint8_t> scratch) {
  ZVM_CHECK(scratch.size() >= ValidatorScratchBytes(code_size));
  void* start = scratch.data();
  size_t room = scratch.size();
  auto* words =
      static_cast<uint32_t*>(std::align(alignof(uint32_t), sizeof(uint32_t), start, room));
  return {words, words + code_size / kBundleSize, 0, false};
}

void ReportBundle(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
                  ScanOutput& output, ViolationList& violations) {
  BundleWalk walk{bundle, &policy};
  uint32_t unknown = 0;  // from here on nothing is known: no complaint about jumps to it
  while (!walk.AtEnd()) {
    const WalkStep step = walk.Step();
    violations.AddAll(bundle_offset + step.start, step.broken);
    output.needs_zvm |= step.zvm;
    if (step.length == 0) {
      unknown = ~uint32_t{0} << walk.position;
      break;
    }
    if (step.instruction.jump8 || step.instruction.jump32) {
      output.jumps[output.jump_count++] =
          (bundle_offset + walk.position) | (step.instruction.jump32 ? kJumpIs32Bit : 0);
    }
  }
  if (walk.AtEnd()) {
    violations.AddAll(bundle_offset + kBundleSize, walk.AtEndBroken());
  }
  output.targets[bundle_offset / kBundleSize] = walk.targets | unknown | 1;
}

void CheckJumps(std::span<const uint8_t> code, const ScanPolicy& policy, const ScanOutput& output,
                ViolationList& violations) {
  if (code.empty()) {
    return;
  }
  const auto size = static_cast<uint32_t>(code.size());
  for (size_t i = 0; i < output.jump_count; ++i) {
    const uint32_t target = JumpTarget(code, output.jumps[i]);
    const uint32_t bit = target % kBundleSize;
    // SAFETY: outside the chunk only bundle starts are known to be safe to reach. Every jump takes
    // the same way through this loop: whether a target is aligned, or inside, cannot be predicted.
    const bool inside = target < size;
    const uint32_t legal = output.targets[inside ? target / kBundleSize : 0] & (inside ? ~0u : 0u);
    if ((((legal | 1) >> bit) & 1) != 0) [[likely]] {
      continue;
    }
    // Only for those that are shown: it decodes the bundle, and a chunk may be full of such jumps.
    const uint32_t start =
        violations.full() ? 0 : FindJumpStart(code, output.jumps[i] & ~kJumpIs32Bit, policy);
    violations.Add(start, inside ? Rule::kBadJumpTarget : Rule::kJumpOutOfRange);
  }
}

}  // namespace zvm
