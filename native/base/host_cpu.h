/* What the processor offers, as the C library found out when the process started. Asking the
 * processor again costs microseconds a question on a virtual machine, and a start has no
 * microseconds to lose. C, because the C library's header is not C++. */
#ifndef ZVM_BASE_HOST_CPU_H
#define ZVM_BASE_HOST_CPU_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Registers of the CPUID leaves 1, 7 (subleaf 0) and 0x80000001: what is present, whether or not
 * the operating system has switched it on. */
struct zvm_cpuid {
  uint32_t eax, ebx, ecx, edx;
};
struct zvm_cpuid zvm_cpuid_1(void);
struct zvm_cpuid zvm_cpuid_7(void);
struct zvm_cpuid zvm_cpuid_80000001(void);

/* Present and switched on: the operating system saves the registers. */
bool zvm_cpu_has_avx(void);
bool zvm_cpu_has_avx512bw(void);
/* Everything that the accept filter uses, without VBMI: AVX2 and POPCNT. */
bool zvm_cpu_has_avx2(void);
/* Everything that the accept filter uses, with VBMI: AVX-512 F, BW, DQ, VL, VBMI, VBMI2, and BMI.
 */
bool zvm_cpu_has_avx512_vbmi(void);

#ifdef __cplusplus
}
#endif

#endif
