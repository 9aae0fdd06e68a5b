// The largest user manifest that the original could write.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channels: 1364
#define COUNT 1364
#define LAST 0
#include "user_manifest.h"
