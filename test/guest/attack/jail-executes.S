// Jail is of use at all: valid code in the heap runs after it and jumps back to the text.
// expect: outcome=exited code=0 status=0
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
    JUMP 0x800000
    .p2align 5
back:
    EXPECT unjail_block, 0, 11
    STORE32 0x800000, %ecx
    EXIT $0

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
