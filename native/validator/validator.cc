// The driver: walks a chunk bundle by bundle, through the accept filter where there is one and the
// exact path elsewhere, then checks the direct jumps.
#include "validator/validator.h"

#include "validator/chunk_scan.h"

namespace zvm {

// A word of targets for each bundle, room for its jumps and for what a filter may store ahead.
size_t ValidatorScratchBytes(size_t code_size) {
  const size_t bundles = code_size / kBundleSize;
  const size_t words = bundles + (bundles + 2 * kFilterBundles) * kMaxJumpsPerBundle;
  return (words + 1) * sizeof(uint32_t);
}

Verdict Validate(std::span<const uint8_t> code, const ValidatorPolicy& policy,
                 std::span<uint8_t> scratch, std::span<Violation> violations) {
  ViolationList list(violations);
  if (!IsChunkSize(code.size())) {
    list.Add(0, Rule::kChunkSize);
    return {false, Profile::kNacl, list.count()};
  }
  const ScanPolicy scan = MakeScanPolicy(policy);
  ScanOutput output = MakeScanOutput(code.size(), scratch);
  ScanChunk(code, policy, scan, output, [&](uint32_t offset) {
    ReportBundle(code.data() + offset, offset, scan, output, list);
  });
  CheckJumps(code, scan, output, list);
  return {list.count() == 0, output.needs_zvm ? Profile::kZvm : Profile::kNacl, list.count()};
}

}  // namespace zvm
