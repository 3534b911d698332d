/* functions NAME PLACE check: whether this kernel tells of its functions.
 * functions NAME PLACE FILE PID[,PID]... -- COMMAND...: for the host; counts the kernel's functions that these processes, and those
 * they start, run in. FILE is what the payload `exercise` says; COMMAND lets it go on. What is said:
 *
 *   FUNCTIONS DISTINCT CALLS LOST     different ones; calls of them; how many did not fit into the buffers
 *
 * It is done by an instance of ftrace of our own, NAME, on a tracefs at PLACE that only we see. Another process removes the instance,
 * whatever ends this one. Functions that run in interrupts are of the machine, and are left out. */
#include "load.h"
#include "payload.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SLOTS = 1 << 17, MOST_KIB = 64 * 1024, ALL_KIB = 256 * 1024 };

static char instance[512];
static int pipe_file = -1;
/* Hashes of functions' names. */
static uint64_t seen[SLOTS];
static long distinct, calls, lost;

static int set(const char *place, const char *file, const char *value) {
  char path[768];
  snprintf(path, sizeof path, "%s/%s", place, file);
  return write_file(path, value, 0);
}

/* Ends what an instance does, and the instance: whoever reads it may not yet have let it go. */
static void remove_instance(const char *path) {
  set(path, "tracing_on", "0");
  for (int turn = 0; turn < 200; turn++, usleep(10000)) {
    set(path, "current_tracer", "nop");
    if (!rmdir(path) || errno != EBUSY) return;
  }
}

/* Those of assessments that are no more: their names begin with `rca` and a process's number. */
static void remove_stale(const char *place) {
  char path[768];
  snprintf(path, sizeof path, "%s/instances", place);
  DIR *folder = opendir(path);
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));) {
    int owner = strncmp(entry->d_name, "rca", 3) ? 0 : atoi(entry->d_name + 3);
    if (owner <= 0 || !kill(owner, 0) || errno != ESRCH) continue;
    snprintf(path, sizeof path, "%s/instances/%s", place, entry->d_name);
    remove_instance(path);
  }
  closedir(folder);
}

/* Waits until the other end of this pipe is closed, then removes the instance. */
static pid_t guard(int end, int other, int count, char **words) {
  pid_t child = fork();
  if (child) return child;
  setsid();
  close(other);
  /* Whoever cleans up by command lines does not mean this one. */
  for (int index = 0; index < count; index++) memset(words[index], 0, strlen(words[index]));
  char byte;
  while (read(end, &byte, 1) > 0) continue;
  remove_instance(instance);
  _exit(0);
}

static void note(const char *name, size_t size) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t index = 0; index < size; index++) hash = (hash ^ (unsigned char)name[index]) * 0x100000001b3;
  if (!hash) hash = 1;
  size_t slot = hash % SLOTS;
  while (seen[slot] && seen[slot] != hash) slot = (slot + 1) % SLOTS;
  if (seen[slot] || distinct >= SLOTS / 2) return;
  seen[slot] = hash;
  distinct++;
}

/* `COMMAND-PID [CPU] FLAGS TIME: FUNCTION`, and maybe ` <-CALLER`. */
static void take(char *line) {
  char *missing = strstr(line, "[LOST ");
  if (missing) {
    lost += atol(missing + 6);
    return;
  }
  char *colon = NULL;
  for (char *next = strstr(line, ": "); next; next = strstr(next + 1, ": ")) colon = next;
  if (!colon) return;
  /* Backwards: the time, then the flags; the third of them tells of interrupts. */
  char *time = colon;
  while (time > line && time[-1] != ' ') time--;
  char *end = time;
  while (end > line && end[-1] == ' ') end--;
  char *flags = end;
  while (flags > line && flags[-1] != ' ') flags--;
  if (end - flags < 4 || strchr("hHszZ", flags[2])) return;
  calls++;
  note(colon + 2, strcspn(colon + 2, " \n"));
}

static void drain(void) {
  static char buffer[1 << 16];
  static size_t kept;
  for (;;) {
    ssize_t got = read(pipe_file, buffer + kept, sizeof buffer - 1 - kept);
    if (got <= 0) return;
    buffer[kept + (size_t)got] = 0;
    char *line = buffer;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
      *end = 0;
      take(line);
    }
    kept = strlen(line);
    memmove(buffer, line, kept);
    if (kept == sizeof buffer - 1) kept = 0;
  }
}

static int run(char **command) {
  pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  int status = -1;
  while (waitpid(child, &status, WNOHANG) == 0) {
    drain();
    usleep(1000);
  }
  return status;
}

static bool says(const char *path, const char *text) {
  for (double end = now() + 25; now() < end; usleep(1000)) {
    drain();
    const char *said = read_file(path);
    if (said && strstr(said, text)) return true;
  }
  return false;
}

static int count_functions(char **words) {
  if (run(words + 6)) return inconclusive("the command failed");
  if (!says(words[3], "DONE")) return inconclusive("the work did not end; %ld calls were seen, and %ld lost", calls, lost);
  set(instance, "tracing_on", "0");
  drain();
  printf("FUNCTIONS %ld %ld %ld\n", distinct, calls, lost);
  return worked("the functions are counted");
}

int functions(int count, char **words) {
  bool check = count == 4 && !strcmp(words[3], "check");
  if (!check && (count < 7 || strcmp(words[5], "--"))) return inconclusive("functions needs a name, a place, a file, processes and a command");
  mkdir(words[2], 0700);
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", words[2], "tracefs", 0, NULL))
    return absent("no tracefs can be mounted: %s", strerrorname_np(errno));
  remove_stale(words[2]);
  snprintf(instance, sizeof instance, "%s/instances/%s", words[2], words[1]);
  int ends[2];
  if (mkdir(instance, 0700) || pipe2(ends, O_CLOEXEC)) return absent("ftrace has no instances here: %s", strerrorname_np(errno));
  char size[32], path[640];
  long processors = sysconf(_SC_NPROCESSORS_CONF), size_kib = ALL_KIB / (processors > 0 ? processors : 1);
  snprintf(size, sizeof size, "%ld", size_kib < MOST_KIB ? size_kib : MOST_KIB);
  snprintf(path, sizeof path, "%s/trace_pipe", instance);
  pid_t guardian = guard(ends[0], ends[1], count, words);
  close(ends[0]);
  int result;
  char self[16];
  snprintf(self, sizeof self, "%d", getpid());
  char *processes = check ? self : words[4];
  for (char *comma; (comma = strchr(processes, ','));) *comma = ' ';
  set(instance, "options/print-parent", "0");
  /* The tracer is chosen before anybody reads. */
  if (set(instance, "tracing_on", "0") || set(instance, "buffer_size_kb", check ? "64" : size) || set(instance, "set_ftrace_pid", processes) ||
      set(instance, "options/function-fork", "1") || set(instance, "current_tracer", "function") ||
      (pipe_file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0 || set(instance, "tracing_on", "1"))
    result = absent("ftrace does not trace functions: %s", strerrorname_np(errno));
  else
    result = check ? worked("ftrace traces functions") : count_functions(words);
  if (pipe_file >= 0) close(pipe_file);
  close(ends[1]);
  waitpid(guardian, NULL, 0);
  return result;
}
