/* System calls and constants that the runtime uses and Swift cannot name.
 *
 * Every shim is `rc_NAME` and returns what the kernel returned: a value, or a negated errno. glibc's
 * wrappers are used where they exist, syscall(2) elsewhere. Shims that take a pointer are seen as
 * unsafe by Swift's strict memory safety; those that take only integers are not. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RC_RESULT(call) ({ long rc_value = (call); rc_value < 0 ? (long)-errno : rc_value; })

/* --- numbers and constants newer than the oldest headers we build with --- */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
enum {
  RC_RESOLVE_NO_XDEV = 0x01, RC_RESOLVE_NO_MAGICLINKS = 0x02, RC_RESOLVE_NO_SYMLINKS = 0x04,
  RC_RESOLVE_BENEATH = 0x08, RC_RESOLVE_IN_ROOT = 0x10,
};
enum {
  RC_OPEN_TREE_CLONE = 1, RC_OPEN_TREE_CLOEXEC = O_CLOEXEC,
  RC_MOVE_MOUNT_F_EMPTY_PATH = 0x4, RC_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
  RC_MOVE_MOUNT_BENEATH = 0x200,
  RC_FSOPEN_CLOEXEC = 1, RC_FSMOUNT_CLOEXEC = 1,
  RC_FSCONFIG_SET_FLAG = 0, RC_FSCONFIG_SET_STRING = 1, RC_FSCONFIG_SET_FD = 5,
  RC_FSCONFIG_CMD_CREATE = 6,
};
enum {
  RC_ATTR_RDONLY = 0x1, RC_ATTR_NOSUID = 0x2, RC_ATTR_NODEV = 0x4, RC_ATTR_NOEXEC = 0x8,
  RC_ATTR_ATIME_MASK = 0x70, RC_ATTR_RELATIME = 0x0, RC_ATTR_NOATIME = 0x10,
  RC_ATTR_STRICTATIME = 0x20, RC_ATTR_NODIRATIME = 0x80, RC_ATTR_IDMAP = 0x100000,
  RC_ATTR_NOSYMFOLLOW = 0x200000,
};
enum {
  RC_CLONE_NEWTIME = 0x80,
  RC_CAP_CHOWN = 0, RC_CAP_DAC_OVERRIDE = 1, RC_CAP_DAC_READ_SEARCH = 2, RC_CAP_FOWNER = 3, RC_CAP_FSETID = 4,
  RC_CAP_KILL = 5, RC_CAP_SETGID = 6, RC_CAP_SETUID = 7, RC_CAP_SYS_CHROOT = 18, RC_CAP_SYS_PTRACE = 19,
  RC_CAP_SYS_ADMIN = 21, RC_CAP_MKNOD = 27,
  RC_PR_SET_MDWE = 65, RC_PR_GET_MDWE = 66, RC_PR_MDWE_REFUSE_EXEC_GAIN = 1,
};
#define RC_CLONE_INTO_CGROUP 0x200000000ULL
#define RC_CLONE_CLEAR_SIGHAND 0x100000000ULL
enum {
  RC_PROC_SUPER_MAGIC = 0x9fa0, RC_SYSFS_MAGIC = 0x62656572, RC_CGROUP2_SUPER_MAGIC = 0x63677270, RC_TMPFS_MAGIC = 0x01021994,
  RC_CGROUP_SUPER_MAGIC = 0x27e0eb, RC_RAMFS_MAGIC = (int)0x858458f6, RC_HUGETLBFS_MAGIC = (int)0x958458f6,
  RC_ST_RDONLY = 1, RC_ST_NOEXEC = 8,
  RC_DEVPTS_SUPER_MAGIC = 0x1cd1, RC_DEBUGFS_MAGIC = 0x64626720, RC_TRACEFS_MAGIC = 0x74726163,
  RC_SECURITYFS_MAGIC = 0x73636673, RC_BPF_FS_MAGIC = (int)0xcafe4a11,
};

