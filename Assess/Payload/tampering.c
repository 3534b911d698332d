/* Whether an intruder can bring programs along, or change those that are there. */
#include "payload.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static int copy(int from, int to) {
  char block[65536];
  for (ssize_t size; (size = read(from, block, sizeof block)) != 0;)
    if (size < 0 || write(to, block, (size_t)size) != size) return -1;
  return 0;
}

/* Runs a copy of the payload with the word `yes`: 0 if it ran, else errno. */
static int runs(int file, const char *path) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC)) return errno;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char *words[] = {"copy", "yes", NULL}, *none[] = {NULL};
    if (path) execve(path, words, none);
    else syscall(SYS_execveat, file, "", words, none, AT_EMPTY_PATH);
    int error = errno;
    _exit(write(failure[1], &error, sizeof error) == sizeof error ? 1 : 2);
  }
  close(failure[1]);
  int error = 0, status = 0;
  if (read(failure[0], &error, sizeof error) != sizeof error) error = 0;
  close(failure[0]);
  waitpid(child, &status, 0);
  if (error) return error;
  return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : EACCES;
}

static int yes(int count, char **words) {
  (void)count, (void)words;
  return 42;
}

static int told(int error, const char *what) {
  errno = error;
  return by_result(error ? -1 : 0, what);
}

/* write-exec FOLDER */
static int write_exec(int count, char **words) {
  char path[256];
  snprintf(path, sizeof path, "%s/copy", count > 1 ? words[1] : "/tmp");
  int from = open("/probe", O_RDONLY | O_CLOEXEC), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (from < 0 || to < 0) return by_result(-1, path);
  if (copy(from, to)) return by_result(-1, "write");
  close(to);
  return told(runs(-1, path), "a program that was written inside");
}

static int memory_exec(int count, char **words) {
  (void)count, (void)words;
  int from = open("/probe", O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);
  if (to < 0) return by_result(-1, "memfd_create");
  if (from < 0 || copy(from, to)) return inconclusive("copy: %s", strerrorname_np(errno));
  return told(runs(to, NULL), "a program in memory");
}

/* setuid: a user without rights becomes root by a program of root's. Says `root` when it runs again. */
static int set_user(int count, char **words) {
  (void)words;
  if (count > 1) return geteuid() == 0 ? 43 : 42;
  int from = open("/probe", O_RDONLY | O_CLOEXEC), to = open("/tmp/root", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (to < 0) return by_result(-1, "/tmp/root");
  if (from < 0 || copy(from, to)) return inconclusive("copy: %s", strerrorname_np(errno));
  if (fchmod(to, 04755)) return by_result(-1, "chmod");
  close(to);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) || setuid(65534)) _exit(44);
    execl("/tmp/root", "root", "setuid", "again", NULL);
    _exit(45);
  }
  int status;
  waitpid(child, &status, 0);
  unlink("/tmp/root");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 43) return worked("a user without rights became root");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 44) return blocked("the user can't be changed");
  return blocked("it stayed without rights");
}

/* file-capability: rights that a file gives. */
static int file_capability(int count, char **words) {
  (void)count, (void)words;
  uint32_t version_2[5] = {0x02000001, 1 << 0 /* CAP_CHOWN */, 0, 0, 0};
  int file = open("/tmp/capable", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  if (file < 0) return by_result(-1, "/tmp/capable");
  int result = fsetxattr(file, "security.capability", version_2, sizeof version_2, 0), error = errno;
  unlink("/tmp/capable");
  errno = error;
  return by_result(result, "a file that gives capabilities");
}

/* preload: a file that was written inside, named as a library for all programs, is mapped as ld.so(8) would. */
static int preload(int count, char **words) {
  (void)count, (void)words;
  if (write_file("/etc/ld.so.preload", "/tmp/library\n", O_CREAT)) return by_result(-1, "/etc/ld.so.preload");
  int from = open("/probe", O_RDONLY | O_CLOEXEC), to = open("/tmp/library", O_RDWR | O_CREAT | O_CLOEXEC, 0755);
  if (to < 0) return by_result(-1, "/tmp/library");
  if (from < 0 || copy(from, to)) return inconclusive("copy: %s", strerrorname_np(errno));
  void *place = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, to, 0);
  return by_result(place == MAP_FAILED ? -1 : 0, "a library that was written inside is mapped executable");
}

/* replace: puts another program in the place of the image's, and runs that. */
static int replace(int count, char **words) {
  (void)count, (void)words;
  if (rename("/probe", "/probe.old")) return by_result(-1, "rename");
  int from = open("/probe.old", O_RDONLY | O_CLOEXEC), to = open("/probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  if (from < 0 || to < 0 || copy(from, to)) return by_result(-1, "copy");
  close(to);
  return told(runs(-1, "/probe"), "another program in the place of the image's");
}

static int write_execute(int count, char **words) {
  (void)count, (void)words;
  void *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return by_result(place == MAP_FAILED ? -1 : 0, "memory that is writable and executable");
}

static int execute_later(int count, char **words) {
  (void)count, (void)words;
  char *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  place[0] = 1;
  return by_result(mprotect(place, 4096, PROT_READ | PROT_EXEC), "written memory that is made executable");
}

const struct probe tampering_probes[] = {
    {"yes", yes}, {"write-exec", write_exec}, {"memory-exec", memory_exec}, {"setuid", set_user}, {"file-capability", file_capability},
    {"preload", preload}, {"replace", replace}, {"write-execute", write_execute}, {"execute-later", execute_later}, {NULL, NULL}};
