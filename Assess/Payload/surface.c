/* surface: what can be reached from here. Every system call is made in a process of its own, with arguments that do nothing;
 * files are opened and never written. One line for each thing:
 *
 *   SURFACE KIND STATE NAME      reached, refused, or absent (this kernel does not have it)
 *   SURFACE number KIND N        a plain number */
#include "payload.h"
#include "syscalls.h"

#include <dirent.h>
#include <sched.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/capability.h>

enum state { REACHED, REFUSED, ABSENT };
static const char *const states[] = {"reached", "refused", "absent"};

static void tell_surface(const char *kind, enum state state, const char *name) {
  printf("SURFACE %s %s %s\n", kind, states[state], name);
}

/* --- System calls */

enum abi { NATIVE, I386, X32 };

/* Of the process that makes the call, shared with the one that waits for it. */
static volatile struct {
  long result;
  int returned, unfiltered;
} *shared;

__attribute__((always_inline)) static inline long raw(long number, const long *a) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#else
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a[0], x1 __asm__("x1") = a[1], x2 __asm__("x2") = a[2];
  register long x3 __asm__("x3") = a[3], x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#endif
}

#if defined(__x86_64__)
static long raw_i386(int number, const long *a) {
  int result;
  /* ebp is the sixth argument; none of these needs it. */
  __asm__ volatile("push %%rbx; mov %2, %%ebx; int $0x80; pop %%rbx"
                   : "=a"(result)
                   : "a"(number), "r"((int)a[0]), "c"((int)a[1]), "d"((int)a[2]), "S"((int)a[3]), "D"((int)a[4])
                   : "r8", "r9", "r10", "r11", "memory");
  return result;
}

/* The child of vfork has the parent's stack, so it must end at once. */
static long raw_vfork(void) {
  long result = SYS_vfork;
  __asm__ volatile("syscall; test %%rax, %%rax; jnz 1f; mov $60, %%eax; xor %%edi, %%edi; syscall; 1:" : "+a"(result) : : "rcx", "r11", "rdi", "memory");
  return result;
}
#endif

static void leave(void) {
  const long zeros[6] = {0};
  raw(SYS_exit_group, zeros);
  raw(SYS_exit, zeros);
  __builtin_trap();
}

/* A filter of our own that turns this call into ENOSYS, unless a filter before it has a stricter answer: so it tells whether a
 * refusal is the kernel's or a filter's, seccomp(2), and the call is not made. */
static bool own_filter(int number, enum abi abi) {
#if defined(__x86_64__)
  unsigned arch = abi == I386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
#else
  (void)abi;
  unsigned arch = AUDIT_ARCH_AARCH64;
#endif
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool is_one_of(const char *name, const char *const *list) {
  for (; *list; list++)
    if (!strcmp(name, *list)) return true;
  return false;
}

static enum state by_answer(long result) {
  if (result == -ENOSYS) return ABSENT;
  return result == -EPERM || result == -EACCES ? REFUSED : REACHED;
}

/* Waits for a child, a tenth of a second at most. */
static bool ended(pid_t child, int *status) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (double end = now() + 0.1;;) {
    if (waitpid(child, status, WNOHANG) == child) return true;
    double left = end - now();
    if (left <= 0) return false;
    struct timespec time = {0, (long)(left * 1e9)};
    sigtimedwait(&signals, NULL, &time);
  }
}

/* One call with these arguments. `filtered` makes it under a filter of our own. */
static enum state try_call(int number, enum abi abi, const long *arguments, bool filtered) {
  shared->returned = shared->unfiltered = 0;
  pid_t child = fork();
  if (child < 0) return REFUSED;
  if (child == 0) {
    for (int file = 0; file < 16; file++) close(file);
    setsid();
    if (filtered && !own_filter(number, abi)) {
      shared->unfiltered = 1;
      leave();
    }
    long result;
    pid_t self = getpid();
#if defined(__x86_64__)
    if (abi == I386)
      result = raw_i386(number, arguments);
    else if (number == SYS_vfork)
      result = raw_vfork();
    else
#endif
      result = raw(abi == X32 ? 0x40000000L | number : number, arguments);
    if (getpid() != self) leave(); /* the child of a fork */
    shared->result = result;
    shared->returned = 1;
    leave();
  }
  int status = 0;
  if (!ended(child, &status)) {
    kill(child, SIGKILL);
    if (!ended(child, &status)) return REACHED;
    if (!shared->returned) return REACHED; /* it waits for something, as pause does */
  }
  if (shared->unfiltered) return REFUSED;
  if (!shared->returned) {
    if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGSYS ? REFUSED : REACHED;
    return REACHED; /* exit */
  }
  return by_answer(shared->result);
}

