/* The program that runs inside containers: `probe NAME [WORD]…`; `as-root` before the name is for the host, where an ordinary user
 * is asked what the kernel has. Static, and without a shell. */
#include "payload.h"
#include "load.h"

#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static int tell(const char *word, const char *detail, va_list list) {
  char text[512];
  vsnprintf(text, sizeof text, detail, list);
  printf("PROBE %s %s\n", word, text);
  fflush(stdout);
  /* Where an attack takes the standard streams away, the probe's setup has put a file to write into. */
  int said = open("/said", O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_APPEND);
  if (said >= 0) dprintf(said, "PROBE %s %s\n", word, text);
  return 0;
}

#define TELLS(name)                      \
  int name(const char *detail, ...) {    \
    va_list list;                        \
    va_start(list, detail);              \
    int result = tell(#name, detail, list); \
    va_end(list);                        \
    return result;                       \
  }
TELLS(worked)
TELLS(blocked)
TELLS(absent)
TELLS(inconclusive)
TELLS(escaped)

int by_result(long result, const char *what) {
  if (result >= 0) return worked("%s", what);
  return blocked("%s: %s", what, strerrorname_np(errno));
}

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int beat(const char *(*look)(void)) {
  printf("READY %d\n", (int)getpid());
  for (long count = 0;; count++) {
    const char *hurt = look ? look() : NULL;
    if (hurt) {
      printf("\nHURT %s\n", hurt);
      look = NULL;
    }
    printf("BEAT %ld\n", count);
    fflush(stdout);
    usleep(50000);
  }
}

char *read_file(const char *path) {
  static char buffer[65536];
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return NULL;
  size_t size = 0;
  for (;;) {
    ssize_t got = read(file, buffer + size, sizeof buffer - 1 - size);
    if (got < 0 && size == 0) {
      int error = errno;
      close(file);
      errno = error;
      return NULL;
    }
    if (got <= 0) break;
    size += (size_t)got;
  }
  close(file);
  buffer[size] = 0;
  return buffer;
}

int write_file(const char *path, const char *text, int flags) {
  int file = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
  if (file < 0) return -1;
  ssize_t wrote = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return wrote == (ssize_t)strlen(text) ? 0 : -1;
}

/* What an ordinary user has in a container of one's own: root of new namespaces. */
static int as_root(void) {
  char map[64];
  unsigned user = getuid(), group = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)) return -1;
  snprintf(map, sizeof map, "0 %u 1", user);
  if (write_file("/proc/self/uid_map", map, 0) || write_file("/proc/self/setgroups", "deny", 0)) return -1;
  snprintf(map, sizeof map, "0 %u 1", group);
  return write_file("/proc/self/gid_map", map, 0);
}

int main(int count, char **words) {
  const struct probe *tables[] = {
      common_probes, runtime_probes,    kernel_probes,    namespaces_probes, leaks_probes,   neighbours_probes, exhaustion_probes,
      egress_probes, credentials_probes, tampering_probes, surface_probes,    bench_probes, NULL};
  if (count < 2) {
    fprintf(stderr, "probe: NAME [WORD]...\n");
    return 2;
  }
  /* These are measured, and are one process. */
  if (!strcmp(words[1], "true")) return 0;
  while (!strcmp(words[1], "idle")) pause();
  if (!strcmp(words[1], "exercise")) return exercise();
  if (!strcmp(words[1], "as-root") && count > 2) {
    if (as_root()) return inconclusive("no user namespace can be made: %s", strerrorname_np(errno));
    words++;
    count--;
  }
  for (int table = 0; tables[table]; table++)
    for (const struct probe *probe = tables[table]; probe->name; probe++) {
      if (strcmp(probe->name, words[1])) continue;
      /* In a process of its own, since a filter may end it. */
      fflush(stdout);
      pid_t child = fork();
      if (child < 0) return inconclusive("fork: %s", strerrorname_np(errno));
      if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int status = probe->run(count - 1, words + 1);
        fflush(stdout);
        _exit(status);
      }
      int status;
      while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return inconclusive("waitpid: %s", strerrorname_np(errno));
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return blocked("it was ended by the filter");
      if (WIFSIGNALED(status)) return inconclusive("signal %d ended it", WTERMSIG(status));
      return WEXITSTATUS(status);
    }
  fprintf(stderr, "probe: \"%s\" is not known\n", words[1]);
  return 2;
}
