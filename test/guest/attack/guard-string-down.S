// A repeated copy with the direction flag set walks down through the null page.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    std
    movq $-1, %rcx
    movl $data_start, %esi
    movl $data_start, %edi
    .bundle_lock
    movl %esi, %esi
    leaq (%r15,%rsi,1), %rsi
    movl %edi, %edi
    leaq (%r15,%rdi,1), %rdi
    rep movsb
    .bundle_unlock
    EXIT $1

    .data
data_start:
    .long 0