static enum state reach_call(const char *name, int number, enum abi abi) {
  static const char *const only_filter[] = {"sync", "vhangup", NULL};
  /* Zeros mean something for these. */
  static const char *const no_zeros[] = {"sethostname", "setdomainname", "acct", "msgget", "exit", "exit_group", "sync", "vhangup", "reboot", NULL};
  static char page[4096] __attribute__((aligned(4096)));
  static const long ones[6] = {-1, -1, -1, -1, -1, -1}, zeros[6] = {0};
  const struct {
    const char *name;
    long arguments[6];
  } special[] = {
      {"clone", {SIGCHLD, 0, 0, 0, 0, 0}},
      {"socket", {AF_UNIX, SOCK_STREAM, 0}},
      {"socketpair", {AF_UNIX, SOCK_STREAM, 0, -1}},
      {"prctl", {PR_GET_DUMPABLE}},
      {"ioctl", {-1, TCGETS, 0}},
      {"fcntl", {-1, F_GETFD}},
      {"mmap", {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
      {"mprotect", {(long)page, 4096, PROT_READ}},
      {"madvise", {(long)page, 4096, 0}},
      {"msgget", {0x7ffabcde, 0}},
      {"kill", {getpid(), 0}},
      {"exit", {0}},
      {"exit_group", {0}},
      {"prlimit64", {0, 7, 0, 0}},
      {"setsockopt", {-1, 1, 2, 0, 0}},
      {"getsockopt", {-1, 1, 2, 0, 0}},
      {"unshare", {0}},
  };
  if (is_one_of(name, only_filter)) {
    /* Under our own filter ENOSYS says that nobody else refused it. */
    return try_call(number, abi, zeros, true) == ABSENT ? REACHED : REFUSED;
  }
  enum state state = ABSENT;
  for (int turn = 0; turn < 3 && state != REACHED; turn++) {
    const long *arguments = turn == 1 ? ones : zeros;
    if (turn == 0) {
      arguments = NULL;
      for (size_t index = 0; index < sizeof special / sizeof *special; index++)
        if (!strcmp(special[index].name, name) && abi == NATIVE) arguments = special[index].arguments;
      if (!arguments) continue;
    }
    if (turn == 1 && !strcmp(name, "msgget")) continue; /* it would make a queue */
    if (turn == 2 && is_one_of(name, no_zeros)) continue;
    enum state answer = try_call(number, abi, arguments, false);
    long result = shared->result;
    /* These families every kernel has. */
    if (!strncmp(name, "socket", 6) && turn == 0 && result == -EAFNOSUPPORT) answer = REFUSED;
    /* A filter may give any errno, though these ones come of the arguments. */
    bool odd = answer == REACHED && shared->returned && result < 0 && result != -EFAULT && result != -EBADF && result != -EINVAL;
    if (odd && try_call(number, abi, arguments, true) != ABSENT && !shared->unfiltered) answer = REFUSED;
    if (answer == REFUSED && try_call(number, abi, arguments, true) == ABSENT) answer = REACHED;
    if (answer != ABSENT || state == ABSENT) state = answer;
  }
  return state;
}

static void calls(const struct numbered *table, size_t count, enum abi abi, const char *kind, const char *prefix) {
  /* They come back by other ways than a call does, or not with a stack of 32 bits. */
  static const char *const left_out[] = {"fork", "vfork", "clone", "clone3", "exit", "exit_group", "sigreturn", "rt_sigreturn", "msgget", "ipc", NULL};
  for (size_t index = 0; index < count; index++) {
    if (abi != NATIVE && is_one_of(table[index].name, left_out)) continue;
    char name[64];
    snprintf(name, sizeof name, "%s%s", prefix, table[index].name);
    tell_surface(kind, reach_call(table[index].name, table[index].number, abi), name);
  }
}

static void system_calls(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  calls(native, sizeof native / sizeof *native, NATIVE, "syscalls", "");
#if defined(__x86_64__)
  calls(i386, sizeof i386 / sizeof *i386, I386, "syscalls-other-abi", "i386:");
  /* A kernel has x32 as a whole, or not. */
  static const struct numbered x32[] = {{SYS_getpid, "getpid"}, {SYS_close, "close"}, {SYS_socket, "socket"}, {SYS_mount, "mount"}, {SYS_keyctl, "keyctl"}};
  calls(x32, sizeof x32 / sizeof *x32, X32, "syscalls-other-abi", "x32:");
#endif
  sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

/* --- Socket families */

static void families(void) {
  static const char *const names[] = {
      "unspec",   "unix",     "inet",       "ax25",   "ipx",   "appletalk", "netrom",    "bridge", "atmpvc", "x25",  "inet6", "rose",
      "decnet",   "netbeui",  "security",   "key",    "netlink", "packet",  "ash",       "econet", "atmsvc", "rds",  "sna",   "irda",
      "pppox",    "wanpipe",  "llc",        "ib",     "mpls",  "can",       "tipc",      "bluetooth", "iucv", "rxrpc", "isdn", "phonet",
      "ieee802154", "caif",   "alg",        "nfc",    "vsock", "kcm",       "qipcrtr",   "smc",    "xdp",    "mctp"};
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
  for (int family = 1; family < (int)(sizeof names / sizeof *names); family++) {
    enum state state = ABSENT;
    for (size_t type = 0; type < sizeof types / sizeof *types && state != REACHED; type++) {
      int file = socket(family, types[type] | SOCK_CLOEXEC, 0);
      if (file >= 0) {
        close(file);
        state = REACHED;
      } else if (errno == EPERM || errno == EACCES || errno == ENOSYS) {
        state = REFUSED;
      } else if (errno != EAFNOSUPPORT && errno != EINVAL) {
        state = REACHED;
      }
    }
    tell_surface("socket-families", state, names[family]);
  }
}

/* --- ioctl: requests with an argument that can't be read, so that nothing happens */

static void ioctls(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  int unlock = 0, number = -1;
  char path[32] = "/dev/tty";
  if (master >= 0 && !ioctl(master, TIOCSPTLCK, &unlock) && !ioctl(master, TIOCGPTN, &number)) snprintf(path, sizeof path, "/dev/pts/%d", number);
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC)) ends[0] = -1;
  const struct {
    const char *name;
    int file;
  } files[] = {
      {"tty", open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)},
      {"null", open("/dev/null", O_RDWR | O_CLOEXEC)},
      {"socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)},
      {"pipe", ends[0]},
      {"file", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)},
  };
  static const struct {
    const char *name;
    int file;
    unsigned long request;
  } requests[] = {
      {"TCGETS", 0, 0x5401}, {"TCSETS", 0, 0x5402}, {"TCSETSW", 0, 0x5403}, {"TCSETSF", 0, 0x5404}, {"TIOCGPGRP", 0, 0x540f},
      {"TIOCSPGRP", 0, 0x5410}, {"TIOCSTI", 0, 0x5412}, {"TIOCGWINSZ", 0, 0x5413}, {"TIOCSWINSZ", 0, 0x5414}, {"TIOCMGET", 0, 0x5415},
      {"TIOCMSET", 0, 0x5418}, {"TIOCLINUX", 0, 0x541c}, {"TIOCSSERIAL", 0, 0x541f}, {"TIOCGETD", 0, 0x5424}, {"TIOCSETD", 0, 0x5423},
      {"TIOCGSID", 0, 0x5429}, {"TIOCGPTPEER", 0, 0x5441}, {"KDGETMODE", 0, 0x4b3b}, {"TIOCVHANGUP", 4, 0x5437}, {"FIONREAD", 3, 0x541b},
      {"FIONBIO", 3, 0x5421}, {"FIOASYNC", 3, 0x5452}, {"FIOQSIZE", 4, 0x5460}, {"BLKGETSIZE", 1, 0x1260}, {"RNDGETENTCNT", 1, 0x80045200},
      {"SIOCGIFNAME", 2, 0x8910}, {"SIOCGIFCONF", 2, 0x8912}, {"SIOCGIFFLAGS", 2, 0x8913}, {"SIOCSIFFLAGS", 2, 0x8914}, {"SIOCGIFADDR", 2, 0x8915},
      {"SIOCSIFADDR", 2, 0x8916}, {"SIOCGIFMTU", 2, 0x8921}, {"SIOCSIFMTU", 2, 0x8922}, {"SIOCETHTOOL", 2, 0x8946}, {"SIOCADDRT", 2, 0x890b},
      {"SIOCGARP", 2, 0x8954}, {"SIOCBRADDBR", 2, 0x89a0}, {"SIOCGSTAMP", 2, 0x8906}, {"FS_IOC_GETFLAGS", 4, 0x80086601}, {"FS_IOC_SETFLAGS", 4, 0x40086602},
      {"FS_IOC_FSGETXATTR", 4, 0x801c581f}, {"FS_IOC_FIEMAP", 4, 0xc020660b}, {"FIFREEZE", 4, 0xc0045877}, {"FITRIM", 4, 0xc0185879}, {"FICLONERANGE", 4, 0x4020940d},
      {"NS_GET_USERNS", 4, 0xb701}, {"NS_GET_PARENT", 4, 0xb702},
  };
  for (size_t index = 0; index < sizeof requests / sizeof *requests; index++) {
    char name[64];
    snprintf(name, sizeof name, "%s:%s", files[requests[index].file].name, requests[index].name);
    enum state state = ABSENT;
    if (files[requests[index].file].file >= 0) {
      /* The address 1 is nobody's. */
      long result = ioctl(files[requests[index].file].file, requests[index].request, 1L);
      state = result >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS && errno != ENOTTY) ? REACHED : errno == ENOTTY ? ABSENT : REFUSED;
    }
    tell_surface("ioctls", state, name);
  }
  for (size_t index = 0; index < sizeof files / sizeof *files; index++)
    if (files[index].file >= 0) close(files[index].file);
  if (master >= 0) close(master);
  if (ends[1] >= 0) close(ends[1]);
}

