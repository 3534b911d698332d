/* What namespaces, mounts, devices and cgroups keep apart. */
#include "payload.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* release-agent: a cgroup v1 hierarchy, whose agent the kernel would run as root of the host. It is opened, not written. */
static int release_agent(int count, char **words) {
  (void)count, (void)words;
  const char *controllers[] = {"memory", "pids", "cpu", "freezer", "rdma"};
  int error = 0;
  for (size_t index = 0; index < sizeof controllers / sizeof *controllers; index++) {
    if (mount("none", "/mnt", "cgroup", 0, controllers[index])) {
      error = errno;
      if (error == EPERM || error == EACCES) break;
      continue;
    }
    int file = open("/mnt/release_agent", O_WRONLY | O_CLOEXEC);
    error = errno;
    if (file >= 0) close(file);
    umount2("/mnt", MNT_DETACH);
    if (file >= 0) return worked("release_agent of %s can be written", controllers[index]);
    /* In a cgroup namespace of its own it is not there, but the hierarchy is. */
    return worked("the hierarchy of %s was mounted, without release_agent: %s", controllers[index], strerrorname_np(error));
  }
  return blocked("mount of a cgroup hierarchy: %s", strerrorname_np(error));
}

/* A cgroup made below one's own is a hierarchy that can be written. */
static int cgroup_write(int count, char **words) {
  (void)count, (void)words;
  DIR *folder = opendir("/sys/fs/cgroup");
  if (!folder) return blocked("/sys/fs/cgroup: %s", strerrorname_np(errno));
  int error = EROFS;
  char path[512];
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.' && entry->d_name[1] == '.') continue;
    /* Version 1 has a directory per controller, version 2 is one itself. */
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s/cgroup.procs", entry->d_name);
    if (access(path, F_OK)) continue;
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s/rca-probe", entry->d_name);
    if (mkdir(path, 0755) == 0) {
      rmdir(path);
      closedir(folder);
      return worked("a cgroup was made at %s", path);
    }
    if (errno != ENOTDIR) error = errno;
  }
  closedir(folder);
  return blocked("no cgroup can be made: %s", strerrorname_np(error));
}

/* A device node that was made here is opened for reading only, and not read. */
static int open_device(mode_t kind, dev_t device, const char *what) {
  if (mknod("/tmp/node", kind | 0600, device) && errno != EEXIST) return by_result(-1, "mknod");
  int file = open("/tmp/node", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  int error = errno;
  unlink("/tmp/node");
  errno = error;
  return by_result(file, what);
}

/* disk: the first that /sys tells of and that opens. */
static int disk(int count, char **words) {
  (void)count, (void)words;
  DIR *folder = opendir("/sys/block");
  if (!folder) return inconclusive("/sys/block: %s", strerrorname_np(errno));
  int error = ENOENT;
  for (struct dirent *entry; (entry = readdir(folder));) {
    char path[512];
    snprintf(path, sizeof path, "/sys/block/%s/dev", entry->d_name);
    unsigned major, minor;
    char *text = entry->d_name[0] == '.' ? NULL : read_file(path);
    if (!text || sscanf(text, "%u:%u", &major, &minor) != 2) continue;
    if (mknod("/tmp/disk", S_IFBLK | 0600, makedev(major, minor))) return by_result(-1, "mknod");
    int file = open("/tmp/disk", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno != ENXIO && errno != ENOMEDIUM) error = errno;
    unlink("/tmp/disk");
    if (file >= 0) return worked("the disk %s of the host can be read", entry->d_name);
  }
  closedir(folder);
  return blocked("no disk of the host can be opened: %s", strerrorname_np(error));
}

/* device MAJOR MINOR: a character device */
static int device(int count, char **words) {
  if (count < 3) return inconclusive("device needs two numbers");
  return open_device(S_IFCHR, makedev((unsigned)atoi(words[1]), (unsigned)atoi(words[2])), "the device");
}

/* of-process PID FILE: reads a file of a process of the host, whose pid only the host can know. */
static int of_process(int count, char **words) {
  if (count < 3) return inconclusive("of-process needs a pid and a file");
  char path[512];
  snprintf(path, sizeof path, "/proc/%s/%s", words[1], words[2]);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return blocked("%s: %s", path, strerrorname_np(errno));
  char text[4096];
  ssize_t size = read(file, text, sizeof text);
  for (ssize_t index = 0; index < size; index++) putchar(text[index] ? text[index] : '\n');
  printf("\n");
  return size > 0 ? worked("%s was read", path) : blocked("%s is empty", path);
}

/* join PID PATH: enters the mount namespace of a process of the host, and reads a file there. */
static int join(int count, char **words) {
  if (count < 3) return inconclusive("join needs a pid and a path");
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/mnt", words[1]);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return by_result(-1, path);
  if (setns(file, CLONE_NEWNS)) return by_result(-1, "setns");
  char *text = read_file(words[2]);
  if (text) printf("%s\n", text);
  return worked("a mount namespace of the host was entered");
}

/* visible PID: a process of the host. */
static int visible(int count, char **words) {
  (void)count;
  pid_t found = find_process("beat", words[1]);
  return found ? worked("process %d of the host is seen", (int)found) : blocked("no process of the host is seen");
}

/* fresh-proc: a procfs of one's own has nothing masked. */
static int fresh(const char *type, const char *file) {
  if (mount("none", "/mnt", type, 0, NULL)) return by_result(-1, type);
  char path[128];
  snprintf(path, sizeof path, "/mnt/%s", file);
  int opened = open(path, O_WRONLY | O_CLOEXEC);
  int error = errno;
  if (opened >= 0) close(opened);
  umount2("/mnt", MNT_DETACH);
  if (opened >= 0) return worked("%s can be written in a mount of one's own", file);
  return worked("%s was mounted anew, %s: %s", type, file, strerrorname_np(error));
}
static int fresh_proc(int count, char **words) {
  (void)count, (void)words;
  return fresh("proc", "sys/kernel/core_pattern");
}
static int fresh_sys(int count, char **words) {
  (void)count, (void)words;
  return fresh("sysfs", "kernel/mm/transparent_hugepage/enabled");
}

/* unmask: takes away what covers a file, or makes it writable. */
static int unmask(int count, char **words) {
  (void)count, (void)words;
  if (umount2("/proc/timer_list", MNT_DETACH) == 0) return worked("a masked file was uncovered");
  int error = errno;
  if (mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL) == 0) return worked("a read-only mount was made writable");
  return blocked("umount: %s, mount: %s", strerrorname_np(error), strerrorname_np(errno));
}