/* --- arguments, kept by the constructor before main --- */
int rc_argument_count(void);
const char *rc_argument(int index);
int rc_environment_count(void);
const char *rc_environment(int index);
/* What the constructor stage did: 0, or a negated errno and the stage that failed. */
int rc_early_error(void);
const char *rc_early_stage(void);
/* 1 when this process runs from a copy or mount of the executable that nobody can write to. */
int rc_executable_is_sealed(void);

/* --- files --- */
static inline long rc_openat(int dir, const char *path, int flags, unsigned mode) {
  return RC_RESULT(openat(dir, path, flags | O_CLOEXEC, mode));
}
struct rc_open_how { uint64_t flags, mode, resolve; };
static inline long rc_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
                              uint64_t resolve) {
  struct rc_open_how how = {flags | O_CLOEXEC, mode, resolve};
  return RC_RESULT(syscall(SYS_openat2, dir, path, &how, sizeof how));
}
static inline long rc_close(int fd) { return RC_RESULT(close(fd)); }
static inline long rc_read(int fd, void *p, size_t n) { return RC_RESULT(read(fd, p, n)); }
static inline long rc_write(int fd, const void *p, size_t n) { return RC_RESULT(write(fd, p, n)); }
static inline long rc_lseek(int fd, int64_t o, int whence) { return RC_RESULT(lseek(fd, o, whence)); }
static inline long rc_ftruncate(int fd, int64_t size) { return RC_RESULT(ftruncate(fd, size)); }
static inline long rc_mkdirat(int dir, const char *path, unsigned mode) {
  return RC_RESULT(mkdirat(dir, path, mode));
}
static inline long rc_mknodat(int dir, const char *path, unsigned mode, unsigned major,
                              unsigned minor) {
  return RC_RESULT(mknodat(dir, path, mode, makedev(major, minor)));
}
static inline long rc_unlinkat(int dir, const char *path, int flags) {
  return RC_RESULT(unlinkat(dir, path, flags));
}
static inline long rc_symlinkat(const char *target, int dir, const char *path) {
  return RC_RESULT(symlinkat(target, dir, path));
}
static inline long rc_linkat(int from, const char *a, int to, const char *b) {
  return RC_RESULT(linkat(from, a, to, b, 0));
}
static inline long rc_renameat(int from, const char *a, int to, const char *b) {
  return RC_RESULT(renameat(from, a, to, b));
}
static inline long rc_readlinkat(int dir, const char *path, char *buffer, size_t size) {
  return RC_RESULT(readlinkat(dir, path, buffer, size));
}
static inline long rc_faccessat(int dir, const char *path, int mode) {
  return RC_RESULT(faccessat(dir, path, mode, 0));
}
/* With the rights of the effective ids; -ENOSYS before Linux 5.8. */
static inline long rc_faccessat_effective(int dir, const char *path, int mode) {
  return RC_RESULT(syscall(439 /* SYS_faccessat2 */, dir, path, mode, AT_EACCESS));
}
static inline long rc_fchmod(int fd, unsigned mode) { return RC_RESULT(fchmod(fd, mode)); }
static inline long rc_fchmodat(int dir, const char *path, unsigned mode) {
  return RC_RESULT(fchmodat(dir, path, mode, 0));
}
static inline long rc_fchownat(int dir, const char *path, unsigned uid, unsigned gid, int flags) {
  return RC_RESULT(fchownat(dir, path, uid, gid, flags));
}
struct rc_stat {
  uint64_t device, inode, size; uint32_t mode, uid, gid, rmajor, rminor, links; int64_t modified, changed;
};
static inline long rc_fstatat(int dir, const char *path, int flags, struct rc_stat *out) {
  struct stat s;
  long r = RC_RESULT(fstatat(dir, path, &s, flags));
  if (r == 0) {
    *out = (struct rc_stat){s.st_dev, s.st_ino, s.st_size, s.st_mode, s.st_uid, s.st_gid,
                            major(s.st_rdev), minor(s.st_rdev), s.st_nlink,
                            (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec,
                            (int64_t)s.st_ctim.tv_sec * 1000000000 + s.st_ctim.tv_nsec};
  }
  return r;
}
static inline long rc_statfs_type(int fd, uint64_t *flags) {
  struct statfs s;
  long r = RC_RESULT(fstatfs(fd, &s));
  if (r < 0) return r;
  *flags = s.f_flags;
  return (long)(uint32_t)s.f_type;
}
static inline long rc_mount_id(int fd) {
  struct statx s;
  long r = RC_RESULT(statx(fd, "", AT_EMPTY_PATH, 0x1000u /* STATX_MNT_ID */, &s));
  return r < 0 ? r : (long)s.stx_mnt_id;
}
/* 1 if what is open is the root of a mount. */
static inline long rc_is_mount_root(int fd) {
  struct statx s;
  long r = RC_RESULT(statx(fd, "", AT_EMPTY_PATH, 0, &s));
  return r < 0 ? r : (s.stx_attributes & 0x2000 /* STATX_ATTR_MOUNT_ROOT */) != 0;
}
static inline long rc_getdents(int fd, void *p, size_t n) {
  return RC_RESULT(syscall(SYS_getdents64, fd, p, n));
}
static inline long rc_flock(int fd, int operation) { return RC_RESULT(flock(fd, operation)); }
static inline long rc_fcntl(int fd, int command, long value) {
  return RC_RESULT(fcntl(fd, command, value));
}
static inline long rc_dup3(int from, int to, int flags) { return RC_RESULT(dup3(from, to, flags)); }
static inline long rc_close_range(unsigned first, unsigned last, unsigned flags) {
  return RC_RESULT(syscall(SYS_close_range, first, last, flags));
}
static inline long rc_pipe(int fds[2], int flags) { return RC_RESULT(pipe2(fds, flags | O_CLOEXEC)); }
static inline long rc_memfd(const char *name, unsigned flags) {
  return RC_RESULT(memfd_create(name, flags | MFD_CLOEXEC));
}
static inline long rc_poll(struct pollfd *fds, unsigned long n, int timeout_ms) {
  return RC_RESULT(poll(fds, n, timeout_ms));
}
static inline long rc_chdir(const char *path) { return RC_RESULT(chdir(path)); }
static inline long rc_fchdir(int fd) { return RC_RESULT(fchdir(fd)); }
static inline long rc_chroot(const char *path) { return RC_RESULT(chroot(path)); }
static inline long rc_getcwd(char *buffer, size_t size) {
  return RC_RESULT(syscall(SYS_getcwd, buffer, size));
}
static inline unsigned rc_umask(unsigned mask) { return umask(mask); }
static inline long rc_fgetxattr(int fd, const char *name, void *value, size_t size) {
  return RC_RESULT(fgetxattr(fd, name, value, size));
}
static inline long rc_fsetxattr(int fd, const char *name, const void *value, size_t size) {
  return RC_RESULT(fsetxattr(fd, name, value, size, 0));
}
static inline long rc_setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
  return RC_RESULT(setxattr(path, name, value, size, flags));
}
static inline long rc_removexattr(const char *path, const char *name) { return RC_RESULT(removexattr(path, name)); }

