// An AVX-512 instruction: its rules are not proven, so it is not in the list.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0|outcome=trapped status=4 signal=4
#include "attack.h"

_start:
    .byte 0x62, 0xF1, 0x7C, 0x48, 0x57, 0xC0 /* vxorps %zmm0, %zmm0, %zmm0 */
    EXIT $0
