// The second look at what the scan could not accept, and the check of direct jumps.
#include "validator/chunk_scan.h"

#include <cstring>
#include <memory>

#include "base/check.h"

namespace zvm {
namespace {

// Displacement of a jump list entry. `end` is where its instruction ends.
int64_t ReadDisplacement(std::span<const uint8_t> code, uint32_t end, bool is_32_bit) {
  if (!is_32_bit) {
    return static_cast<int8_t>(code[end - 1]);
  }
  int32_t value;
  std::memcpy(&value, code.data() + end - sizeof value, sizeof value);
  return value;
}

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
  auto* words = static_cast<uint32_t*>(std::align(alignof(uint32_t), sizeof(uint32_t), start, room));
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
  const auto size = static_cast<int64_t>(code.size());
  for (size_t i = 0; i < output.jump_count; ++i) {
    const uint32_t end = output.jumps[i] & ~kJumpIs32Bit;
    const int64_t target = end + ReadDisplacement(code, end, (output.jumps[i] & kJumpIs32Bit) != 0);
    if (target % static_cast<int64_t>(kBundleSize) == 0) {
      continue;
    }
    // SAFETY: outside the chunk only bundle starts are known to be safe to reach.
    const bool inside = target >= 0 && target < size;
    if (inside && ((output.targets[target / kBundleSize] >> (target % kBundleSize)) & 1) != 0) {
      continue;
    }
    violations.Add(FindJumpStart(code, end, policy),
                   inside ? Rule::kBadJumpTarget : Rule::kJumpOutOfRange);
  }
}

}  // namespace zvm
