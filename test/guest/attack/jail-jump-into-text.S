// A direct jump from jailed code into the middle of a bundle of the text, where an instruction
// could be cut in two. Jail refuses and the memory is ordinary again.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    movl $(TEXT_START + 1 - 0x800005), %ecx
    STORE32 0x800001, %ecx
    movl $0xE9, %ecx
    .bundle_lock
    movl $0x800000, %eax
    movb %cl, (%r15,%rax)
    .bundle_unlock
    EXPECT jail_block, PERM, 10
    STORE32 0x800000, %ecx
    EXPECT unjail_block, 0, 11
    EXIT $0

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
