// 16 MiB are jailed again and again: each takes long, the limit still holds.
// expect: outcome=limited status=4 reason=limit-cpu-time
// unvalidated: same
// memory: 128M
// options: --cpu-ms 200
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x1000000
1:
    EXPECT big_block, 0, 1
    jmp 1b

    .data
    BLOCK big_block, TRAP_JAIL, 0x800000, 0x1000000
