#include "sandbox/cpu.h"

#include <cpuid.h>

#include "sandbox/guest_context.h"

namespace zvm {
namespace {

constexpr unsigned kFeatures1EdxNeeded = bit_FXSAVE | bit_SSE | bit_CMOV | bit_MMX;
constexpr unsigned kNoExecute = 1u << 20;  // leaf 0x80000001, edx
// State components: x87, SSE, AVX, and the three of AVX-512. Never PKRU: it guards host memory.
constexpr unsigned kXcr0Avx = 0x6;
constexpr unsigned kXcr0Avx512 = 0xE0;
constexpr unsigned kScrubbed = 0xE7;

unsigned ReadXcr0() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

Failure QualifyCpu() {
  unsigned eax, ebx, ecx, edx;
  unsigned ext_eax, ext_ebx, ext_ecx, ext_edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 ||
      (edx & kFeatures1EdxNeeded) != kFeatures1EdxNeeded ||
      __get_cpuid(0x80000001, &ext_eax, &ext_ebx, &ext_ecx, &ext_edx) == 0 ||
      (ext_edx & kNoExecute) == 0) {
    return MakeFailure(EFAULT, "cpu-not-supported", "the processor lacks SSE or no-execute pages");
  }
  zvm_guest_context.cpu = 0;
  zvm_guest_context.xrstor_mask = 0;
  if ((ecx & bit_OSXSAVE) != 0) {
    const unsigned xcr0 = ReadXcr0();
    zvm_guest_context.cpu |= ZVM_CPU_XSAVE;
    zvm_guest_context.xrstor_mask = xcr0 & kScrubbed;
    if ((ecx & bit_AVX) != 0 && (xcr0 & kXcr0Avx) == kXcr0Avx) {
      zvm_guest_context.cpu |= ZVM_CPU_AVX;
    }
    if ((zvm_guest_context.cpu & ZVM_CPU_AVX) != 0 && (xcr0 & kXcr0Avx512) == kXcr0Avx512 &&
        __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_AVX512BW) != 0) {
      zvm_guest_context.cpu |= ZVM_CPU_AVX512;
    }
  }
  return {};
}

}  // namespace zvm
