/* Records what a process does to the files below a folder: every write, truncation, creation, renaming and sync.
 *
 * For LD_PRELOAD. RECORD_HOME is the folder, RECORD_TO a folder for the records: one file for each process, and
 * `counter`, eight bytes that all processes count in. A record is a header (struct record), then a path, a second
 * path and the data. Memory-mapped files are not recorded: SQLite rebuilds its `-shm` files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record {
    uint64_t sequence, began, inode, offset, size;
    uint32_t kind, path, other, pad;
};
enum { WRITE = 1, TRUNCATE, CREATE, RENAME, UNLINK, LINK, SYNC, SYNC_FOLDER, FALLOCATE, MKDIR };

static char home[4096];
static size_t home_length;
static uint64_t *counter;
static int out = -1;
static pid_t owner;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void begin(void) {
    const char *to = getenv("RECORD_TO"), *below = getenv("RECORD_HOME");
    if (!to || !below) return;
    char name[4200];
    if (!counter) {
        snprintf(name, sizeof name, "%s/counter", to);
        int fd = syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC, 0);
        if (fd < 0) return;
        counter = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        syscall(SYS_close, fd);
        if (counter == MAP_FAILED) { counter = NULL; return; }
        home_length = snprintf(home, sizeof home, "%s", below);
    }
    snprintf(name, sizeof name, "%s/%d.records", to, (int)getpid());
    out = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    owner = getpid();
}

static int watched(const char *path) {
    return counter && strncmp(path, home, home_length) == 0 && path[home_length] == '/';
}

static int is_folder_of_home(const char *path) {
    return counter && strncmp(path, home, home_length) == 0 && (path[home_length] == '/' || !path[home_length]);
}

static uint64_t next(void) { return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST); }
static uint64_t present(void) { return __atomic_load_n(counter, __ATOMIC_SEQ_CST); }

static void record(int kind, uint64_t began, uint64_t inode, const char *path, const char *other, uint64_t offset,
                   const void *data, uint64_t size, uint64_t stored) {
    struct record head = {0, began, inode, offset, size, kind, strlen(path), other ? strlen(other) : 0, 0};
    struct iovec parts[4] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)other, head.other},
                             {(void *)data, stored}};
    pthread_mutex_lock(&lock);
    if (out < 0 || owner != getpid()) begin();
    head.sequence = next();
    if (syscall(SYS_writev, out, parts, 4) < 0) abort();
    pthread_mutex_unlock(&lock);
}

static int path_of(int fd, char *path, struct stat *seen) {
    char link[64];
    if (!counter) { if (out == -1) { out = -2; begin(); } if (!counter) return 0; }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_folder_of_home(path) && fstat(fd, seen) == 0;
}

static void absolute(int dir, const char *path, char *full) {
    char folder[4096] = "", link[64];
    if (path[0] != '/') {
        if (dir == AT_FDCWD) { if (!getcwd(folder, sizeof folder)) folder[0] = 0; }
        else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
            ssize_t n = readlink(link, folder, sizeof folder - 1);
            folder[n > 0 ? n : 0] = 0;
        }
    }
    snprintf(full, 8192, "%s%s%s", folder, folder[0] ? "/" : "", path);
    if (!counter && out == -1) { out = -2; begin(); }
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int opened(int dir, const char *path, int flags, mode_t mode) {
    char full[8192];
    absolute(dir, path, full);
    int ours = watched(full), fresh = 0;
    struct stat seen;
    if (ours && (flags & O_CREAT)) fresh = syscall(SYS_faccessat, AT_FDCWD, full, F_OK) != 0;
    if (ours && !fresh && (flags & O_TRUNC) && stat(full, &seen) == 0)
        record(TRUNCATE, 0, seen.st_ino, full, NULL, 0, NULL, 0, 0);
    int fd = syscall(SYS_openat, dir, path, flags, mode);
    if (fd >= 0 && fresh && fstat(fd, &seen) == 0) {
        int kept = errno;
        record(CREATE, 0, seen.st_ino, full, NULL, 0, NULL, 0, 0);
        errno = kept;
    }
    return fd;
}

#define MODE(last) mode_t mode = 0; va_list more; va_start(more, last); \
    if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(more, mode_t); va_end(more)
int open(const char *path, int flags, ...) { MODE(flags); return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags); return opened(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags); return opened(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags); return opened(dir, path, flags, mode); }

static void note_write(int fd, const void *data, size_t size, int64_t offset) {
    char path[4096];
    struct stat seen;
    int kept = errno;
    if (path_of(fd, path, &seen) && S_ISREG(seen.st_mode)) {
        if (offset < 0)
            offset = (fcntl(fd, F_GETFL) & O_APPEND) ? seen.st_size : syscall(SYS_lseek, fd, 0, SEEK_CUR);
        record(WRITE, 0, seen.st_ino, path, NULL, offset, data, size, size);
    }
    errno = kept;
}

ssize_t write(int fd, const void *data, size_t size) {
    if (counter || out == -1) note_write(fd, data, size, -1);
    return syscall(SYS_write, fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    note_write(fd, data, size, offset);
    return syscall(SYS_pwrite64, fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    note_write(fd, data, size, offset);
    return syscall(SYS_pwrite64, fd, data, size, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[4096];
    struct stat seen;
    if (path_of(fd, path, &seen) && S_ISREG(seen.st_mode)) {
        ssize_t total = 0;
        for (int n = 0; n < count; n++) {
            ssize_t done = write(fd, parts[n].iov_base, parts[n].iov_len);
            if (done < 0) return total ? total : done;
            total += done;
        }
        return total;
    }
    return syscall(SYS_writev, fd, parts, count);
}

static void note_size(int kind, int fd, int64_t offset, int64_t size) {
    char path[4096];
    struct stat seen;
    int kept = errno;
    if (path_of(fd, path, &seen)) record(kind, 0, seen.st_ino, path, NULL, offset, NULL, size, 0);
    errno = kept;
}
int ftruncate(int fd, off_t size) { note_size(TRUNCATE, fd, 0, size); return syscall(SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { note_size(TRUNCATE, fd, 0, size); return syscall(SYS_ftruncate, fd, size); }
static int allocated(int fd, int64_t offset, int64_t size) {
    if (syscall(SYS_fallocate, fd, 0, offset, size) < 0) return errno;
    note_size(FALLOCATE, fd, offset, size);
    return 0;
}
int posix_fallocate(int fd, off_t offset, off_t size) { return allocated(fd, offset, size); }
int posix_fallocate64(int fd, off64_t offset, off64_t size) { return allocated(fd, offset, size); }

static int synced(int fd, long call) {
    char path[4096];
    struct stat seen;
    uint64_t began = 0;
    int ours = path_of(fd, path, &seen);
    if (ours) began = present();
    int done = syscall(call, fd);
    if (done == 0 && ours)
        record(S_ISDIR(seen.st_mode) ? SYNC_FOLDER : SYNC, began, seen.st_ino, path, NULL, 0, NULL, 0, 0);
    return done;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int renamed(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char a[8192], b[8192];
    absolute(from_dir, from, a);
    absolute(to_dir, to, b);
    struct stat seen = {0};
    int ours = watched(b) && syscall(SYS_newfstatat, from_dir, from, &seen, AT_SYMLINK_NOFOLLOW) == 0;
    if (ours) record(RENAME, 0, seen.st_ino, a, b, 0, NULL, 0, 0);
    return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned f) { return renamed(a, from, b, to, f); }

static void note_path(int kind, int dir, const char *path, const char *other) {
    char full[8192], second[8192] = "";
    struct stat seen = {0};
    absolute(dir, path, full);
    if (other) absolute(AT_FDCWD, other, second);
    int kept = errno;
    if (watched(other ? second : full)) {
        syscall(SYS_newfstatat, dir, path, &seen, AT_SYMLINK_NOFOLLOW);
        record(kind, 0, seen.st_ino, full, other ? second : NULL, 0, NULL, 0, 0);
    }
    errno = kept;
}
int unlink(const char *path) { note_path(UNLINK, AT_FDCWD, path, NULL); return syscall(SYS_unlinkat, AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) {
    note_path(UNLINK, dir, path, NULL);
    return syscall(SYS_unlinkat, dir, path, flags);
}
int rmdir(const char *path) { return syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR); }
int link(const char *from, const char *to) {
    note_path(LINK, AT_FDCWD, from, to);
    return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int mkdir(const char *path, mode_t mode) {
    int done = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (done == 0) note_path(MKDIR, AT_FDCWD, path, NULL);
    return done;
}
