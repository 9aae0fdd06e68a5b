#include "sandbox/cpu.h"

#include "base/host_cpu.h"
#include "sandbox/guest_context.h"

namespace zvm {
namespace {

// State components that are scrubbed: x87, SSE, AVX, and the three of AVX-512. Never PKRU: it
// guards host memory.
constexpr unsigned kScrubbed = 0xE7;
// CPUID leaf 1, edx: CMOV, MMX, FXSR, SSE, SSE2.
constexpr unsigned kBasicEdxNeeded = 1u << 15 | 1u << 23 | 1u << 24 | 1u << 25 | 1u << 26;
constexpr unsigned kOsxsave = 1u << 27;   // leaf 1, ecx
constexpr unsigned kNoExecute = 1u << 20;  // leaf 0x80000001, edx

unsigned ReadXcr0() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

Failure QualifyCpu() {
  const zvm_cpuid basic = zvm_cpuid_1();
  const zvm_cpuid extended = zvm_cpuid_80000001();
  if ((basic.edx & kBasicEdxNeeded) != kBasicEdxNeeded || (extended.edx & kNoExecute) == 0) {
    return MakeFailure(EFAULT, "cpu-not-supported", "the processor lacks SSE or no-execute pages");
  }
  zvm_guest_context.cpu = 0;
  zvm_guest_context.xrstor_mask = 0;
  if ((basic.ecx & kOsxsave) != 0) {
    zvm_guest_context.cpu |= ZVM_CPU_XSAVE;
    zvm_guest_context.xrstor_mask = ReadXcr0() & kScrubbed;
  }
  if (zvm_cpu_has_avx()) {
    zvm_guest_context.cpu |= ZVM_CPU_AVX;
  }
  if (zvm_cpu_has_avx512bw()) {
    zvm_guest_context.cpu |= ZVM_CPU_AVX512;
  }
  return {};
}

}  // namespace zvm
