// A jump to the kernel page that every process has.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: killed=31|outcome=trapped|outcome=failed status=4
#include "attack.h"

_start:
    movabsq $0xFFFFFFFFFF600000, %rax
    movq %rsp, %rdi
    call *%rax
    EXIT $77
