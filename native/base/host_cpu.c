#include "base/host_cpu.h"

#include <sys/platform/x86.h>

static struct zvm_cpuid Leaf(unsigned index) {
  const struct cpuid_feature* leaf = __x86_get_cpuid_feature_leaf(index);
  struct zvm_cpuid registers = {leaf->cpuid_array[0], leaf->cpuid_array[1], leaf->cpuid_array[2],
                                leaf->cpuid_array[3]};
  return registers;
}

struct zvm_cpuid zvm_cpuid_1(void) { return Leaf(CPUID_INDEX_1); }
struct zvm_cpuid zvm_cpuid_7(void) { return Leaf(CPUID_INDEX_7); }
struct zvm_cpuid zvm_cpuid_80000001(void) { return Leaf(CPUID_INDEX_80000001); }

bool zvm_cpu_has_avx(void) { return CPU_FEATURE_ACTIVE(AVX); }
bool zvm_cpu_has_avx2(void) { return CPU_FEATURE_ACTIVE(AVX2) && CPU_FEATURE_ACTIVE(POPCNT); }
bool zvm_cpu_has_avx512bw(void) { return CPU_FEATURE_ACTIVE(AVX512BW); }

bool zvm_cpu_has_avx512_vbmi(void) {
  return CPU_FEATURE_ACTIVE(AVX512F) && CPU_FEATURE_ACTIVE(AVX512BW) &&
         CPU_FEATURE_ACTIVE(AVX512DQ) && CPU_FEATURE_ACTIVE(AVX512VL) &&
         CPU_FEATURE_ACTIVE(AVX512_VBMI) && CPU_FEATURE_ACTIVE(AVX512_VBMI2) &&
         CPU_FEATURE_ACTIVE(BMI1) && CPU_FEATURE_ACTIVE(BMI2) && CPU_FEATURE_ACTIVE(POPCNT);
}