/* --- Files: a set of names in which runs of digits are one N, so that what comes and goes counts once */

struct set {
  char **names;
  size_t count, room;
};

static void add(struct set *set, const char *path) {
  char name[512];
  size_t size = 0;
  for (const char *from = path; *from && size < sizeof name - 1; from++) {
    bool digit = *from >= '0' && *from <= '9';
    if (digit && from > path && from[-1] >= '0' && from[-1] <= '9') continue;
    unsigned char byte = (unsigned char)*from;
    name[size++] = digit ? 'N' : byte > ' ' && byte < 127 ? *from : '?';
  }
  name[size] = 0;
  if (set->count == set->room) {
    size_t room = set->room ? set->room * 2 : 256;
    char **names = realloc(set->names, room * sizeof *names);
    if (!names) return;
    set->names = names;
    set->room = room;
  }
  char *copy = strdup(name);
  if (copy) set->names[set->count++] = copy;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void sort(struct set *set) {
  if (!set->count) return;
  qsort(set->names, set->count, sizeof *set->names, by_name);
  size_t kept = 1;
  for (size_t index = 1; index < set->count; index++)
    if (strcmp(set->names[index], set->names[kept - 1])) set->names[kept++] = set->names[index];
  set->count = kept;
}

/* Calls `found` for all below, links not followed. */
static void walk(const char *path, int depth, bool (*skip)(const char *), void (*found)(const char *, const struct stat *)) {
  DIR *folder = depth > 0 ? opendir(path) : NULL;
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    char below[1024];
    if (snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") ? path : "", entry->d_name) >= (int)sizeof below) continue;
    struct stat status;
    if (skip(below) || lstat(below, &status)) continue;
    if (S_ISDIR(status.st_mode))
      walk(below, depth - 1, skip, found);
    else
      found(below, &status);
  }
  closedir(folder);
}

static bool begins(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

/* What belongs to a process or a namespace, and what is told by its reading. */
static bool not_host_wide(const char *path) {
  static const char *const prefixes[] = {
      "/proc/self", "/proc/thread-self", "/proc/sys/net", "/proc/net", "/proc/sysvipc", "/proc/sys/user", "/proc/sys/fs/mqueue", "/proc/sys/kernel/sem",
      "/proc/sys/kernel/shm", "/proc/sys/kernel/msg", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/proc/sys/kernel/ns_last_pid",
      "/proc/sys/kernel/auto_msgmni", "/proc/sys/kernel/pid_max", "/proc/kmsg", "/proc/mounts", "/sys/fs/cgroup", "/sys/class/net", "/sys/devices/virtual/net",
      "/sys/kernel/slab", "/sys/kernel/tracing", "/sys/kernel/debug/tracing", NULL};
  for (int index = 0; prefixes[index]; index++)
    if (begins(path, prefixes[index])) return true;
  return begins(path, "/proc/") && path[6] >= '0' && path[6] <= '9';
}

static struct set readable, writable, nodes, setuid_files;

static void proc_or_sys(const char *path, const struct stat *status) {
  if (!S_ISREG(status->st_mode)) return; /* masked by /dev/null */
  int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (file >= 0) {
    char byte;
    /* Many files of /proc say no only when they are read; those of /sys may be slow or do something. */
    if (begins(path, "/sys/") || read(file, &byte, 1) > 0) add(&readable, path);
    close(file);
  }
  if (!(status->st_mode & 0222)) return; /* CAP_DAC_OVERRIDE opens it, and nothing takes what is written */
  file = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (file >= 0) {
    add(&writable, path);
    close(file);
  }
}

static void host_files(void) {
  walk("/proc", 16, not_host_wide, proc_or_sys);
  walk("/sys", 24, not_host_wide, proc_or_sys);
  sort(&readable);
  sort(&writable);
  printf("SURFACE number proc-sys-readable %zu\n", readable.count);
  printf("SURFACE number proc-sys-writable %zu\n", writable.count);
  for (size_t index = 0; index < writable.count && index < 500; index++) tell_surface("proc-sys-writable", REACHED, writable.names[index]);
  /* Of the readable ones, in which places they are. */
  char last[128] = "";
  for (size_t index = 0; index < readable.count; index++) {
    const char *second = strchr(readable.names[index] + 1, '/'), *third = second ? strchr(second + 1, '/') : NULL;
    char place[128];
    snprintf(place, sizeof place, "%.*s", third ? (int)(third - readable.names[index]) : 127, readable.names[index]);
    if (strcmp(place, last)) tell_surface("proc-sys-readable", REACHED, place);
    memcpy(last, place, sizeof last);
  }
}

/* --- Devices */

static bool starts_something(const char *path) { return strstr(path, "watchdog") || begins(path, "/dev/pts/") || begins(path, "/dev/fd"); }

static void device(const char *path, const struct stat *status) {
  if (!S_ISCHR(status->st_mode) && !S_ISBLK(status->st_mode)) return;
  int file = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) return;
  close(file);
  add(&nodes, path);
}

static void devices(void) {
  walk("/dev", 6, starts_something, device);
  static const struct {
    const char *name;
    mode_t mode;
    unsigned major, minor;
  } made[] = {{"mem", S_IFCHR, 1, 1},        {"kmsg", S_IFCHR, 1, 11},    {"loop-control", S_IFCHR, 10, 237}, {"fuse", S_IFCHR, 10, 229},
              {"kvm", S_IFCHR, 10, 232},     {"tun", S_IFCHR, 10, 200},   {"loop", S_IFBLK, 7, 0},            {"sd", S_IFBLK, 8, 0},
              {"vd", S_IFBLK, 254, 0},       {"nvme", S_IFBLK, 259, 0},   {"tty-zero", S_IFCHR, 4, 0},        {"hpet", S_IFCHR, 10, 228},
              {"port", S_IFCHR, 1, 4}};
  for (size_t index = 0; index < sizeof made / sizeof *made; index++) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/made-%s", made[index].name);
    if (mknod(path, made[index].mode | 0600, makedev(made[index].major, made[index].minor))) continue;
    struct stat status;
    if (!lstat(path, &status)) device(path, &status);
    unlink(path);
  }
  sort(&nodes);
  printf("SURFACE number devices %zu\n", nodes.count);
  for (size_t index = 0; index < nodes.count && index < 500; index++) tell_surface("devices", REACHED, nodes.names[index]);
}

