// All vector exceptions unmasked, an unmasked x87 exception pending, MMX state in use, then traps
// with digests and exit. The original aborted with status 134 and no report.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channel: @/stdin, /dev/stdin, 0, 1, 100, 1000000, 0, 0
// channel: @/stdout, /dev/stdout, 0, 1, 0, 0, 100, 1000000
#include "attack.h"

_start:
    ldmxcsr unmasked(%rip)
    fldcw unmasked_x87(%rip)
    fldz
    fld1
    fdivp
    EXPECT_ARGS TRAP_READ, STDIN, 0x800000, 466, 0, 466, 1
    EXPECT_ARGS TRAP_WRITE, STDOUT, 0x800000, 65536, 0, 65536, 2
    fldz
    fld1
    fdivp
    EXIT $0

    .data
unmasked:
    .long 0
unmasked_x87:
    .word 0x360
