/* <termios.h>: descriptors that are no terminals, and settings as plain numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "vfs.h"

static int NoTerminal(int fd) {
  return fcntl(fd, F_GETFD) < 0 ? -1 : (int)zvm_result(-ENOTTY); /* the former: EBADF */
}

int tcgetattr(int fd, struct termios *out) {
  (void)out;
  return NoTerminal(fd);
}

int tcsetattr(int fd, int when, const struct termios *settings) {
  (void)when, (void)settings;
  return NoTerminal(fd);
}

int tcsendbreak(int fd, int duration) {
  (void)duration;
  return NoTerminal(fd);
}

int tcdrain(int fd) { return NoTerminal(fd); }

int tcflush(int fd, int queue) {
  (void)queue;
  return NoTerminal(fd);
}

int tcflow(int fd, int action) {
  (void)action;
  return NoTerminal(fd);
}

pid_t tcgetsid(int fd) { return NoTerminal(fd); }
pid_t tcgetpgrp(int fd) { return NoTerminal(fd); }

int tcsetpgrp(int fd, pid_t group) {
  (void)group;
  return NoTerminal(fd);
}

speed_t cfgetispeed(const struct termios *t) { return t->c_ispeed; }
speed_t cfgetospeed(const struct termios *t) { return t->c_ospeed; }

int cfsetispeed(struct termios *t, speed_t speed) {
  t->c_ispeed = speed;
  return 0;
}

int cfsetospeed(struct termios *t, speed_t speed) {
  t->c_ospeed = speed;
  return 0;
}

int cfsetspeed(struct termios *t, speed_t speed) {
  return cfsetispeed(t, speed) | cfsetospeed(t, speed);
}

void cfmakeraw(struct termios *t) {
  t->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  t->c_oflag &= ~(tcflag_t)OPOST;
  t->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  t->c_cflag = (t->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
  t->c_cc[VMIN] = 1;
  t->c_cc[VTIME] = 0;
}

char *ttyname(int fd) {
  NoTerminal(fd);
  return NULL;
}

int ttyname_r(int fd, char *name, size_t size) {
  (void)name, (void)size;
  NoTerminal(fd);
  return errno;
}

char *ctermid(char *name) {
  static char none[L_ctermid];
  if (name == NULL) name = none;
  name[0] = 0;
  return name;
}