/* --- mounts --- */
static inline long rc_mount(const char *source, const char *target, const char *type,
                            unsigned long flags, const char *data) {
  return RC_RESULT(mount(source, target, type, flags, data));
}
static inline long rc_umount(const char *target, int flags) { return RC_RESULT(umount2(target, flags)); }
static inline long rc_pivot_root(const char *new_root, const char *put_old) {
  return RC_RESULT(syscall(SYS_pivot_root, new_root, put_old));
}
static inline long rc_fsopen(const char *type) {
  return RC_RESULT(syscall(SYS_fsopen, type, RC_FSOPEN_CLOEXEC));
}
static inline long rc_fsconfig(int fd, unsigned command, const char *key, const char *value,
                               int aux) {
  return RC_RESULT(syscall(SYS_fsconfig, fd, command, key, value, aux));
}
static inline long rc_fsmount(int fd, unsigned attributes) {
  return RC_RESULT(syscall(SYS_fsmount, fd, RC_FSMOUNT_CLOEXEC, attributes));
}
static inline long rc_open_tree(int dir, const char *path, unsigned flags) {
  return RC_RESULT(syscall(SYS_open_tree, dir, path, flags | RC_OPEN_TREE_CLOEXEC));
}
static inline long rc_move_mount(int from, const char *a, int to, const char *b, unsigned flags) {
  return RC_RESULT(syscall(SYS_move_mount, from, a, to, b, flags));
}
struct rc_mount_attr { uint64_t set, clear, propagation, userns_fd; };
static inline long rc_mount_setattr(int dir, const char *path, unsigned flags, uint64_t set,
                                    uint64_t clear, uint64_t propagation, uint64_t userns_fd) {
  struct rc_mount_attr a = {set, clear, propagation, userns_fd};
  return RC_RESULT(syscall(SYS_mount_setattr, dir, path, flags, &a, sizeof a));
}

