// As many channels as a manifest of 8192 lines holds: the records take seven pages.
// expect: outcome=exited code=0 status=0
// unvalidated: same
// channels: 8000
#define COUNT 8000
#define LAST 0
#include "user_manifest.h"
