/* The file tree of a session as the runtime sees it: nodes, places, open files. Internal to the
 * guest runtime; programs see POSIX. Everything here returns a value >= 0 or -errno and never sets
 * errno. One thread, no locks. Specification: docs/guest.md. */
#ifndef ZVM_RUNTIME_VFS_H
#define ZVM_RUNTIME_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ZVM_NAME_MAX = 255, ZVM_PATH_MAX = 4096, ZVM_LINKS_MAX = 40, ZVM_OPEN_MAX = 1024 };

enum zvm_kind {
  ZVM_FILE,
  ZVM_DIRECTORY,
  ZVM_LINK,
  ZVM_CHANNEL,
  ZVM_DEVICE,
  ZVM_PIPE,
};

enum zvm_device { ZVM_DEV_NULL, ZVM_DEV_ZERO, ZVM_DEV_FULL, ZVM_DEV_RANDOM };

struct zvm_node;

/* A directory's entries in the order of their creation; a removed one leaves name == NULL. */
struct zvm_entry {
  char *name;
  struct zvm_node *node;
  uint32_t hash;
};

struct zvm_directory {
  struct zvm_node *parent;
  struct zvm_entry *entries;
  uint32_t *index;      /* open addressing by hash: entry number + 1, 0 = free */
  uint32_t index_size;  /* a power of two, or 0 */
  uint32_t used;        /* entries, removed ones included */
  uint32_t live;
  bool fixed;           /* under /dev: nothing can be added or removed */
};

/* Content of a regular file: in memory, or still in the channel of a mounted image. */
struct zvm_file {
  unsigned char *bytes;
  int64_t size;
  int64_t capacity;
  int32_t channel;  /* -1: in memory */
  int64_t offset;   /* of the content in the channel */
};

struct zvm_pipe {
  unsigned char *bytes;
  uint32_t start, used;
  uint32_t readers, writers;
};

struct zvm_node {
  enum zvm_kind kind;
  uint32_t permissions;
  uint32_t link_count; /* names; for a directory 2 + sub-directories */
  uint32_t use_count;  /* open files, working directory, walks in progress */
  uint32_t type;       /* S_IF... of a channel, from [mapping] or the manifest */
  uid_t uid;
  gid_t gid;
  uint64_t inode;
  int64_t access_ns, change_ns, status_ns;
  union {
    struct zvm_file file;
    struct zvm_directory directory;
    struct zvm_pipe pipe;
    char *target;           /* link */
    int32_t channel;        /* number */
    enum zvm_device device;
  } u;
};

struct zvm_open {
  struct zvm_node *node;
  int flags;        /* O_... */
  int64_t position; /* bytes; for a directory the next entry */
  uint32_t references;
};

/* Where a path leads: the directory of its last component, that component, and its node. */
struct zvm_place {
  struct zvm_node *directory;
  struct zvm_node *node; /* NULL: does not exist */
  char name[ZVM_NAME_MAX + 1];
  bool must_be_directory; /* the path ended in '/' */
};

enum { ZVM_FOLLOW = 1 };

/* tree.c */
extern struct zvm_node *zvm_root;
struct zvm_node *zvm_new_node(enum zvm_kind kind, uint32_t permissions);
void zvm_use(struct zvm_node *node);
void zvm_unuse(struct zvm_node *node);
struct zvm_node *zvm_lookup(const struct zvm_node *directory, const char *name, size_t length);
int zvm_attach(struct zvm_node *directory, const char *name, struct zvm_node *node);
void zvm_detach(struct zvm_node *directory, const char *name);
bool zvm_directory_is_empty(const struct zvm_node *directory);
int zvm_make_path(const char *path, uint32_t permissions, struct zvm_node **directory);

/* walk.c */
int zvm_walk(int directory_fd, const char *path, unsigned flags, struct zvm_place *place);
int zvm_walk_node(int directory_fd, const char *path, unsigned flags, struct zvm_node **node);
int zvm_path_of(const struct zvm_node *directory, char *buffer, size_t size);
extern struct zvm_node *zvm_cwd;

/* file.c: content of regular files and pipes */
int64_t zvm_file_read(struct zvm_node *node, void *buffer, int64_t size, int64_t offset);
int64_t zvm_file_write(struct zvm_node *node, const void *buffer, int64_t size, int64_t offset);
int zvm_file_resize(struct zvm_node *node, int64_t size);
void zvm_file_free(struct zvm_node *node);

/* channel.c: channels and emulated devices */
int zvm_mount_channels(void);
int zvm_channel_check_open(const struct zvm_node *node, int flags);
int64_t zvm_channel_read(struct zvm_open *open, void *buffer, int64_t size, int64_t offset);
int64_t zvm_channel_write(struct zvm_open *open, const void *buffer, int64_t size, int64_t offset);
int64_t zvm_channel_seek(struct zvm_open *open, int64_t offset, int whence);
int64_t zvm_channel_size(const struct zvm_node *node);
int64_t zvm_device_read(const struct zvm_node *node, void *buffer, int64_t size);
int64_t zvm_device_write(const struct zvm_node *node, int64_t size);
void zvm_channels_restart(void);
int64_t zvm_channel_pread(int32_t channel, void *buffer, int64_t size, int64_t offset);

/* descriptor.c */
struct zvm_open *zvm_descriptor(int fd);
int zvm_new_descriptor(struct zvm_node *node, int flags, int lowest);
void zvm_descriptors_restart(void);
int zvm_open_node(struct zvm_node *node, int flags, int lowest);

/* image.c, export.c: mounts */
int zvm_mount_image(int32_t channel, const char *mountpoint);
int zvm_export_image(int32_t channel, const char *mountpoint);

/* clock.c, random.c, heap.c */
int64_t zvm_now_ns(void);
void zvm_clock_start(int64_t seconds);
void zvm_clock_restart(void);
void zvm_clock_advance(int64_t nanoseconds);
void zvm_random_seed(const void *seed, size_t size);
void zvm_random_restart(void);
void zvm_random_bytes(void *buffer, size_t size);
void zvm_heap_start(void);
long zvm_heap_pages(bool free_only);

/* nvram.c */
int zvm_read_nvram(void);
int zvm_reread_nvram(bool fresh);
void zvm_apply_mapping(void);
int zvm_apply_environment(void);
int zvm_apply_mounts(void);
void zvm_apply_exports(void);
char **zvm_arguments(int *count);
extern uint32_t zvm_umask;

/* report.c: one line on stderr, for errors before main */
extern const char *zvm_program_name; /* argv[0] without folders */
_Noreturn void zvm_start_failed(const char *what);
void zvm_enter_home(void);
void zvm_name_program(const char *path);
void zvm_complain(const char *what, const char *name);

/* Sets errno from a negative result; returns -1 then, else the value. */
int64_t zvm_result(int64_t value);

#endif
