/* select and poll: channels, files and devices are always ready; a pipe is ready for what it can
 * take or give now. Nothing can change while the only thread waits, so waiting is a step of the
 * clock. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>

#include "vfs.h"

static short Ready(int fd) {
  const struct zvm_open *open = zvm_descriptor(fd);
  if (open == NULL) return POLLNVAL;
  const int mode = open->flags & O_ACCMODE;
  short events = 0;
  if (open->node->kind == ZVM_PIPE) {
    const struct zvm_pipe *pipe = &open->node->u.pipe;
    if (mode == O_RDONLY) {
      if (pipe->used != 0) events |= POLLIN | POLLRDNORM;
      if (pipe->writers == 0) events |= POLLHUP;
    } else {
      if (pipe->used < 65536) events |= POLLOUT | POLLWRNORM;
      if (pipe->readers == 0) events |= POLLERR;
    }
    return events;
  }
  if (mode != O_WRONLY) events |= POLLIN | POLLRDNORM;
  if (mode != O_RDONLY) events |= POLLOUT | POLLWRNORM;
  return events;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
  int ready = 0;
  for (nfds_t i = 0; i < count; ++i) {
    fds[i].revents = 0;
    if (fds[i].fd < 0) continue;
    fds[i].revents = Ready(fds[i].fd) & (fds[i].events | POLLERR | POLLHUP | POLLNVAL);
    if (fds[i].revents != 0) ++ready;
  }
  if (ready == 0 && timeout_ms > 0) zvm_clock_advance(timeout_ms * INT64_C(1000000));
  /* Without a time limit this wait would never end. */
  return ready == 0 && timeout_ms < 0 ? (int)zvm_result(-EDEADLK) : ready;
}

static int Filter(fd_set *set, int count, short events, int *error) {
  int ready = 0;
  if (set == NULL) return 0;
  for (int fd = 0; fd < count; ++fd) {
    if (!FD_ISSET(fd, set)) continue;
    const short now = Ready(fd);
    if ((now & POLLNVAL) != 0) *error = -EBADF;
    if ((now & events) != 0) {
      ++ready;
    } else {
      FD_CLR(fd, set);
    }
  }
  return ready;
}

int select(int count, fd_set *reads, fd_set *writes, fd_set *errors, struct timeval *timeout) {
  if (count < 0 || count > FD_SETSIZE) return (int)zvm_result(-EINVAL);
  int error = 0;
  int ready = Filter(reads, count, POLLIN | POLLHUP, &error);
  ready += Filter(writes, count, POLLOUT | POLLERR, &error);
  Filter(errors, count, 0, &error);
  if (error < 0) return (int)zvm_result(error);
  if (ready == 0 && timeout == NULL) return (int)zvm_result(-EDEADLK);
  if (ready == 0) {
    zvm_clock_advance(timeout->tv_sec * INT64_C(1000000000) + timeout->tv_usec * INT64_C(1000));
  }
  return ready;
}
