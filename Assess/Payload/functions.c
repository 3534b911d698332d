/* functions check: whether this kernel tells of its functions.
 * functions FILE PID[,PID]... -- COMMAND...: for the host; counts the kernel's functions that these processes, and those they start,
 * run in. FILE is what the payload `exercise` says; COMMAND lets it go on. An event of perf does it, which ends with this process:
 *
 *   FUNCTIONS DISTINCT CALLS LOST     in the whole; in the ordinary work; how many did not fit into the buffers
 *
 * Functions that run in interrupts are of the machine, and are left out. */
#include "load.h"
#include "payload.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PROCESSORS = 256, EVENTS = 1024, PAGES = 4096, SLOTS = 1 << 17, FUNCTION = 1 /* the id of ftrace:function */ };

struct ring {
  struct perf_event_mmap_page *page;
  int file;
};

static struct ring rings[PROCESSORS];
static int ring_count;
/* Addresses of functions, hashed; and all symbols, to tell whose address one is. */
static uint64_t seen[SLOTS];
static long distinct, calls, lost;

static long perf_event_open(struct perf_event_attr *attributes, int process, int cpu) {
  return syscall(SYS_perf_event_open, attributes, process, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void note(uint64_t address) {
  size_t slot = address * 0x9e3779b97f4a7c15u >> 47;
  while (seen[slot] && seen[slot] != address) slot = (slot + 1) % SLOTS;
  if (seen[slot]) return;
  if (distinct < SLOTS / 2) {
    seen[slot] = address;
    distinct++;
  }
}

struct sample {
  struct perf_event_header header;
  uint32_t size;
  /* What all events of ftrace begin with, and the function. */
  uint16_t type;
  uint8_t flags, preempted;
  int32_t process;
  uint64_t function;
} __attribute__((packed));

static void drain(struct ring *ring) {
  size_t size = (size_t)PAGES * 4096;
  const char *data = (const char *)ring->page + 4096;
  uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE), tail = ring->page->data_tail;
  while (tail < head) {
    char copy[256];
    struct perf_event_header header;
    for (size_t index = 0; index < sizeof header; index++) ((char *)&header)[index] = data[(tail + index) % size];
    if (!header.size) break;
    size_t length = header.size < sizeof copy ? header.size : sizeof copy;
    for (size_t index = 0; index < length; index++) copy[index] = data[(tail + index) % size];
    if (header.type == PERF_RECORD_LOST) {
      uint64_t missing;
      memcpy(&missing, copy + sizeof header + 8, sizeof missing);
      lost += (long)missing;
    } else if (header.type == PERF_RECORD_SAMPLE && length >= sizeof(struct sample)) {
      struct sample sample;
      memcpy(&sample, copy, sizeof sample);
      /* TRACE_FLAG_HARDIRQ, TRACE_FLAG_SOFTIRQ and TRACE_FLAG_NMI */
      if (!(sample.flags & (0x08 | 0x10 | 0x40))) {
        calls++;
        note(sample.function);
      }
    }
    tail += header.size;
  }
  __atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
}

static void drain_all(void) {
  for (int index = 0; index < ring_count; index++) drain(&rings[index]);
}

static int run(char **command) {
  pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  int status = -1;
  while (waitpid(child, &status, WNOHANG) == 0) {
    drain_all();
    usleep(1000);
  }
  return status;
}

static bool says(const char *path, const char *text) {
  for (double end = now() + 25; now() < end; usleep(1000)) {
    drain_all();
    const char *said = read_file(path);
    if (said && strstr(said, text)) return true;
  }
  return false;
}

int functions(int count, char **words) {
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_TRACEPOINT, .size = sizeof attributes, .config = FUNCTION, .sample_period = 1, .sample_type = PERF_SAMPLE_RAW, .inherit = 1, .disabled = 1, .exclude_callchain_user = 1};
  if (count == 2 && !strcmp(words[1], "check")) {
    int file = (int)perf_event_open(&attributes, getpid(), -1);
    return file < 0 ? absent("perf_event_open says %s of its functions", strerrorname_np(errno)) : worked("it tells of its functions");
  }
  if (count < 5 || strcmp(words[3], "--")) return inconclusive("functions needs a file, processes and a command");
  int processors = (int)sysconf(_SC_NPROCESSORS_CONF), events[EVENTS], opened = 0;
  if (processors > PROCESSORS) processors = PROCESSORS;
  for (int cpu = 0; cpu < processors; cpu++) {
    struct ring *ring = NULL;
    char list[4096];
    snprintf(list, sizeof list, "%s", words[2]);
    for (char *save, *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
      int file = (int)perf_event_open(&attributes, atoi(word), cpu);
      if (file < 0 && (errno == ENODEV || errno == ESRCH)) continue; /* a processor that is off, a process that ended */
      if (file < 0) return inconclusive("perf_event_open: %s", strerrorname_np(errno));
      if (opened == EVENTS) return inconclusive("these are too many processes");
      events[opened++] = file;
      if (ring) {
        if (ioctl(file, PERF_EVENT_IOC_SET_OUTPUT, ring->file)) return inconclusive("perf: %s", strerrorname_np(errno));
        continue;
      }
      ring = &rings[ring_count++];
      ring->file = file;
      ring->page = mmap(NULL, (size_t)(PAGES + 1) * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (ring->page == MAP_FAILED) return inconclusive("perf's buffer: %s", strerrorname_np(errno));
    }
  }
  if (!opened) return inconclusive("no process is there");
  for (int index = 0; index < opened; index++) ioctl(events[index], PERF_EVENT_IOC_ENABLE, 0);
  if (run(words + 4)) return inconclusive("the command failed");
  if (!says(words[1], "DONE work")) return inconclusive("the work did not end; %ld calls were seen, and %ld lost", calls, lost);
  drain_all();
  long ordinary = calls;
  if (run(words + 4)) return inconclusive("the command failed");
  if (!says(words[1], "DONE calls")) return inconclusive("the calls did not end; %ld were seen, and %ld lost", calls, lost);
  for (int index = 0; index < opened; index++) ioctl(events[index], PERF_EVENT_IOC_DISABLE, 0);
  drain_all();
  printf("FUNCTIONS %ld %ld %ld\n", distinct, ordinary, lost);
  return worked("the functions are counted");
}
