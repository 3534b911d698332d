/* bench MILLISECONDS MIB [NAME]...: what calls, a file of so many MiB and the loopback cost here, each in a process of its own; only these if
 * there are names:
 *
 *   BENCH NAME VALUE...      of calls: picoseconds of one, a value per batch; of others: a rate
 *   BENCH-FAILED NAME WHY
 *
 * stopwatch CPU COUNT [--drop PATH]... -- COMMAND...: for the host; runs so many at once, `{}` in its words being their number:
 *
 *   STOPWATCH NANOSECONDS KIB    until all have ended, and the largest resident set of one
 *   STOPWATCH-FAILED STATUS */
#include "payload.h"
#include "load.h"

#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static long nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

int processor(int index) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return -1;
  int found = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set) && (found = cpu, index-- == 0)) break;
  return found;
}

void stay_on(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  (void)!sched_setaffinity(0, sizeof set, &set); /* where it is refused, the scheduler chooses */
}

static long milliseconds;
static const char *running;
static char own_path[256] = "/probe";

static _Noreturn void failed(const char *what) {
  int error = errno;
  printf("BENCH-FAILED %s %s: %s\n", running, what, strerrorname_np(error));
  fflush(stdout);
  _exit(0);
}

/* --- Calls */

static int pair[2][2] = {{-1, -1}, {-1, -1}};
static char block[4096];
static int zero_file = -1;
static uint32_t *word;

/* The partner of a ping-pong: a child that gives back what it gets, and ends with the bench. */
static void partner(void (*answer)(void)) {
  pid_t parent = getpid(), child = fork();
  if (child < 0) failed("fork");
  if (child > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  for (;;) answer();
}

static void null_call(void) { syscall(SYS_getppid); }

static void open_close(void) {
  int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  if (file < 0) failed("open");
  close(file);
}

static void prepare_read_write(void) {
  zero_file = open("/tmp/bench-block", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (zero_file < 0) failed("open");
  unlink("/tmp/bench-block");
}
static void read_write(void) {
  if (pwrite(zero_file, block, sizeof block, 0) != sizeof block || pread(zero_file, block, sizeof block, 0) != sizeof block) failed("pwrite");
}

static void answer_pair(void) {
  char byte;
  if (read(pair[0][0], &byte, 1) != 1 || write(pair[1][1], &byte, 1) != 1) _exit(0);
}
static void ping_pair(void) {
  char byte = 1;
  if (write(pair[0][1], &byte, 1) != 1 || read(pair[1][0], &byte, 1) != 1) failed("write");
}
static void prepare_pipe(void) {
  if (pipe(pair[0]) || pipe(pair[1])) failed("pipe");
  partner(answer_pair);
}
static void prepare_unix(void) {
  int one[2], other[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, one) || socketpair(AF_UNIX, SOCK_STREAM, 0, other)) failed("socketpair");
  memcpy(pair[0], one, sizeof one);
  memcpy(pair[1], other, sizeof other);
  partner(answer_pair);
}

static void turn(uint32_t from, uint32_t to) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != from)
    if (syscall(SYS_futex, word, FUTEX_WAIT, to, NULL, NULL, 0) && errno != EAGAIN && errno != EINTR) failed("futex");
  __atomic_store_n(word, to, __ATOMIC_RELEASE);
  if (syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0) failed("futex");
}
static void answer_futex(void) { turn(1, 0); }
static void ping_futex(void) {
  turn(0, 1);
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != 0) syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL, NULL, 0);
}
static void prepare_futex(void) {
  word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (word == MAP_FAILED) failed("mmap");
  partner(answer_futex);
}

static void fork_exec(void) {
  pid_t child = fork();
  if (child < 0) failed("fork");
  if (child == 0) {
    execl(own_path, own_path, "true", (char *)NULL);
    _exit(127);
  }
  int status;
  if (waitpid(child, &status, 0) != child) failed("waitpid");
  if (status != 0) {
    errno = ENOEXEC;
    failed("execve");
  }
}

static void map_touch(void) {
  const size_t size = 256 * 1024;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) failed("mmap");
  for (size_t at = 0; at < size; at += 4096) ((volatile char *)memory)[at] = 1;
  munmap(memory, size);
}

