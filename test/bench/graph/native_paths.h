/* Included before an example's source when it is built for the host: /dev/in and /dev/out of a node
 * are the folders dev/in and dev/out where its process was started, with links to pipes. */
#include <fcntl.h>

static int OpenPeer(const char *path, int flags) { return open(path + 1, flags); }
#define open(path, flags) OpenPeer(path, flags)
