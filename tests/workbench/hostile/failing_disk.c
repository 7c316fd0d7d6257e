/* A disk that fails: of the calls that write below a folder, the n-th returns an error.

   Loaded before the C library (LD_PRELOAD), so that Python's files and SQLite's are hit alike. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long fails_at, calls;
static int error_number, stays_broken;
static char failed_call[PATH_MAX + 64];

void disk_arm(const char *below, long nth, int error, int stays) {
    snprintf(folder, sizeof folder, "%s", below);
    fails_at = nth, error_number = error, stays_broken = stays, calls = 0;
    failed_call[0] = 0;
}
long disk_calls(void) { return calls; }
const char *disk_failed_call(void) { return failed_call; }

static int below(const char *path) {
    return folder[0] && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int fails(const char *call, const char *path) {
    if (!below(path)) return 0;
    calls++;
    if (!fails_at || (stays_broken ? calls < fails_at : calls != fails_at)) return 0;
    if (calls == fails_at) snprintf(failed_call, sizeof failed_call, "%s %s", call, path);
    errno = error_number;
    return 1;
}

static int fails_open_file(const char *call, int descriptor) {
    char link[64], path[PATH_MAX];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITING(flags) (((flags) & O_ACCMODE) != O_RDONLY)

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = va_arg(rest, mode_t);                               \
        va_end(rest);                                                     \
        if (WRITING(flags) && fails("open", path)) return -1;             \
        return REAL(name)(path, flags, mode);                             \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                      \
    int name(int at, const char *path, int flags, ...) {                  \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = va_arg(rest, mode_t);                               \
        va_end(rest);                                                     \
        if (WRITING(flags) && fails("open", path)) return -1;             \
        return REAL(name)(at, path, flags, mode);                         \
    }
OPENAT(openat)
OPENAT(openat64)

/* a full disk still takes a part */
ssize_t write(int descriptor, const void *data, size_t length) {
    if (!fails_open_file("write", descriptor)) return REAL(write)(descriptor, data, length);
    (void)!REAL(write)(descriptor, data, length / 2);
    errno = error_number;
    return -1;
}

#define PWRITE(name, offset_type)                                                         \
    ssize_t name(int descriptor, const void *data, size_t length, offset_type offset) {   \
        if (!fails_open_file("write", descriptor))                                        \
            return REAL(name)(descriptor, data, length, offset);                          \
        (void)!REAL(name)(descriptor, data, length / 2, offset);                          \
        errno = error_number;                                                             \
        return -1;                                                                        \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

int fsync(int descriptor) { return fails_open_file("fsync", descriptor) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails_open_file("fsync", descriptor) ? -1 : REAL(fdatasync)(descriptor); }
int ftruncate(int descriptor, off_t length) {
    return fails_open_file("truncate", descriptor) ? -1 : REAL(ftruncate)(descriptor, length);
}
int ftruncate64(int descriptor, off64_t length) {
    return fails_open_file("truncate", descriptor) ? -1 : REAL(ftruncate64)(descriptor, length);
}
int rename(const char *from, const char *to) { return fails("rename", to) ? -1 : REAL(rename)(from, to); }
int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode); }
