// Re-bases rsp without writing esp before: rsp would leave the window.
// expect: validator=failed status=8 rule=rsp-unrestricted
// unvalidated: outcome=trapped status=4
#include "attack.h"

_start:
    addq %r15, %rsp
    pushq %rax
