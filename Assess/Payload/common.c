/* Companions, and what serves several probes. */
#include "payload.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

void value(const char *text) { printf("VALUE %s\n", text); }

pid_t find_process(const char *probe, const char *word) {
  DIR *folder = opendir("/proc");
  if (!folder) return 0;
  pid_t found = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    pid_t process = (pid_t)atoi(entry->d_name);
    if (process <= 0 || process == getpid() || process == getppid()) continue;
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ssize_t size = read(file, line, sizeof line - 1);
    close(file);
    if (size <= 0) continue;
    line[size] = 0;
    const char *second = line + strlen(line) + 1;
    if (second >= line + size || strcmp(second, probe)) continue;
    const char *third = second + strlen(second) + 1;
    if (third >= line + size || strcmp(third, word)) continue;
    /* Parent and child have the same words; the child is the one that works. */
    if (process > found) found = process;
  }
  closedir(folder);
  return found;
}

int try_open(const char *path, int flags) {
  int file = open(path, flags | O_CLOEXEC | O_NONBLOCK);
  if (file >= 0) close(file);
  return by_result(file, path);
}

int abstract_socket(const char *name, bool listens) {
  int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (one < 0) return -1;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1));
  if (listens ? bind(one, (void *)&address, size) || listen(one, 8) : connect(one, (void *)&address, size)) {
    int error = errno;
    close(one);
    errno = error;
    return -1;
  }
  return one;
}

/* beat [WORD]: a process that only lives. */
static int just_beat(int count, char **words) {
  (void)count, (void)words;
  return beat(NULL);
}

/* nothing: says that it runs. */
static int nothing(int count, char **words) {
  (void)count, (void)words;
  return blocked("nothing was tried");
}

/* sleep MILLISECONDS: is there for so long, and says nothing. */
static int rest(int count, char **words) {
  if (count > 1) usleep((useconds_t)atoi(words[1]) * 1000);
  return 0;
}

/* read PATH: a file that should not be there. */
static int read_path(int count, char **words) {
  if (count < 2) return inconclusive("read needs a path");
  char *text = read_file(words[1]);
  if (!text) return blocked("%s: %s", words[1], strerrorname_np(errno));
  if (!*text) return blocked("%s is empty", words[1]);
  printf("%.4000s\n", text);
  return worked("%s was read, %zu bytes", words[1], strlen(text));
}

/* write PATH TEXT: a file that should not be written. */
static int write_path(int count, char **words) {
  if (count < 3) return inconclusive("write needs a path and a text");
  return by_result(write_file(words[1], words[2], 0), words[1]);
}

/* readable PATH: only the first bytes, and not told. */
static int readable(int count, char **words) {
  if (count < 2) return inconclusive("readable needs a path");
  int file = open(words[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  char bytes[8];
  ssize_t size = file < 0 ? -1 : read(file, bytes, sizeof bytes);
  return size == 0 ? blocked("%s is empty", words[1]) : by_result(size, words[1]);
}

/* open-read PATH, open-write PATH: what is opened is neither read nor written. */
static int open_read(int count, char **words) {
  return count < 2 ? inconclusive("open-read needs a path") : try_open(words[1], O_RDONLY);
}
static int open_write(int count, char **words) {
  return count < 2 ? inconclusive("open-write needs a path") : try_open(words[1], O_WRONLY);
}

/* mount TYPE PLACE [OPTIONS]: a file system that should not be mounted. */
static int mount_type(int count, char **words) {
  if (count < 3) return inconclusive("mount needs a type and a place");
  long result = mount("none", words[2], words[1], MS_RDONLY, count > 3 ? words[3] : NULL);
  int error = errno;
  if (result == 0) umount2(words[2], MNT_DETACH);
  errno = error;
  return by_result(result, words[1]);
}

const struct probe common_probes[] = {
    {"beat", just_beat},   {"nothing", nothing},   {"sleep", rest},          {"read", read_path},         {"write", write_path},
    {"mount", mount_type}, {"readable", readable}, {"open-read", open_read}, {"open-write", open_write}, {NULL, NULL}};