/* --- processes and namespaces --- */
struct rc_clone_args {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};
/* Like fork: returns 0 in the child. Only for single-threaded callers. `pidfd` may be null. */
long rc_clone3(uint64_t flags, int exit_signal, int cgroup, int *pidfd);
static inline long rc_unshare(int flags) { return RC_RESULT(unshare(flags)); }
static inline long rc_setns(int fd, int flags) { return RC_RESULT(setns(fd, flags)); }
static inline long rc_wait4(int pid, int *status, int options) {
  return RC_RESULT(wait4(pid, status, options, 0));
}
static inline void rc_usage(const struct rusage *u, int64_t usage[3]) {
  usage[0] = (int64_t)u->ru_utime.tv_sec * 1000000 + u->ru_utime.tv_usec;
  usage[1] = (int64_t)u->ru_stime.tv_sec * 1000000 + u->ru_stime.tv_usec;
  usage[2] = u->ru_maxrss;
}
/* The same, with what the process and the children that it waited for used: microseconds of the processor in user and in
 * system mode, and the largest of their memories in KiB. */
static inline long rc_wait4_usage(int pid, int *status, int options, int64_t usage[3]) {
  struct rusage u;
  memset(&u, 0, sizeof u);
  long r = RC_RESULT(wait4(pid, status, options, &u));
  rc_usage(&u, usage);
  return r;
}
static inline void rc_usage_of_children(int64_t usage[3]) {
  struct rusage u;
  memset(&u, 0, sizeof u);
  getrusage(RUSAGE_CHILDREN, &u);
  rc_usage(&u, usage);
}
static inline int rc_exited(int status) { return WIFEXITED(status); }
static inline int rc_exit_status(int status) { return WEXITSTATUS(status); }
static inline int rc_term_signal(int status) { return WTERMSIG(status); }
static inline long rc_kill(int pid, int signal) { return RC_RESULT(kill(pid, signal)); }
static inline long rc_pidfd_open(int pid, unsigned flags) {
  return RC_RESULT(syscall(SYS_pidfd_open, pid, flags));
}
static inline long rc_pidfd_send_signal(int fd, int signal) {
  return RC_RESULT(syscall(SYS_pidfd_send_signal, fd, signal, 0, 0));
}
static inline long rc_execve(const char *path, char *const *argv, char *const *envp) {
  return RC_RESULT(execve(path, argv, envp));
}
static inline void rc_exit(int status) __attribute__((noreturn));
static inline void rc_exit(int status) { _exit(status); }
static inline long rc_getpid(void) { return getpid(); }
static inline long rc_getppid(void) { return getppid(); }
static inline unsigned rc_geteuid(void) { return geteuid(); }
static inline unsigned rc_getegid(void) { return getegid(); }
static inline long rc_setresuid(unsigned uid) { return RC_RESULT(syscall(SYS_setresuid, uid, uid, uid)); }
static inline long rc_setresgid(unsigned gid) { return RC_RESULT(syscall(SYS_setresgid, gid, gid, gid)); }
static inline long rc_setgroups(size_t n, const gid_t *groups) {
  return RC_RESULT(syscall(SYS_setgroups, n, groups));
}
static inline long rc_setsid(void) { return RC_RESULT(setsid()); }
static inline long rc_setpgid(int pid, int group) { return RC_RESULT(setpgid(pid, group)); }
static inline long rc_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
                            unsigned long d) {
  return RC_RESULT(prctl(option, a, b, c, d));
}
static inline long rc_sethostname(const char *name, size_t n) { return RC_RESULT(sethostname(name, n)); }
static inline long rc_setdomainname(const char *name, size_t n) {
  return RC_RESULT(setdomainname(name, n));
}
static inline long rc_setrlimit(int pid, int resource, uint64_t soft, uint64_t hard) {
  struct rlimit64 limit = {soft, hard};
  return RC_RESULT(syscall(SYS_prlimit64, pid, resource, &limit, 0));
}
struct rc_cap_header { uint32_t version; int pid; };
struct rc_cap_data { uint32_t effective, permitted, inheritable; };
static inline long rc_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
  struct rc_cap_header h = {0x20080522, 0};
  struct rc_cap_data d[2] = {{(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
                             {effective >> 32, permitted >> 32, inheritable >> 32}};
  return RC_RESULT(syscall(SYS_capset, &h, d));
}
static inline uint64_t rc_cap_permitted(void) {
  struct rc_cap_header h = {0x20080522, 0};
  struct rc_cap_data d[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &h, d) != 0) return 0;
  return d[0].permitted | (uint64_t)d[1].permitted << 32;
}
static inline long rc_personality(unsigned long persona) {
  return RC_RESULT(syscall(SYS_personality, persona));
}
static inline long rc_set_mempolicy(int mode, const unsigned long *nodes, unsigned long bits) {
  return RC_RESULT(syscall(SYS_set_mempolicy, mode, nodes, bits));
}
struct rc_sched_attr {
  uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority;
  uint64_t runtime, deadline, period;
};
static inline long rc_sched_setattr(int pid, uint32_t policy, uint64_t flags, int32_t nice,
                                    uint32_t priority, uint64_t runtime, uint64_t deadline,
                                    uint64_t period) {
  struct rc_sched_attr a = {sizeof a, policy, flags, nice, priority, runtime, deadline, period};
  return RC_RESULT(syscall(SYS_sched_setattr, pid, &a, 0));
}
static inline long rc_ioprio_set(int which, int who, int value) {
  return RC_RESULT(syscall(SYS_ioprio_set, which, who, value));
}
static inline long rc_sched_setaffinity(int pid, const uint64_t *mask, size_t bytes) {
  return RC_RESULT(syscall(SYS_sched_setaffinity, pid, bytes, mask));
}
static inline long rc_seccomp(unsigned operation, unsigned flags, void *argument) {
  return RC_RESULT(syscall(SYS_seccomp, operation, flags, argument));
}
struct rc_filter_program { unsigned short length; const void *instructions; };
static inline long rc_seccomp_set_filter(unsigned flags, const void *instructions, unsigned count) {
  struct rc_filter_program p = {(unsigned short)count, instructions};
  return RC_RESULT(syscall(SYS_seccomp, 1u, flags, &p));
}
/* Whether the kernel knows an action of filters (SECCOMP_GET_ACTION_AVAIL), and a flag: without a program it says EFAULT. */
static inline long rc_seccomp_knows_action(uint32_t action) {
  return RC_RESULT(syscall(SYS_seccomp, 2u, 0u, &action));
}
static inline long rc_seccomp_knows_flag(unsigned flag) {
  return syscall(SYS_seccomp, 1u, flag, 0) < 0 && errno == EFAULT ? 0 : -ENOSYS;
}
/* The same with SECCOMP_FILTER_FLAG_NEW_LISTENER. A helper process that shares this one's descriptors, but
 * not the filter, sends the listener with a message over a connected socket. */
