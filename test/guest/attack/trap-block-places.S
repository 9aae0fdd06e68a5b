// Argument blocks in all places that can be read: an unknown function at the very top of the
// stack, the trampolines, the text, the user manifest, read-only data. Only the words that a
// function has are read.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    TRAP_AT 0xFFFFFFF8
    CHECK %eax, PERM, 1
    TRAP_AT 0x10000
    CHECK %eax, PERM, 2
    TRAP_AT TEXT_START
    CHECK %eax, PERM, 3
    TRAP_AT 0xFEFFFFF8
    CHECK %eax, PERM, 4
    EXPECT constant_block, 1, 5
    movl $TRAP_FORK, %ecx
    .bundle_lock
    movl $0xFFFFFFF8, %eax
    movq %rcx, (%r15,%rax)
    .bundle_unlock
    TRAP_AT 0xFFFFFFF8
    CHECK %eax, 0, 6
    EXIT $0

    .section .rodata
    BLOCK constant_block, TRAP_WRITE, STDOUT, constant_block, 1, 0
