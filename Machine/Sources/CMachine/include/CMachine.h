/* System calls that Swift's Glibc module does not have. */
#ifndef CMACHINE_H
#define CMACHINE_H

/* Starts a program in `directory`, in a session of its own, with /dev/null as its input and `log` as its output.
 * It inherits the descriptors without close-on-exec. Returns its number, or -1 with errno. */
int machine_spawn(char *const argv[], const char *directory, const char *log);

/* A descriptor for a path that allows no more than reaching what is below. */
int machine_open_path(const char *directory);

/* SIGINT, SIGTERM and SIGHUP as a descriptor; they are blocked from now on. */
int machine_interruptions(void);

#endif