long rc_seccomp_with_listener(unsigned flags, const void *instructions, unsigned count, int socket,
                              const void *message, size_t size);
/* A call that a filter hands to its listener (seccomp_unotify(2)). */
struct rc_notification { uint64_t id; int pid; unsigned architecture; int number; uint64_t arguments[6]; };
/* The next one, for which poll(2) said that there is one; -ENOENT if the call's process is gone by now. */
long rc_notification_receive(int listener, struct rc_notification *notification);
/* 0 while the call's thread still waits. */
long rc_notification_is_valid(int listener, uint64_t id);
/* The kernel makes the call. */
long rc_notification_continue(int listener, uint64_t id);
/* The call is not made and returns `value`. */
long rc_notification_answer(int listener, uint64_t id, int64_t value);
/* The call is not made and fails with `error`. */
long rc_notification_refuse(int listener, uint64_t id, int error);
/* Wakes the supervisor on the caller's processor and the caller on the supervisor's; -EINVAL before Linux 6.6. */
long rc_notification_wake_here(int listener);
/* Reads memory of another process; fewer bytes than asked for where it ends. */
long rc_process_read(int pid, uint64_t address, void *buffer, size_t size);
/* Writes to it; fewer bytes than asked for where it ends or may not be written to. */
long rc_process_write(int pid, uint64_t address, const void *buffer, size_t size);
/* The processors that a thread may run on, as a mask; its size in bytes. */
long rc_processors(int thread, void *mask, size_t size);
/* From here on this process can open no file by its path, and on Linux 6.7 and later bind and connect no TCP port
 * (landlock(7)). -EOPNOTSUPP or -ENOSYS where the kernel has no Landlock. */
