// The same through gs: only the first byte is confined to 32 bits, the rest goes on into the
// guard.
// expect: outcome=trapped status=4 signal=11
// unvalidated: same
#include "attack.h"

_start:
    .byte 0x65, 0x67, 0x48, 0x8B, 0x0C, 0x25, 0xFC, 0xFF, 0xFF, 0xFF
    EXIT $1
