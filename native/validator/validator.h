// The inner wall: decides whether a chunk of machine code may run in the sandbox.
// Bytes in, verdict out: no I/O, no allocation, no globals that change. Rules: docs/validator.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "validator/features.h"
#include "validator/rule.h"

namespace zvm {

// kNacl: exactly the published Native Client x86-64 rules. kZvm: the same plus gs-relative operands
// (E1) and predicted returns (E2); such code may only be entered with gs base = window base.
enum class Profile : uint8_t { kNacl, kZvm };

// Which implementation judges. kFast: the vectorised accept filter first, the exact path for the
// bundles it does not accept. kExact: the exact table-driven path alone.
enum class ValidatorPath : uint8_t { kFast, kExact };

struct ValidatorPolicy {
  Profile profile = Profile::kNacl;
  ValidatorPath path = ValidatorPath::kFast;
  CpuFeatures features = CpuFeatures::All();  // an instruction that needs another one is refused
  bool refuse_rdtsc = false;
  bool refuse_cpuid = false;
  bool refuse_non_temporal = false;
};

// One reason for a refusal. `offset` counts from the start of the chunk.
struct Violation {
  uint32_t offset;
  Rule rule;
};

struct Verdict {
  bool valid = false;
  Profile needed = Profile::kNacl;    // the weakest profile that the code as seen needs
  uint64_t violation_count = 0;       // all of them, also those that did not fit in the output
};

// Chunk sizes: a multiple of 32, at most 1 GiB.
inline constexpr size_t kValidatorChunkMax = size_t{1} << 30;

// Bytes of scratch memory that a chunk of `code_size` needs. The caller owns it; contents on entry
// and exit mean nothing. May be address space that is not yet backed: only what is used is touched.
size_t ValidatorScratchBytes(size_t code_size);

// Judges `code` as one chunk at a bundle boundary. Writes the first violations, in the order of
// their offsets within a bundle, to `violations` (may be empty).
// A size that is no multiple of 32 gives one violation kChunkSize at offset 0.
// Requires scratch.size() >= ValidatorScratchBytes(code.size()).
[[nodiscard]] Verdict Validate(std::span<const uint8_t> code, const ValidatorPolicy& policy,
                               std::span<uint8_t> scratch, std::span<Violation> violations);

// What the loader does to writable text before it is sealed: non-temporal accesses become ordinary
// ones and instructions whose only fault is a missing CPU feature become halts. Rewrites `code` in
// place and judges the result; the verdict speaks of the rewritten bytes. When they are refused,
// what `code` holds afterwards means nothing. Rules: docs/validator.md, "Rewriting".
[[nodiscard]] Verdict RewriteAndValidate(std::span<uint8_t> code, const ValidatorPolicy& policy,
                                         std::span<uint8_t> scratch,
                                         std::span<Violation> violations);

}  // namespace zvm
