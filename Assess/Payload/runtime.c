/* What runtimes got wrong while they set a container up, or entered one. */
#include "payload.h"

#include <dirent.h>
#include <linux/magic.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* Prints a file of the host that lies below a directory: eight levels up reach every root. */
static bool reaches(int folder, const char *path) {
  char relative[512];
  snprintf(relative, sizeof relative, "../../../../../../../..%s", path);
  int file = openat(folder, relative, O_RDONLY | O_CLOEXEC);
  char text[256];
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (size > 0) printf("%.*s\n", (int)size, text);
  return size > 0;
}

/* descriptors SECRET: what came from the runtime, besides the standard streams. */
static int descriptors(int count, char **words) {
  if (count < 2) return inconclusive("descriptors needs a path");
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return inconclusive("/proc/self/fd: %s", strerrorname_np(errno));
  int found = -1;
  char target[256] = "";
  for (struct dirent *entry; (entry = readdir(folder));) {
    int number = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || number <= 2 || number == dirfd(folder)) continue;
    found = number;
    ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
    target[size > 0 ? size : 0] = 0;
    if (reaches(number, words[1])) break;
  }
  closedir(folder);
  if (found < 0) return blocked("no descriptor besides the standard streams");
  return worked("descriptor %d is %s", found, target);
}

/* directory SECRET: the working directory lies outside. */
static int directory(int count, char **words) {
  if (count < 2) return inconclusive("directory needs a path");
  char path[4096];
  bool outside = syscall(SYS_getcwd, path, sizeof path) > 0 && path[0] != '/';
  if (reaches(AT_FDCWD, words[1]) || outside) return worked("the working directory is outside of the container");
  return blocked("the working directory is inside");
}

/* masks: whether /proc is the kernel's own, and is covered where the configuration says so. */
static int masks(int count, char **words) {
  (void)count, (void)words;
  struct statfs system;
  struct stat status;
  if (statfs("/proc", &system)) return blocked("/proc: %s", strerrorname_np(errno));
  if (system.f_type != PROC_SUPER_MAGIC) return worked("/proc is not procfs");
  if (stat("/proc/timer_list", &status) == 0 && S_ISREG(status.st_mode)) {
    char *text = read_file("/proc/timer_list");
    if (text && *text) return worked("/proc/timer_list is not masked");
  }
  int file = open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC);
  if (file >= 0) return worked("/proc/sys is writable");
  return blocked("/proc is the kernel's, and covered");
}

/* What waits for the runtime's process waits so many seconds at most: a host may be busy. */
static const double patience = 4;

/* Whether a process runs another program than ours. One of ours, other than this one, is what the runtime's process became: soon
 * after that nothing more is to be expected, and *end is brought forward. */
static bool is_foreign(pid_t process, const struct stat *own, double *end, double rest) {
  char path[64];
  struct stat status;
  snprintf(path, sizeof path, "/proc/%d/exe", (int)process);
  if (stat(path, &status)) return false;
  if (status.st_ino != own->st_ino || status.st_dev != own->st_dev) return true;
  if (process != getpid() && process != getppid() && *end > now() + rest) *end = now() + rest;
  return false;
}

/* overwrite: writes to whatever program of the runtime shows up in /proc meanwhile. Runs while somebody execs into the container. */
static int overwrite(int count, char **words) {
  int held[64], size = 0;
  struct stat own, wanted = {0};
  if (count > 1) stat(words[1], &wanted);
  stat("/proc/self/exe", &own);
  printf("READY %d\n", (int)getpid());
  fflush(stdout);
  int refused = 0;
  bool wrote = false;
  for (double end = now() + patience; now() < end && !wrote;) {
    DIR *folder = opendir("/proc");
    if (!folder) break;
    for (struct dirent *entry; (entry = readdir(folder));) {
      pid_t process = (pid_t)atoi(entry->d_name);
      if (process <= 1 || size == 64 || !is_foreign(process, &own, &end, 1)) continue;
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/exe", (int)process);
      int file = open(path, O_RDONLY | O_CLOEXEC);
      struct stat status;
      if (file < 0) continue;
      char name[512];
      ssize_t length = readlink(path, name, sizeof name - 1);
      name[length > 0 ? length : 0] = 0;
      /* On a host's own /proc there is more; only the copy below the canary is ours to try. */
      bool ours = getppid() == 1 || strstr(name, "/canary-");
      bool known = fstat(file, &status) != 0 || !ours;
      for (int index = 0; index < size && !known; index++) {
        struct stat other;
        known = fstat(held[index], &other) == 0 && other.st_ino == status.st_ino && other.st_dev == status.st_dev;
      }
      if (known) close(file);
      else held[size++] = file;
    }
    closedir(folder);
    for (int index = 0; index < size; index++) {
      char path[64];
      snprintf(path, sizeof path, "/proc/self/fd/%d", held[index]);
      int file = open(path, O_WRONLY | O_CLOEXEC);
      if (file >= 0 && lseek(file, 0, SEEK_END) >= 0 && write(file, "\n", 1) == 1) wrote = true;
      if (file < 0) refused = errno;
      else close(file);
    }
  }
  if (wrote) return worked("the program of the runtime was written to");
  if (size) return blocked("the program of the runtime was seen, and not written: %s", strerrorname_np(refused ? refused : EPERM));
  return blocked("no program of the runtime was seen");
}

