// Jailed code at the top of a 4 GiB session jumps 2 GiB up, over stack and window into the upper
// guard.
// expect: outcome=trapped status=4 signal=11 address=0x7efe0000
// unvalidated: same
// memory: 4096M
#include "attack.h"

_start:
    FILL_HALTS 0xFEFE0000, 0x10000
    movl $0x7FFFFFFB, %ecx
    STORE32 0xFEFE0001, %ecx
    movl $0xE9, %ecx
    .bundle_lock
    movl $0xFEFE0000, %eax
    movb %cl, (%r15,%rax)
    .bundle_unlock
    EXPECT top_block, 0, 1
    JUMP 0xFEFE0000

    .data
    BLOCK top_block, TRAP_JAIL, 0xFEFE0000, 0x10000
