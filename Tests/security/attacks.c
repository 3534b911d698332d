/* What escapes were made of, each tried in a process of its own: prints "NAME 0" where it works, "NAME ERRNO" where it fails,
 * and "NAME -SIGNAL" where it ends the process. Nothing here harms: what is made is of the process's own. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#define NETLINK_NETFILTER 12
#define NETLINK_ROUTE 0
#define ATTACK(name) static long name(void)
typedef unsigned long word;

static long put(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  return file < 0 || write(file, text, strlen(text)) < 0 ? -1 : file;
}

static pid_t sleeper(void) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return child;
}

ATTACK(af_alg) {
  int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
  struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
  return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
}
ATTACK(af_packet) { return socket(AF_PACKET, SOCK_RAW, 0x0300); }
ATTACK(af_vsock) { return socket(AF_VSOCK, SOCK_STREAM, 0); }
ATTACK(raw_socket) { return socket(AF_INET, SOCK_RAW, IPPROTO_TCP); }
ATTACK(netfilter) { return socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); }
ATTACK(route_netlink) { return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }
ATTACK(unprivileged_bpf) {
  union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
}
ATTACK(perf_event) {
  struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_CPU_CLOCK};
  return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}
ATTACK(user_faults) { return syscall(SYS_userfaultfd, 1); }
ATTACK(io_uring) {
  struct io_uring_params params = {0};
  return syscall(SYS_io_uring_setup, 4, &params);
}
ATTACK(own_filter_then_io_uring) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {1, &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return -1;
  return io_uring();
}
ATTACK(kernel_keys) { return syscall(SYS_add_key, "user", "attack", "x", 1, KEY_SPEC_PROCESS_KEYRING); }
ATTACK(session_keyring) { return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "attack"); }
ATTACK(request_a_key) {
  long result = syscall(SYS_request_key, "user", "no such key", NULL, 0);
  return result < 0 && errno == ENOKEY ? 0 : result;
}
ATTACK(open_by_handle) {
  struct { struct file_handle handle; char room[128]; } place = {.handle.handle_bytes = 128};
  int mount, file = put("/tmp/handle", "x");
  if (file < 0 || syscall(SYS_name_to_handle_at, AT_FDCWD, "/tmp/handle", &place, &mount, 0)) return -1;
  return syscall(SYS_open_by_handle_at, file, &place, O_RDONLY);
}
ATTACK(trace_another) {
  pid_t child = sleeper();
  return ptrace(PTRACE_ATTACH, child, 0, 0);
}
ATTACK(read_another) {
  char here[8], there[8] = "secret";
  pid_t child = sleeper();
  struct iovec mine = {here, 8}, theirs = {there, 8};
  return process_vm_readv(child, &mine, 1, &theirs, 1, 0);
}
ATTACK(new_user_namespace) { return unshare(CLONE_NEWUSER); }
ATTACK(clone_user_namespace) {
  long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return child;
}
ATTACK(clone3_user_namespace) {
  word arguments[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  long child = syscall(SYS_clone3, arguments, sizeof arguments);
  if (child == 0) _exit(0);
  return child;
}
ATTACK(join_namespace) { return setns(open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS); }
ATTACK(mount_tmpfs) { return mount("x", "/tmp", "tmpfs", 0, NULL); }
ATTACK(new_mount_api) { return syscall(SYS_fsopen, "tmpfs", 0); }
ATTACK(change_root) { return chroot("/tmp"); }
ATTACK(make_device) { return mknod("/tmp/device", S_IFCHR | 0600, makedev(1, 3)); }
ATTACK(gift_pages) {
  int ends[2];
  struct iovec pages = {aligned_alloc(4096, 4096), 4096};
  return pipe(ends) ? -1 : vmsplice(ends[1], &pages, 1, SPLICE_F_GIFT);
}
ATTACK(type_for_another) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) || unlockpt(master)) return -1;
  setsid();
  int terminal = open(ptsname(master), O_RDWR);
  return terminal < 0 ? -1 : ioctl(terminal, TIOCSTI, "x");
}
ATTACK(change_personality) { return syscall(SYS_personality, READ_IMPLIES_EXEC); }
ATTACK(no_randomization) { return syscall(SYS_personality, ADDR_NO_RANDOMIZE); }
ATTACK(asynchronous_io) {
  unsigned long context = 0;
  return syscall(SYS_io_setup, 1, &context);
}
ATTACK(compare_kernel_objects) { return syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1); }
ATTACK(file_events) { return syscall(SYS_fanotify_init, 0, O_RDONLY); }
ATTACK(kernel_log) { return syscall(SYS_syslog, 10, NULL, 0); }
ATTACK(load_module) {
  long result = syscall(SYS_init_module, "", 0, "");
  return result < 0 && errno == ENOEXEC ? 0 : result;
}
ATTACK(other_kernel) { return syscall(SYS_kexec_load, 0, 0, NULL, 0); }
ATTACK(multipath_tcp) { return socket(AF_INET, SOCK_STREAM, 262); }
ATTACK(kernel_tls) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  long result = setsockopt(fd, 282, 1, &on, sizeof on);
  return result < 0 && (errno == ENOTCONN || errno == EINVAL) ? 0 : result;
}
#ifdef __x86_64__
ATTACK(local_descriptor_table) {
  struct { unsigned int number, base, limit, flags; } entry = {0, 0, 1, 0x51};
  return syscall(SYS_modify_ldt, 1, &entry, sizeof entry);
}
ATTACK(call_of_i386) {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
  if (result < 0) errno = (int)-result;
  return result < 0 ? -1 : 0;
}
ATTACK(call_of_x32) {
  long result = syscall(0x40000000L + SYS_getpid);
  return result;
}
#endif

static const struct { const char *name; long (*run)(void); } attacks[] = {
#define A(name) {#name, name}
    A(af_alg), A(af_packet), A(af_vsock), A(raw_socket), A(netfilter), A(route_netlink), A(unprivileged_bpf), A(perf_event),
    A(user_faults), A(io_uring), A(own_filter_then_io_uring), A(kernel_keys), A(session_keyring), A(request_a_key),
    A(open_by_handle), A(trace_another), A(read_another), A(new_user_namespace), A(clone_user_namespace),
    A(clone3_user_namespace), A(join_namespace), A(mount_tmpfs), A(new_mount_api), A(change_root), A(make_device), A(gift_pages),
    A(type_for_another), A(change_personality), A(no_randomization), A(asynchronous_io), A(compare_kernel_objects),
    A(file_events), A(kernel_log), A(load_module), A(other_kernel), A(multipath_tcp), A(kernel_tls),
#ifdef __x86_64__
    A(local_descriptor_table), A(call_of_i386), A(call_of_x32),
#endif
};

int main(void) {
  for (unsigned i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      errno = 0;
      long result = attacks[i].run();
      printf("%s %d\n", attacks[i].name, result < 0 ? errno : 0);
      fflush(stdout);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) printf("%s -%d\n", attacks[i].name, WTERMSIG(status));
  }
  return 0;
}
