// A gather has one address per lane; none is confined.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=exited|outcome=trapped
#include "attack.h"

_start:
    .byte 0xC4, 0xE2, 0x69, 0x90, 0x0C, 0x27
    EXIT $77