/* Batches long enough for the clock, and at most 400 of them. */
static void measure_calls(void (*call)(void)) {
  stay_on(processor(0));
  long budget = milliseconds * 1000000, begin = nanoseconds(), calls = 0;
  while (nanoseconds() - begin < budget / 4) {
    call();
    calls++;
  }
  long one = (nanoseconds() - begin) / calls, wanted = budget / 400;
  if (wanted < 2000) wanted = 2000;
  long batch = one > 0 ? wanted / one + 1 : wanted;
  static long values[400];
  int count = 0;
  for (begin = nanoseconds(); count < 400 && nanoseconds() - begin < budget; count++) {
    long start = nanoseconds();
    for (long index = 0; index < batch; index++) call();
    values[count] = (nanoseconds() - start) * 1000 / batch;
  }
  printf("BENCH %s", running);
  for (int index = 0; index < count; index++) printf(" %ld", values[index]);
  printf("\n");
}

/* --- Files: in /tmp, which is a volume where the bundle is ours */

static long mebibytes;

static double megabytes(long bytes, long time) { return (double)bytes * 1e3 / (double)time; }

static void file_throughput(void) {
  stay_on(processor(0));
  const size_t size = 1 << 20;
  char *buffer = malloc(size);
  memset(buffer, 7, size);
  int file = open("/tmp/bench-file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) failed("open");
  unlink("/tmp/bench-file");
  /* The first pass allocates, and is not counted. */
  for (int pass = 0; pass < 2; pass++) {
    lseek(file, 0, SEEK_SET);
    long begin = nanoseconds();
    for (int index = 0; index < mebibytes; index++)
      if (write(file, buffer, size) != (ssize_t)size) failed("write");
    if (pass) printf("BENCH file-write %.3f\n", megabytes((long)size * mebibytes, nanoseconds() - begin));
  }
  for (int pass = 0; pass < 2; pass++) {
    lseek(file, 0, SEEK_SET);
    long begin = nanoseconds();
    for (int index = 0; index < mebibytes; index++)
      if (read(file, buffer, size) != (ssize_t)size) failed("read");
    if (pass) printf("BENCH file-read %.3f\n", megabytes((long)size * mebibytes, nanoseconds() - begin));
  }
}

static void file_metadata(void) {
  stay_on(processor(0));
  if (mkdir("/tmp/bench-many", 0700)) failed("mkdir");
  long files = 0, begin = 0;
  /* A round warms up. */
  for (int round = -1; round <= 0 || nanoseconds() - begin < milliseconds * 1000000; round++) {
    if (round == 0) begin = nanoseconds();
    char path[64];
    struct stat status;
    for (int index = 0; index < 100; index++) {
      snprintf(path, sizeof path, "/tmp/bench-many/%d", index);
      int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (file < 0) failed("open");
      close(file);
    }
    for (int index = 0; index < 100; index++) {
      snprintf(path, sizeof path, "/tmp/bench-many/%d", index);
      if (stat(path, &status) || unlink(path)) failed("unlink");
    }
    if (round >= 0) files += 100;
  }
  printf("BENCH file-metadata %.1f\n", (double)files * 1e9 / (double)(nanoseconds() - begin));
  rmdir("/tmp/bench-many");
}

/* --- The loopback: the server on one processor, the client on another */

static void network(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (listener < 0) failed("socket");
  if (bind(listener, (void *)&address, size) || listen(listener, 1) || getsockname(listener, (void *)&address, &size)) failed("listen");
  const size_t chunk = 128 * 1024;
  char *buffer = calloc(1, chunk);
  pid_t parent = getpid(), child = fork();
  if (child < 0) failed("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    stay_on(processor(0));
    int client = accept(listener, NULL, NULL);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (;;) {
      ssize_t got = read(client, buffer, chunk);
      if (got <= 0) _exit(0);
      /* One byte is a question. */
      if (got == 1 && write(client, buffer, 1) != 1) _exit(0);
    }
  }
  stay_on(processor(1));
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server < 0 || connect(server, (void *)&address, sizeof address)) failed("connect");
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  long budget = milliseconds * 1000000, begin = nanoseconds(), turns = 0;
  for (bool warm = false; nanoseconds() - begin < budget;) {
    char byte = 1;
    if (write(server, &byte, 1) != 1 || read(server, &byte, 1) != 1) failed("write");
    turns++;
    if (!warm && nanoseconds() - begin > budget / 4) {
      warm = true;
      turns = 0;
      begin = nanoseconds();
    }
  }
  printf("BENCH net-pingpong %.1f\n", (double)turns * 1e9 / (double)(nanoseconds() - begin));
  long bytes = 0;
  begin = nanoseconds();
  for (bool warm = false; nanoseconds() - begin < budget;) {
    ssize_t wrote = write(server, buffer, chunk);
    if (wrote <= 0) failed("write");
    bytes += wrote;
    if (!warm && nanoseconds() - begin > budget / 4) {
      warm = true;
      bytes = 0;
      begin = nanoseconds();
    }
  }
  printf("BENCH net-throughput %.3f\n", megabytes(bytes, nanoseconds() - begin));
  close(server);
}

