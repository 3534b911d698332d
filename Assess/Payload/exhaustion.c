/* Whether limits hold, and who can take what all share. Every one stops by itself well before a host would suffer. */
#include "payload.h"

#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* forks N: so many processes at once. */
static int forks(int count, char **words) {
  int wanted = count > 1 ? atoi(words[1]) : 200, made = 0, error = 0;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int hold[2];
  if (pipe(hold)) return inconclusive("pipe: %s", strerrorname_np(errno));
  while (made < wanted) {
    pid_t child = fork();
    if (child == 0) {
      char byte;
      close(hold[1]);
      _exit((int)read(hold[0], &byte, 1)); /* ends when its parent does */
    }
    if (child < 0) {
      error = errno;
      break;
    }
    made++;
  }
  close(hold[1]);
  for (int index = 0; index < made; index++) wait(NULL);
  if (made == wanted) return worked("%d processes at once", made);
  return blocked("after %d processes: %s", made, strerrorname_np(error));
}

/* The process that the kernel ends first. */
static pid_t victim(void) {
  pid_t child = fork();
  if (child == 0) write_file("/proc/self/oom_score_adj", "1000", 0);
  return child;
}

/* memory MIB: touched page by page, in a child that the kernel may kill. */
static int memory(int count, char **words) {
  size_t wanted = (size_t)(count > 1 ? atoi(words[1]) : 128) << 20;
  pid_t child = victim();
  if (child == 0) {
    char *place = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) _exit(2);
    for (size_t index = 0; index < wanted; index += 4096) place[index] = 1;
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return blocked("signal %d ended who took the memory", WTERMSIG(status));
  return WEXITSTATUS(status) ? blocked("mmap was refused") : worked("%zu MiB were taken", wanted >> 20);
}

/* fill PATH MIB: a file on a file system in memory. */
static int fill(int count, char **words) {
  if (count < 3) return inconclusive("fill needs a path and a size");
  static char block[1 << 20];
  int file = open(words[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0600), wanted = atoi(words[2]), wrote = 0;
  if (file < 0) return by_result(-1, words[1]);
  while (wrote < wanted && write(file, block, sizeof block) == (ssize_t)sizeof block) wrote++;
  int error = errno;
  unlink(words[1]);
  return wrote == wanted ? worked("%d MiB in %s", wrote, words[1]) : blocked("after %d MiB: %s", wrote, strerrorname_np(error));
}

/* processor: under a quota a busy process stands still for most of each period of a tenth of a second; beside others it only waits for
 * its turn, which is much shorter. */
static int processor(int count, char **words) {
  (void)count, (void)words;
  int stops = 0;
  double begin = now(), last = begin;
  while (last < begin + 0.8) {
    double time = now();
    if (time - last > 0.05) stops++;
    last = time;
  }
  return stops < 3 ? worked("it ran on without a stop") : blocked("it was stopped %d times", stops);
}

static int real_time(int count, char **words) {
  (void)count, (void)words;
  struct sched_param parameter = {.sched_priority = 1};
  return by_result(sched_setscheduler(0, SCHED_FIFO, &parameter), "SCHED_FIFO");
}

static int nice_below(int count, char **words) {
  (void)count, (void)words;
  return by_result(setpriority(PRIO_PROCESS, 0, -5), "a priority above others'");
}

static int disk_priority(int count, char **words) {
  (void)count, (void)words;
  return by_result(syscall(SYS_ioprio_set, 1, 0, 1 << 13 /* real time */), "real-time class of disk access");
}

/* lock MIB: memory that can't be swapped. */
static int lock_memory(int count, char **words) {
  size_t wanted = (size_t)(count > 1 ? atoi(words[1]) : 16) << 20;
  void *place = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return by_result(mlock(place, wanted), "mlock of more than the limit");
}

static int watches(int count, char **words) {
  int wanted = count > 1 ? atoi(words[1]) : 64, made = 0;
  while (made < wanted && inotify_init1(IN_CLOEXEC) >= 0) made++;
  return made == wanted ? worked("%d instances of inotify", made) : blocked("after %d: %s", made, strerrorname_np(errno));
}

/* pipes MIB: memory of the kernel that no limit of memory counts in some versions. */
static int pipes(int count, char **words) {
  static char block[1 << 20];
  int wanted = count > 1 ? atoi(words[1]) : 8, ends[2];
  pid_t child = victim();
  if (child == 0) {
    for (int index = 0; index < wanted; index++) {
      if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) || fcntl(ends[1], F_SETPIPE_SZ, sizeof block) < 0) _exit(2);
      if (write(ends[1], block, sizeof block) != sizeof block) _exit(2);
    }
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return blocked("signal %d ended who filled the pipes", WTERMSIG(status));
  return WEXITSTATUS(status) ? blocked("pipes of 1 MiB were refused") : worked("%d MiB in pipes", wanted);
}

const struct probe exhaustion_probes[] = {
    {"forks", forks}, {"memory", memory}, {"fill", fill}, {"processor", processor},
    {"real-time", real_time}, {"nice", nice_below}, {"disk-priority", disk_priority}, {"lock", lock_memory},
    {"watches", watches}, {"pipes", pipes}, {NULL, NULL}};
