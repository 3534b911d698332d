#pragma once
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/syscall.h>
int rc_argc(void);
char **rc_argv(void);
static inline long rc_write(int fd, const void *p, size_t n) { return write(fd, p, n); }
