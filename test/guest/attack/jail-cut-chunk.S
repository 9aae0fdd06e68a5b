// Jails two pages as one chunk whose first jumps into the middle of a bundle of the second, gives the
// second one back and jails it again with an instruction that hides a system call at that place.
// A chunk may only be given back or judged again as a whole.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    // 0x800000: jmp 0x810002, the second instruction (both nops) of the second page.
    movl $0x00FFFDE9, %ecx
    STORE32 0x800000, %ecx
    movl $0xF4F4F400, %ecx
    STORE32 0x800004, %ecx
    movl $0xF4909090, %ecx
    STORE32 0x810000, %ecx
    EXPECT both_block, 0, 10
    EXPECT unjail_block, INVAL, 11
    EXPECT jail_block, INVAL, 12
    EXPECT unjail_low_block, INVAL, 13
    EXPECT overlap_block, INVAL, 14
    // As a whole it goes, and then in any pieces.
    EXPECT unjail_both_block, 0, 15
    // movabs $0x050f..., %rax: its bytes from 0x810002 on are syscall.
    movl $0x050FB848, %ecx
    STORE32 0x810000, %ecx
    EXPECT jail_block, 0, 16
    EXIT $0

    .data
    BLOCK both_block, TRAP_JAIL, 0x800000, 0x20000
    BLOCK jail_block, TRAP_JAIL, 0x810000, 0x10000
    BLOCK overlap_block, TRAP_JAIL, 0x810000, 0x20000
    BLOCK unjail_block, TRAP_UNJAIL, 0x810000, 0x10000
    BLOCK unjail_low_block, TRAP_UNJAIL, 0x800000, 0x10000
    BLOCK unjail_both_block, TRAP_UNJAIL, 0x800000, 0x20000
