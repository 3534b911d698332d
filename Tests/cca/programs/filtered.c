// Makes calls on a file with the number 7, and prints their errors: what a filter of the process forbids.
//   filtered CALL...     lseek, read, write, pread64, pwrite64
//   filtered device      whether the driver of con-shims lets a process get around its filter
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../Driver/conshim_abi.h"

static const struct {
  const char *name;
  long number;
} calls[] = {
    {"lseek", SYS_lseek},     {"read", SYS_read},         {"write", SYS_write},
    {"pread64", SYS_pread64}, {"pwrite64", SYS_pwrite64},
};

static int device(void) {
  int fd = open("/dev/conshim", O_RDWR);
  if (fd < 0) return 1;
  printf("before: %d\n", ioctl(fd, CONSHIM_MAKE_CALLS) ? errno : 0);
  struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {1, &all};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
  printf("with a filter: %d\n", ioctl(fd, CONSHIM_MAKE_CALLS) ? errno : 0);
  return 0;
}

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOFBF, 4096);
  if (argc == 2 && !strcmp(argv[1], "device")) return device();
  int file = memfd_create("file", 0);
  char byte = 0;
  if (file < 0 || ftruncate(file, 16) || dup2(file, 7) != 7) return 1;
  for (int i = 1; i < argc; i++)
    for (unsigned k = 0; k < sizeof calls / sizeof *calls; k++)
      if (!strcmp(argv[i], calls[k].name))
        printf("%s: %d\n", argv[i], syscall(calls[k].number, 7, k ? (long)&byte : 0, k ? 1 : 0, 0) < 0 ? errno : 0);
  return 0;
}
