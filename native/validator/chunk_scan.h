// What Validate and RewriteAndValidate share: the scratch memory of a chunk, the violations found,
// and the loop that checks direct jumps once every target is known.
#pragma once

#include <span>

#include "validator/bundle_walk.h"
#include "validator/scan_padded.h"

namespace zvm {

// Collects violations: counts all, keeps as many as the caller has room for.
class ViolationList {
 public:
  explicit ViolationList(std::span<Violation> room) : room_(room) {}

  void Add(uint32_t offset, Rule rule) {
    if (count_ < room_.size()) {
      room_[count_] = {offset, rule};
    }
    ++count_;
  }
  void AddAll(uint32_t offset, RuleSet rules);
  uint64_t count() const { return count_; }
  // What is added from now on is only counted.
  bool full() const { return count_ >= room_.size(); }

 private:
  std::span<Violation> room_;
  uint64_t count_ = 0;
};

// Divides the caller's scratch memory. Requires the size that ValidatorScratchBytes asks for.
ScanOutput MakeScanOutput(size_t code_size, std::span<uint8_t> scratch);

// True for sizes that can be judged.
constexpr bool IsChunkSize(size_t size) {
  return size <= kValidatorChunkMax && size % kBundleSize == 0;
}

// Judges every bundle of `code` (a chunk size), through the accept filter where `policy` asks for
// it and there is one. Calls on_refused(offset) for each bundle that is refused.
template <class OnRefused>
void ScanChunk(std::span<const uint8_t> code, const ValidatorPolicy& policy, const ScanPolicy& scan,
               ScanOutput& output, OnRefused on_refused) {
  const AcceptFilter filter =
      policy.path == ValidatorPath::kFast ? ChooseAcceptFilter(policy) : nullptr;
  auto scan_exactly = [&](size_t offset) {
    const auto offset_32 = static_cast<uint32_t>(offset);
    const bool padded = code.size() - offset >= kBundleSize + kBundlePadding;
    if (!(padded ? ScanBundlePadded(code.data() + offset, offset_32, scan, output)
                 : ScanBundleExact(code.data() + offset, offset_32, scan, output))) {
      on_refused(offset_32);
    }
  };
  size_t offset = 0;
  if (filter != nullptr) {
    constexpr size_t kStep = kFilterBundles * kBundleSize;
    for (; kStep <= code.size() - offset; offset += kStep) {
      const uint32_t accepted = filter(code.data() + offset, static_cast<uint32_t>(offset), output);
      for (size_t i = 0; i < kFilterBundles; ++i) {
        if (((accepted >> i) & 1) == 0) {
          scan_exactly(offset + i * kBundleSize);
        }
      }
    }
  }
  for (; offset < code.size(); offset += kBundleSize) {
    scan_exactly(offset);
  }
}

// Goes through a refused bundle once more and reports every broken rule. Also leaves targets and
// jumps of what could be decoded, so that jumps into and out of it are judged as far as can be.
void ReportBundle(const uint8_t* bundle, uint32_t bundle_offset, const ScanPolicy& policy,
                  ScanOutput& output, ViolationList& violations);

// Checks all jumps of `output` against its targets.
void CheckJumps(std::span<const uint8_t> code, const ScanPolicy& policy, const ScanOutput& output,
                ViolationList& violations);

}  // namespace zvm
