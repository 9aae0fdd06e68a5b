/* Sockets and names of hosts: none can be made or found, and the errors say so. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <stddef.h>

#include "vfs.h"

int h_errno;

int socket(int family, int type, int protocol) {
  (void)family, (void)type, (void)protocol;
  return (int)zvm_result(-EAFNOSUPPORT);
}

int socketpair(int family, int type, int protocol, int pair[2]) {
  (void)pair;
  return socket(family, type, protocol);
}

static int NoSocket(int fd) {
  return fcntl(fd, F_GETFD) < 0 ? -1 : (int)zvm_result(-ENOTSOCK); /* the former: EBADF */
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
  (void)address, (void)size;
  return NoSocket(fd);
}

int listen(int fd, int backlog) {
  (void)backlog;
  return NoSocket(fd);
}

int accept(int fd, struct sockaddr *address, socklen_t *size) {
  (void)address, (void)size;
  return NoSocket(fd);
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
  return bind(fd, address, size);
}

int shutdown(int fd, int how) {
  (void)how;
  return NoSocket(fd);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size) {
  return accept(fd, address, size);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size) {
  return accept(fd, address, size);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
  (void)level, (void)option, (void)value, (void)size;
  return NoSocket(fd);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  (void)level, (void)option, (void)value, (void)size;
  return NoSocket(fd);
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *address,
               socklen_t size) {
  (void)data, (void)length, (void)flags, (void)address, (void)size;
  return NoSocket(fd);
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
  return sendto(fd, data, length, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)message, (void)flags;
  return NoSocket(fd);
}

ssize_t recvfrom(int fd, void *data, size_t length, int flags, struct sockaddr *address,
                 socklen_t *size) {
  (void)data, (void)length, (void)flags, (void)address, (void)size;
  return NoSocket(fd);
}

ssize_t recv(int fd, void *data, size_t length, int flags) {
  return recvfrom(fd, data, length, flags, NULL, NULL);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  (void)message, (void)flags;
  return NoSocket(fd);
}

unsigned if_nametoindex(const char *name) {
  (void)name;
  zvm_result(-ENODEV);
  return 0;
}

char *if_indextoname(unsigned index, char *name) {
  (void)index, (void)name;
  zvm_result(-ENXIO);
  return NULL;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out) {
  (void)host, (void)service, (void)hints;
  *out = NULL;
  return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list) { (void)list; }

const char *gai_strerror(int code) {
  return code == EAI_FAIL ? "there is no network in the sandbox" : "name resolution failed";
}

int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags) {
  (void)address, (void)size, (void)host, (void)host_size, (void)service, (void)service_size;
  (void)flags;
  return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name) {
  (void)name;
  h_errno = HOST_NOT_FOUND;
  return NULL;
}

struct hostent *gethostbyaddr(const void *address, socklen_t size, int family) {
  (void)address, (void)size, (void)family;
  return gethostbyname("");
}

struct servent *getservbyname(const char *name, const char *protocol) {
  (void)name, (void)protocol;
  return NULL;
}