long rc_landlock_nothing(void);

/* --- watching threads (ptrace(2)) --- */
static inline long rc_trace(int request, int thread, unsigned long argument) {
  return RC_RESULT(syscall(SYS_ptrace, request, thread, 0, argument));
}
/* The number that came with the event that a thread stopped at. */
static inline long rc_trace_message(int thread, unsigned long *message) {
  return RC_RESULT(syscall(SYS_ptrace, 0x4201 /* PTRACE_GETEVENTMSG */, thread, 0, message));
}
/* The call that a thread stopped at (PTRACE_GET_SYSCALL_INFO). 1 at its entry, 2 at its exit, 0 elsewhere. */
long rc_trace_call(int thread, struct rc_notification *call);
static inline int rc_stopped(int status) { return WIFSTOPPED(status); }
static inline long rc_join_session_keyring(const char *name) {
  return RC_RESULT(syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, name));
}
/* Loads (and attaches, with BPF_F_ALLOW_MULTI) a program: numbers of enum bpf_prog_type and enum bpf_attach_type. */
long rc_bpf_load(unsigned type, unsigned attach_type, const void *instructions, unsigned count);
long rc_bpf_attach(int cgroup, int program, unsigned attach_type);
long rc_bpf_make_map(unsigned key_size, unsigned value_size, unsigned limit);
long rc_bpf_map_set(int map, const void *key, const uint64_t *value);
long rc_bpf_map_remove(int map, const void *key);
/* The address family of a socket; -ENOTSOCK for what is none. */
static inline long rc_socket_family(int fd) {
  int family = 0;
  socklen_t size = sizeof family;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return -errno;
  return family;
}