static bool named(const char *name, int count, char **words) {
  for (int index = 0; index < count; index++)
    if (!strcmp(words[index], name)) return true;
  return false;
}

static int bench(int count, char **words) {
  static const struct {
    const char *name;
    void (*prepare)(void), (*call)(void), (*other)(void);
  } all[] = {
      {"call-null", NULL, null_call, NULL},
      {"call-open", NULL, open_close, NULL},
      {"call-file", prepare_read_write, read_write, NULL},
      {"call-pipe", prepare_pipe, ping_pair, NULL},
      {"call-futex", prepare_futex, ping_futex, NULL},
      {"call-fork", NULL, fork_exec, NULL},
      {"call-map", NULL, map_touch, NULL},
      {"call-unix", prepare_unix, ping_pair, NULL},
      {"file", NULL, NULL, file_throughput},
      {"file-metadata", NULL, NULL, file_metadata},
      {"net", NULL, NULL, network},
  };
  milliseconds = count > 1 ? atol(words[1]) : 0;
  mebibytes = count > 2 ? atol(words[2]) : 0;
  if (milliseconds < 1 || milliseconds > 10000 || mebibytes < 1 || mebibytes > 1024)
    return inconclusive("bench needs a number of milliseconds, and one of MiB");
  ssize_t size = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
  if (size > 0) own_path[size] = 0;
  for (size_t index = 0; index < sizeof all / sizeof *all; index++) {
    running = all[index].name;
    if (count > 3 && !named(running, count - 3, words + 3)) continue;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) failed("fork");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (all[index].prepare) {
        /* The partner of a ping-pong stays where it is. */
        stay_on(processor(0));
        all[index].prepare();
      }
      if (all[index].other)
        all[index].other();
      else
        measure_calls(all[index].call);
      fflush(stdout);
      _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (status != 0) printf("BENCH-FAILED %s it ended with status %d\n", running, status);
  }
  return worked("the bench is complete");
}

/* --- For the host */

static int stopwatch(int count, char **words) {
  const char *dropped[8];
  int drops = 0, at = 3;
  if (count < 5) return inconclusive("stopwatch needs a processor, a number and a command");
  int cpu = atoi(words[1]), times = atoi(words[2]);
  for (; at + 1 < count && !strcmp(words[at], "--drop") && drops < 8; at += 2) dropped[drops++] = words[at + 1];
  if (at + 1 >= count || strcmp(words[at], "--") || times < 1 || times > 256) return inconclusive("stopwatch: no command");
  char **command = words + at + 1;
  int length = count - at - 1;
  char ***commands = calloc((size_t)times, sizeof *commands);
  for (int turn = 0; turn < times; turn++) {
    commands[turn] = calloc((size_t)length + 1, sizeof **commands);
    for (int index = 0; index < length; index++) {
      const char *place = strstr(command[index], "{}");
      if (!place)
        commands[turn][index] = command[index];
      else if (asprintf(&commands[turn][index], "%.*s%d%s", (int)(place - command[index]), command[index], turn, place + 2) < 0)
        return inconclusive("no memory");
    }
  }
  stay_on(cpu);
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int index = 0; index < drops; index++) {
    int file = open(dropped[index], O_RDONLY | O_CLOEXEC);
    if (file < 0) return inconclusive("%s: %s", dropped[index], strerrorname_np(errno));
    fdatasync(file);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
  }
  static pid_t children[256];
  long begin = nanoseconds();
  for (int turn = 0; turn < times; turn++) {
    children[turn] = vfork();
    if (children[turn] == 0) {
      dup2(nowhere, 0);
      dup2(nowhere, 1);
      execvp(commands[turn][0], commands[turn]);
      _exit(127);
    }
    if (children[turn] < 0) return inconclusive("vfork: %s", strerrorname_np(errno));
  }
  long largest = 0;
  int worst = 0;
  for (int turn = 0; turn < times; turn++) {
    int status = 0;
    struct rusage usage;
    while (wait4(children[turn], &status, 0, &usage) < 0 && errno == EINTR) continue;
    if (usage.ru_maxrss > largest) largest = usage.ru_maxrss;
    if (status) worst = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  long time = nanoseconds() - begin;
  if (worst)
    printf("STOPWATCH-FAILED %d\n", worst);
  else
    printf("STOPWATCH %ld %ld\n", time, largest);
  return 0;
}

const struct probe bench_probes[] = {{"bench", bench}, {"stopwatch", stopwatch}, {"service", service}, {"functions", functions}, {NULL, NULL}};
