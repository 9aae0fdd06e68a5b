// A direct jump out of the text to an address that is no bundle start.
// expect: validator=failed status=8 rule=jump-out-of-range
#include "attack.h"

_start:
    .byte 0xE9
    .long 0x1000001
