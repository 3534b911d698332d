/* System calls that Swift's Glibc module does not have. */
#ifndef CPROFILE_H
#define CPROFILE_H

/* O_PATH, which Glibc shows only to C. */
enum { PROFILE_O_PATH = 010000000 };

/* Opens `path` as a process would whose root directory is `root` (a descriptor): no link leads out of it.
 * Returns a descriptor, or -1 with errno. */
int profile_open_in_root(int root, const char *path, int flags);

#endif
