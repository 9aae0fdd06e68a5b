/* The one user and the one group again, as POSIX's reentrant functions and as lists. The texts
 * stand in the environment, where they stay; the caller's buffer is not needed. */
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

static int users_read, groups_read;

static int GiveUser(const struct passwd *found, struct passwd *out, struct passwd **result) {
  *result = NULL;
  if (found == NULL) return 0;
  *out = *found;
  *result = out;
  return 0;
}

static int GiveGroup(const struct group *found, struct group *out, struct group **result) {
  *result = NULL;
  if (found == NULL) return 0;
  *out = *found;
  *result = out;
  return 0;
}

int getpwuid_r(uid_t uid, struct passwd *out, char *buffer, size_t size, struct passwd **result) {
  (void)buffer, (void)size;
  return GiveUser(getpwuid(uid), out, result);
}

int getpwnam_r(const char *name, struct passwd *out, char *buffer, size_t size,
               struct passwd **result) {
  (void)buffer, (void)size;
  return GiveUser(getpwnam(name), out, result);
}

int getgrgid_r(gid_t gid, struct group *out, char *buffer, size_t size, struct group **result) {
  (void)buffer, (void)size;
  return GiveGroup(getgrgid(gid), out, result);
}

int getgrnam_r(const char *name, struct group *out, char *buffer, size_t size,
               struct group **result) {
  (void)buffer, (void)size;
  return GiveGroup(getgrnam(name), out, result);
}

void setpwent(void) { users_read = 0; }
void endpwent(void) { users_read = 0; }
struct passwd *getpwent(void) { return users_read++ == 0 ? getpwuid(getuid()) : NULL; }

void setgrent(void) { groups_read = 0; }
void endgrent(void) { groups_read = 0; }
struct group *getgrent(void) { return groups_read++ == 0 ? getgrgid(getgid()) : NULL; }