/* intrude: opens descriptors of the runtime's process, or traces it, before it has become the program that is executed. */
static int intrude(int count, char **words) {
  (void)count, (void)words;
  printf("READY %d\n", (int)getpid());
  fflush(stdout);
  pid_t last = getpid();
  struct stat own;
  stat("/proc/self/exe", &own);
  for (double end = now() + patience; now() < end;) {
    for (pid_t process = last + 1; process < last + 24; process++) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%d", (int)process);
      if (access(path, F_OK) || !is_foreign(process, &own, &end, 0.3)) continue;
      if (ptrace(PTRACE_SEIZE, process, 0, 0) == 0) return worked("a process of the runtime was traced");
      snprintf(path, sizeof path, "/proc/%d/fd", (int)process);
      DIR *folder = opendir(path);
      if (!folder) continue;
      closedir(folder);
      return worked("the descriptors of a process of the runtime were seen");
    }
  }
  return blocked("no process of the runtime let itself be traced");
}

/* user: whether it runs as root though somebody else was asked for. */
static int user(int count, char **words) {
  (void)count, (void)words;
  if (getuid() == 0 || geteuid() == 0) return worked("it runs as root");
  return blocked("it runs as user %d", (int)getuid());
}

/* inheritable: capabilities that a program gets by its file's. */
static int inheritable(int count, char **words) {
  (void)count, (void)words;
  char *text = read_file("/proc/self/status"), *line = text ? strstr(text, "CapInh:") : NULL;
  if (!line) return inconclusive("no status");
  unsigned long long set = strtoull(line + 7, NULL, 16);
  return set ? worked("inheritable capabilities %llx", set) : blocked("no inheritable capabilities");
}

/* swap A B: exchanges two paths as fast as it can, on the host. */
static int swap(int count, char **words) {
  if (count < 3) return inconclusive("swap needs two paths");
  printf("READY %d\n", (int)getpid());
  double next = 0;
  for (long beats = 0;;) {
    for (int turn = 0; turn < 100; turn++) {
      /* Nothing is there before the container is made, and after it was removed. */
      if (renameat2(AT_FDCWD, words[1], AT_FDCWD, words[2], RENAME_EXCHANGE)) usleep(1000);
    }
    if (now() < next) continue;
    next = now() + 0.05;
    printf("BEAT %ld\n", beats++);
    fflush(stdout);
  }
}

/* terminal COMMAND...: runs a command of the host on a terminal, and says what it says. */
static int terminal(int count, char **words) {
  if (count < 2) return inconclusive("terminal needs a command");
  int master, status = 1;
  pid_t child = forkpty(&master, NULL, NULL, NULL);
  if (child < 0) return inconclusive("forkpty: %s", strerrorname_np(errno));
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(words[1], words + 1);
    _exit(127);
  }
  char text[4096];
  for (ssize_t size; (size = read(master, text, sizeof text)) > 0;) {
    for (ssize_t index = 0; index < size; index++)
      if (text[index] != '\r') putchar(text[index]);
  }
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

const struct probe runtime_probes[] = {
    {"terminal", terminal},
    {"descriptors", descriptors}, {"directory", directory}, {"masks", masks},           {"overwrite", overwrite},
    {"intrude", intrude},         {"user", user},           {"inheritable", inheritable}, {"swap", swap},
    {NULL, NULL}};