/* --- sockets, terminals, time, signals --- */
static inline long rc_eventfd(void) { return RC_RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
static inline long rc_epoll(void) { return RC_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
static inline long rc_epoll_add(int all, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  return RC_RESULT(epoll_ctl(all, EPOLL_CTL_ADD, fd, &event));
}
static inline long rc_watch(const char *path) {
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) return -errno;
  if (inotify_add_watch(fd, path, IN_MODIFY) >= 0) return fd;
  long r = -errno;
  close(fd);
  return r;
}
static inline long rc_socket(int domain, int type) { return RC_RESULT(socket(domain, type | SOCK_CLOEXEC, 0)); }
static inline long rc_socketpair(int type, int fds[2]) {
  return RC_RESULT(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds));
}
long rc_bind_unix(int fd, const char *path, size_t length);
long rc_connect_unix(int fd, const char *path, size_t length);
static inline long rc_listen(int fd, int backlog) { return RC_RESULT(listen(fd, backlog)); }
static inline long rc_accept(int fd) { return RC_RESULT(accept4(fd, 0, 0, SOCK_CLOEXEC)); }
/* Sends `size` bytes and up to 8 descriptors as SCM_RIGHTS. */
long rc_send(int fd, const void *data, size_t size, const int *descriptors, int count);
/* Receives up to `size` bytes; the first descriptor received, or -1, into *descriptor. */
long rc_receive(int fd, void *data, size_t size, int *descriptor);
/* Receives up to `size` bytes and up to 8 descriptors; how many came into *count. */
long rc_receive_all(int fd, void *data, size_t size, int descriptors[8], int *count);
/* The user that the process at the other side of a unix socket had when it connected. */
static inline long rc_peer_user(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  long r = RC_RESULT(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size));
  return r < 0 ? r : (long)peer.uid;
}
static inline long rc_ioctl(int fd, unsigned long request, long value) {
  return RC_RESULT(ioctl(fd, request, value));
}
static inline long rc_set_window_size(int fd, unsigned short rows, unsigned short columns) {
  struct winsize w = {rows, columns, 0, 0};
  return RC_RESULT(ioctl(fd, TIOCSWINSZ, &w));
}
/* --- connections: addresses are sixteen bytes, IPv4 as IPv6 maps it; all sockets are close-on-exec and do not wait --- */
/* A listening socket for a port at every address. */
long rc_listen_everywhere(uint16_t port);
/* The next connection, and the address that it was made to. */
long rc_accept_connection(int fd, uint8_t *address);
/* Begins a connection. */
long rc_connect_start(const uint8_t *address, uint16_t port);
/* 0 when it stands. */
long rc_connect_result(int fd);
/* Closing it tells the other side that it was refused. */
long rc_refuse_connection(int fd);
static inline long rc_shutdown_write(int fd) { return RC_RESULT(shutdown(fd, SHUT_WR)); }
/* A datagram socket for a port at every address, and one that is connected. */
long rc_datagrams_everywhere(uint16_t port);
long rc_datagrams_at(const uint8_t *address, uint16_t port);
long rc_datagrams_to(const uint8_t *address, uint16_t port);
/* Who sent a datagram, and to which address. */
struct rc_datagram_peer { struct sockaddr_in6 sender; struct in6_pktinfo own; };
/* Sender's address (16) and port (2), and the own address (16). */
static inline void rc_datagram_key(const struct rc_datagram_peer *peer, uint8_t *key) {
  memcpy(key, &peer->sender.sin6_addr, 16);
  memcpy(key + 16, &peer->sender.sin6_port, 2);
  memcpy(key + 18, &peer->own.ipi6_addr, 16);
}
long rc_datagram_receive(int fd, void *buffer, size_t size, struct rc_datagram_peer *peer);
long rc_datagram_answer(int fd, const void *data, size_t size, const struct rc_datagram_peer *peer);
long rc_copy_window_size(int from, int to);
long rc_terminal_unlock(int master);
long rc_terminal_peer(int master);
/* Clears ONLCR as runc does, so that \n is not changed on its way out. */
long rc_terminal_no_onlcr(int fd);
/* Puts a terminal in raw mode and keeps what it was in a static place; restore puts it back. */
long rc_terminal_raw(int fd);
void rc_terminal_restore(int fd);
static inline int64_t rc_now_nanoseconds(int clock) {
  struct timespec t = {0, 0};
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
static inline long rc_sleep_nanoseconds(int64_t n) {
  struct timespec t = {n / 1000000000, n % 1000000000};
  return RC_RESULT(nanosleep(&t, 0));
}
/* Blocks every signal that can be blocked and returns a signalfd for them. */
long rc_signal_descriptor(void);
/* Reads one signal number from a signalfd, with its sender's pid. */
long rc_signal_read(int fd, int *sender);
/* Default dispositions, empty mask: what the container's process expects to start with. */
void rc_signals_reset(void);
void rc_signals_unblock(void);
static inline void rc_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
/* Broken-down UTC time from seconds since the epoch: year, month, day, hour, minute, second. */
void rc_utc(int64_t seconds, int out[6]);
static inline long rc_getrandom(void *p, size_t n) { return RC_RESULT(syscall(SYS_getrandom, p, n, 0)); }
static inline long rc_uname_release(char out[65], char machine[65]) {
  struct utsname u;
  long r = RC_RESULT(uname(&u));
  if (r == 0) { memcpy(out, u.release, 65); memcpy(machine, u.machine, 65); }
  return r;
}
/* Brings the loopback interface up in the network namespace of the caller. */
long rc_loopback_up(void);
long rc_page_size(void);
long rc_clock_ticks(void);
long rc_processor_count(void);
