/* Given to the compiler before each file of toybox: what its common headers take from Linux. */
#include <sys/types.h>
struct statfs {
  long f_type, f_bsize, f_frsize, f_namelen;
  unsigned long long f_blocks, f_bfree, f_bavail, f_files, f_ffree;
};
#define TIOCNOTTY 0x5422
#define TIOCSWINSZ 0x5414
#define _PATH_DEFPATH "/bin"
