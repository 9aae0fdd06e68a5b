// One channel more than fits into one page of records: the original's host side crashed.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channels: 1365
#define COUNT 1365
#define LAST 0
#include "user_manifest.h"
