// A repeated store that starts on the stack and has the length for all of the guard: it must stop
// at the end of the window.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    movq $-1, %rcx
    movl $0xFFFFF000, %edi
    .bundle_lock
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
    rep stosb
    .bundle_unlock
    EXIT $1
