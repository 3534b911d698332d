// Attacks on mounts that somebody makes for the caller. Prints a line of JSON for races.
//   nested race KIND COUNT SECONDS   swaps what a call points to while it is made, in an empty /tmp
//   nested set NAME FILE             sets an attribute; exit status is errno
// KIND: type    the type's text, tmpfs and sysfs
//       target  the target's text, /tmp/good and /proc
//       link    the target is a link that changes between the same
//       rename  the target is a directory that is renamed away, with a link to /proc in its place
//       source  a bind mount's source's text, /tmp/full and /proc/1/root
//       name    an attribute's name's text, user.a and trusted.a, of /tmp/full
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static char text[64];
static volatile int stop;
static const char *kind;

static int is(const char *name) { return !strcmp(kind, name); }

// Waits for a time that differs, so that the two states of what is swapped last about equally long.
static void linger(void) {
  static unsigned seed = 1;
  seed = seed * 1103515245 + 12345;
  for (volatile unsigned i = 0; i < (seed >> 16) % 4096; i++);
}

static void *swap(void *unused) {
  while (!stop) {
    if (is("link")) {
      symlink("/tmp/good", "/tmp/new"); rename("/tmp/new", "/tmp/place");
      symlink("/proc", "/tmp/new"); rename("/tmp/new", "/tmp/place");
    } else if (is("rename")) {
      rename("/tmp/place", "/tmp/away"); symlink("/proc", "/tmp/place");
      usleep(50);
      unlink("/tmp/place"); rename("/tmp/away", "/tmp/place");
      usleep(50);
    } else {
      const char *one = is("type") ? "tmpfs" : is("target") ? "/tmp/good" : is("source") ? "/tmp/full" : "user.a";
      const char *other = is("type") ? "sysfs" : is("target") ? "/proc" : is("source") ? "/proc/1/root" : "trusted.a";
      strcpy(text, one);
      linger();
      strcpy(text, other);
      linger();
    }
  }
  return unused;
}

static long magic(const char *path) { struct statfs s; return statfs(path, &s) ? -1 : (long)s.f_type; }

int main(int count, char **words) {
  if (count > 3 && !strcmp(words[1], "set")) return setxattr(words[3], words[2], "x", 1, 0) ? errno : 0;
  if (count < 5) return 2;
  kind = words[2];
  mkdir("/tmp/good", 0755); mkdir("/tmp/full", 0755); mkdir("/tmp/full/mark", 0755);
  if (is("rename")) mkdir("/tmp/place", 0755);
  strcpy(text, is("type") ? "tmpfs" : "/tmp/good");
  if (is("source")) strcpy(text, "/tmp/full");
  if (is("name")) strcpy(text, "user.a");
  long tries = 0, made = 0, bad = 0;
  time_t end = time(0) + atoi(words[4]);
  pthread_t thread;
  pthread_create(&thread, 0, swap, 0);
  for (; tries < atol(words[3]) && time(0) < end && !bad; tries++) {
    const char *path = is("target") ? text : is("link") || is("rename") ? "/tmp/place" : "/tmp/good";
    if (is("name")) {
      if (setxattr("/tmp/full", text, "x", 1, 0) == 0) made++;
      bad += getxattr("/tmp/full", "trusted.a", 0, 0) >= 0;
      continue;
    }
    int failed = is("source") ? mount(text, path, 0, MS_BIND, 0) : mount("x", path, is("type") ? text : "tmpfs", 0, 0);
    if (failed) continue;
    made++;
    if (magic("/proc") != 0x9fa0) bad++;
    if (is("type") && magic("/tmp/good") != 0x01021994) bad++;
    if (is("source") && access("/tmp/good/mark", F_OK)) bad++;
    umount2("/tmp/good", MNT_DETACH);
    if (is("rename")) { umount2("/tmp/place", MNT_DETACH); umount2("/tmp/away", MNT_DETACH); }
    if (bad) umount2("/proc", MNT_DETACH);
  }
  stop = 1;
  pthread_join(thread, 0);
  printf("{\"tries\": %ld, \"made\": %ld, \"bad\": %ld}\n", tries, made, bad);
}
