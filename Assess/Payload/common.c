/* Companions, and what needs nothing of its own. */
#include "payload.h"

#include <sys/mount.h>

/* beat: a process that only lives. */
static int just_beat(int count, char **words) {
  (void)count, (void)words;
  return beat(NULL);
}

/* nothing: says that it runs. */
static int nothing(int count, char **words) {
  (void)count, (void)words;
  return blocked("nothing was tried");
}

/* read PATH: a file that should not be there. */
static int read_path(int count, char **words) {
  if (count < 2) return inconclusive("read needs a path");
  char *text = read_file(words[1]);
  if (!text) return blocked("%s: %s", words[1], strerrorname_np(errno));
  if (!*text) return blocked("%s is empty", words[1]);
  printf("%s\n", text);
  return worked("%s was read, %zu bytes", words[1], strlen(text));
}

/* write PATH TEXT: a file that should not be written. */
static int write_path(int count, char **words) {
  if (count < 3) return inconclusive("write needs a path and a text");
  return by_result(write_file(words[1], words[2], 0), words[1]);
}

/* mount TYPE PLACE [OPTIONS]: a file system that should not be mounted. */
static int mount_type(int count, char **words) {
  if (count < 3) return inconclusive("mount needs a type and a place");
  return by_result(mount("none", words[2], words[1], 0, count > 3 ? words[3] : NULL), words[1]);
}

const struct probe common_probes[] = {
    {"beat", just_beat}, {"nothing", nothing}, {"read", read_path}, {"write", write_path}, {"mount", mount_type}, {NULL, NULL}};
