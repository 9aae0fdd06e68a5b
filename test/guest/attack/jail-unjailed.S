// Executes a page after unjail: writable again, so not executable any more.
// expect: outcome=trapped status=4 signal=11 address=0x00800000
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    movl $back, %ecx
    subl $0x800005, %ecx
    STORE32 0x800001, %ecx
    movl $0xE9, %ecx
    .bundle_lock
    movl $0x800000, %eax
    movb %cl, (%r15,%rax)
    .bundle_unlock
    EXPECT jail_block, 0, 10
    EXPECT unjail_block, 0, 11
    JUMP 0x800000
    .p2align 5
back:
    EXIT $1

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
