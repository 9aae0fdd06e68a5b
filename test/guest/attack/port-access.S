// Reads an i/o port.
// expect: validator=failed status=8 rule=unrecognized
// unvalidated: outcome=trapped status=4 signal=11
#include "attack.h"

_start:
    inb $0x80, %al
