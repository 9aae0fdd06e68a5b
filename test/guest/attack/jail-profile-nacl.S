// The same where the session has classic rules only: refused. Whether gs may be used is decided
// once.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// options: --profile nacl
#include "attack.h"

_start:
    FILL_HALTS 0x800000, 0x20000
    movl $0x048B6765, %ecx
    STORE32 0x800000, %ecx
    movl $0x80000025, %ecx
    STORE32 0x800004, %ecx
    movl $0xF4F4F400, %ecx
    STORE32 0x800008, %ecx
    EXPECT jail_block, PERM, 1
    EXIT $0

    .data
    BLOCK jail_block, TRAP_JAIL, 0x800000, 0x10000
    BLOCK unjail_block, TRAP_UNJAIL, 0x800000, 0x10000
