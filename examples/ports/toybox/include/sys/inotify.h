/* Watching files, for toybox: nobody else changes them here. */
int inotify_init(void);
int inotify_add_watch(int, const char *, unsigned);
#define IN_MODIFY 2
struct inotify_event {
  int wd;
  unsigned mask, cookie, len;
  char name[];
};
