/* The name of the system: the same in every session. */
#ifndef _SYS_UTSNAME_H
#define _SYS_UTSNAME_H

struct utsname {
  char sysname[16];
  char nodename[16];
  char release[16];
  char version[16];
  char machine[16];
};

#ifdef __cplusplus
extern "C" {
#endif
int uname(struct utsname *out);
#ifdef __cplusplus
}
#endif

#endif