/* --- Privileges */

static void capabilities(void) {
  static const char *const names[] = {
      "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service", "net_broadcast",
      "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
      "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
      "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"};
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  if (syscall(SYS_capget, &header, data)) {
    const char *text = read_file("/proc/self/status");
    const char *line = text ? strstr(text, "CapEff:") : NULL;
    unsigned long long mask = line ? strtoull(line + 7, NULL, 16) : 0;
    data[0].effective = (unsigned)mask;
    data[1].effective = (unsigned)(mask >> 32);
  }
  for (unsigned index = 0; index < sizeof names / sizeof *names; index++)
    tell_surface("capabilities", data[index / 32].effective >> index % 32 & 1 ? REACHED : REFUSED, names[index]);
}

static bool other_file_systems(const char *path) { return !strcmp(path, "/proc") || !strcmp(path, "/sys") || !strcmp(path, "/dev"); }

static void with_rights(const char *path, const struct stat *status) {
  if (S_ISREG(status->st_mode) && status->st_mode & (S_ISUID | S_ISGID)) add(&setuid_files, path);
}

static void privileges(void) {
  walk("/", 12, other_file_systems, with_rights);
  sort(&setuid_files);
  printf("SURFACE number setuid-files %zu\n", setuid_files.count);
  for (size_t index = 0; index < setuid_files.count && index < 100; index++) tell_surface("setuid-files", REACHED, setuid_files.names[index]);
  struct statvfs place;
  bool effective = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 && (statvfs("/", &place) || !(place.f_flag & ST_NOSUID));
  printf("SURFACE number setuid-effective %d\n", effective);
  static char text[4096];
  bool messages = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof text) >= 0;
  static const char *const files[] = {"/dev/kmsg", "/proc/kmsg"};
  for (int index = 0; index < 2 && !messages; index++) {
    struct stat status;
    int file = open(files[index], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) continue;
    /* Masked, it is another device. */
    messages = !fstat(file, &status) && !(S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
    close(file);
  }
  printf("SURFACE number kernel-messages %d\n", messages);
}

/* Without the rights that containers do not have, and where nothing that is left behind stays: for the host. */
static int as_container(void) {
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)) return -1;
  static const int kept[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_MKNOD, CAP_NET_RAW, CAP_SETGID, CAP_SETUID, CAP_SETFCAP, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE};
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  for (size_t index = 0; index < sizeof kept / sizeof *kept; index++) data[kept[index] / 32].effective |= 1U << kept[index] % 32;
  for (int index = 0; index < 2; index++) data[index].permitted = data[index].effective;
  return (int)syscall(SYS_capset, &header, data);
}

/* surface: all of it. surface calls: what this kernel has, tried on the host with the rights of a container. */
static int surface(int count, char **words) {
  if (count > 1 && !strcmp(words[1], "calls")) {
    if (as_container()) return inconclusive("the reference has no rights: %s", strerrorname_np(errno));
    system_calls();
    families();
    return worked("the reference is complete");
  }
  system_calls();
  families();
  ioctls();
  devices();
  capabilities();
  host_files();
  privileges();
  return worked("the surface is complete");
}

const struct probe surface_probes[] = {{"surface", surface}, {NULL, NULL}};
