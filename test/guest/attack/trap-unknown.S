// Function numbers that do not exist, or only in their low 32 bits: -1, and the session goes on.
// The original indexed a table with them.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#include "attack.h"

_start:
    EXPECT_ARGS 0, 0, 0, 0, 0, PERM, 1
    EXPECT_ARGS 1, 0, 0, 0, 0, PERM, 2
    EXPECT_ARGS -1, 0, 0, 0, 0, PERM, 3
    EXPECT_ARGS 0x164616552, 0, 0, 0, 0, PERM, 4
    EXPECT_ARGS 0x8000000074697845, 0, 0, 0, 0, PERM, 5
    EXPECT_ARGS 0xFFFFFFFF74697845, 0, 0, 0, 0, PERM, 6
    EXPECT_ARGS 0x74697846, 0, 0, 0, 0, PERM, 7
    EXPECT_ARGS 0x64616551, 0, 0, 0, 0, PERM, 8
    EXPECT_ARGS 0x6972574574697845, 0, 0, 0, 0, PERM, 9
    EXPECT_ARGS 0x7FFFFFFFFFFFFFFF, 0, 0, 0, 0, PERM, 10
    EXPECT_ARGS 0x8000000000000000, 0, 0, 0, 0, PERM, 11
    EXPECT_ARGS 6, 0, 0, 0, 0, PERM, 12
    EXPECT_ARGS 0x10000, 0, 0, 0, 0, PERM, 13
    EXPECT_ARGS 0x5265616400000000, 0, 0, 0, 0, PERM, 14
    EXIT $0
