/* <net/if.h>: there are no network interfaces. */
#ifndef _NET_IF_H
#define _NET_IF_H

#define IF_NAMESIZE 16

#ifdef __cplusplus
extern "C" {
#endif
unsigned if_nametoindex(const char *);
char *if_indextoname(unsigned, char *);
#ifdef __cplusplus
}
#endif

#endif
