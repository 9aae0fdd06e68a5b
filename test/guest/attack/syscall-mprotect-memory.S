// Gives itself more memory than the session has: 1 GiB of the hole behind the heap becomes
// writable. Inside the window, so that the filter lets it pass; the limit on data does not.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited code=0 status=0
#include "attack.h"

_start:
    movabsq $(WINDOW + 0x40000000), %rdi
    movl $0x40000000, %esi
    movl $3, %edx
    movl $10, %eax
    syscall
    CHECK %eax, -12, 1
    EXIT $0
