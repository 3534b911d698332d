/* What the payload's files share: how a probe is written down, and how it tells its end.
 *
 * A probe runs in a process of its own, inside a container, on the host, or as a neighbour. It returns what it found:
 * `worked` if the primitive works, `blocked` with the errno if it was refused, `absent` if the kernel does not have it. */
#ifndef RCONTAINER_ASSESS_PAYLOAD_H
#define RCONTAINER_ASSESS_PAYLOAD_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct probe {
  const char *name;
  int (*run)(int count, char **words); /* words[0] is the name; ends with one of the functions below */
};

/* Each tells the assessment in one line and gives the value to return. `detail` is as of printf. */
int worked(const char *detail, ...) __attribute__((format(printf, 1, 2)));
int blocked(const char *detail, ...) __attribute__((format(printf, 1, 2)));
int absent(const char *detail, ...) __attribute__((format(printf, 1, 2)));
int inconclusive(const char *detail, ...) __attribute__((format(printf, 1, 2)));
/* Something outside was reached or harmed, which the payload itself can see. */
int escaped(const char *detail, ...) __attribute__((format(printf, 1, 2)));
/* By the result of a call: worked if it is not negative, else blocked with errno's name. */
int by_result(long result, const char *what);

/* For companions: says READY and its process id, then BEAT every tenth of a second until it is killed; `look` is called each time (or null), and what
 * it returns that is not null is said as HURT once. */
int beat(const char *(*look)(void));

/* The whole of a file, as a string in a static buffer of 64 KiB; null if it can't be read, with errno. */
char *read_file(const char *path);
/* 0, or -1 with errno. */
int write_file(const char *path, const char *text, int flags);
/* Prints what the assessment compares with the host's own: a line `VALUE text`. */
void value(const char *text);
/* The process that runs this payload as `probe words0 word`, other than the caller; 0 if none is seen in /proc. */
pid_t find_process(const char *probe, const char *word);
/* True if path can be opened; says it with its errno otherwise. */
int try_open(const char *path, int flags);
/* A socket connected or bound to an abstract name (unix(7)); -1 with errno. */
int abstract_socket(const char *name, bool listens);
/* Seconds, monotonic. */
double now(void);

/* One table per file of probes, ended by a null name. */
extern const struct probe common_probes[], runtime_probes[], kernel_probes[], namespaces_probes[], leaks_probes[], neighbours_probes[],
    exhaustion_probes[], egress_probes[], credentials_probes[], tampering_probes[], surface_probes[], bench_probes[];

#endif
