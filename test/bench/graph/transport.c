/* The transports of Linux between two native processes: `transport KIND BLOCK COUNT` moves COUNT
 * blocks and prints the seconds from the first write to the end of the stream at the reader.
 *   pipe    write and read, buffer of 1 MiB (F_SETPIPE_SZ)
 *   socket  the same through a stream socket, buffers as large as the system allows
 *   splice  vmsplice at the writer, which maps its pages into the pipe, and read */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_MAX = 1048576, BUFFER_BYTES = 1048576 };
static char block[BLOCK_MAX] __attribute__((aligned(4096)));

static void Fail(const char *what) {
  perror(what);
  exit(1);
}

static double Now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void Open(const char *kind, int ends[2]) {
  if (strcmp(kind, "socket") == 0) {
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) Fail("socketpair");
    const int size = BUFFER_BYTES;
    for (int i = 0; i < 2; ++i) {
      setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
      setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    return;
  }
  if (pipe(ends) != 0) Fail("pipe");
  if (fcntl(ends[0], F_SETPIPE_SZ, BUFFER_BYTES) < 0) Fail("F_SETPIPE_SZ");
}

static void WriteBlock(const char *kind, int fd, size_t size) {
  const int is_spliced = strcmp(kind, "splice") == 0;
  for (size_t done = 0; done < size;) {
    struct iovec piece = {block + done, size - done};
    const ssize_t moved = is_spliced ? vmsplice(fd, &piece, 1, 0) : writev(fd, &piece, 1);
    if (moved <= 0) Fail("write");
    done += (size_t)moved;
  }
}

/* All of a block unless the stream has ended, as a node reads. */
static size_t ReadBlock(int fd, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t moved = read(fd, block + done, size - done);
    if (moved < 0) Fail("read");
    if (moved == 0) break;
    done += (size_t)moved;
  }
  return done;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const size_t size = strtoul(argv[2], NULL, 10);
  if (size < 1 || size > BLOCK_MAX) return 2;
  memset(block, 'z', size);
  int ends[2];
  Open(argv[1], ends);
  const double start = Now();
  const pid_t writer = fork();
  if (writer < 0) Fail("fork");
  if (writer == 0) {
    close(ends[0]);
    for (long left = atol(argv[3]); left > 0; --left) WriteBlock(argv[1], ends[1], size);
    _exit(0);
  }
  close(ends[1]);
  while (ReadBlock(ends[0], size) == size) continue;
  printf("%f\n", Now() - start);
  int status;
  return waitpid(writer, &status, 0) == writer && status == 0 ? 0 : 1;
}
