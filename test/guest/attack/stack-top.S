// rsp at 4 GiB exactly, behind the last byte of the window: a trap pushes below it and works.
// expect: outcome=exited code=0
// unvalidated: same
#include "attack.h"

_start:
    SET_RSP 0xFFFFFFF8
    popq %rax
    TRAP gate_block
    CHECK %eax, 1, 1
    EXIT $0
