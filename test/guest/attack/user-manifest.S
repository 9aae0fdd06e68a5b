// The user manifest is as documented: pointer, record, channel records, names from top to bottom,
// nothing of the host in it.
// expect: outcome=exited code=0 status=0
// unvalidated: same
#define COUNT 3
#define LAST DQUOT
#include "user_manifest.h"