static int pivot(int count, char **words) {
  (void)count, (void)words;
  if (mount("none", "/mnt", "tmpfs", 0, NULL)) return by_result(-1, "mount");
  mkdir("/mnt/old", 0700);
  if (chdir("/mnt")) return inconclusive("chdir: %s", strerrorname_np(errno));
  return by_result(syscall(SYS_pivot_root, ".", "old"), "pivot_root");
}

/* sysctl-all: what of /proc/sys can be opened for writing, beyond the container's own network, ipc and uts. */
static int sysctl_files(int count, char **words) {
  (void)count, (void)words;
  const char *paths[] = {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/panic_on_oom",
                         "/proc/sys/fs/suid_dumpable", "/proc/sys/kernel/randomize_va_space"};
  int error = ENOENT;
  for (size_t index = 0; index < sizeof paths / sizeof *paths; index++) {
    int file = open(paths[index], O_WRONLY | O_CLOEXEC);
    if (file >= 0) return worked("%s can be written", paths[index]);
    if (errno != ENOENT) error = errno;
  }
  return blocked("/proc/sys: %s", strerrorname_np(error));
}

/* chroot-out SECRET: leaves a root that was changed by chroot(2) with a directory that was opened before. */
static int chroot_out(int count, char **words) {
  if (count < 2) return inconclusive("chroot-out needs a path");
  int above = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  mkdir("/tmp/jail", 0700);
  if (chroot("/tmp/jail")) return by_result(-1, "chroot");
  if (fchdir(above)) return inconclusive("fchdir: %s", strerrorname_np(errno));
  for (int up = 0; up < 32; up++)
    if (chdir("..")) break;
  if (chroot(".")) return by_result(-1, "chroot");
  char *text = read_file(words[1]);
  if (text) printf("%s\n", text);
  return access("/probe", F_OK) == 0 ? worked("a directory of one's own was left; the container was not") : worked("the root was left");
}

const struct probe namespaces_probes[] = {
    {"release-agent", release_agent}, {"cgroup-write", cgroup_write}, {"disk", disk}, {"device", device},
    {"of-process", of_process}, {"join", join}, {"visible", visible}, {"fresh-proc", fresh_proc}, {"fresh-sys", fresh_sys},
    {"unmask", unmask}, {"pivot", pivot}, {"sysctl-files", sysctl_files}, {"chroot-out", chroot_out}, {NULL, NULL}};
