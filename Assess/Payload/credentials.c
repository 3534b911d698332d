/* Secrets that lie around near containers. */
#include "payload.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

extern char **environ;

/* environment: what the container was started with. */
static int environment(int count, char **words) {
  (void)count, (void)words;
  int secrets = 0;
  for (char **entry = environ; *entry; entry++) {
    printf("%s\n", *entry);
    if (strstr(*entry, "SECRET") || strstr(*entry, "TOKEN")) secrets++;
  }
  return secrets ? worked("%d secrets in the environment", secrets) : blocked("no secrets in the environment");
}

/* engine: the sockets that an engine is ordered about by. */
static int engine(int count, char **words) {
  (void)count, (void)words;
  const char *paths[] = {"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
                         "/run/crio/crio.sock"};
  int error = ENOENT;
  for (size_t index = 0; index < sizeof paths / sizeof *paths; index++) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, paths[index]);
    int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one >= 0 && connect(one, (void *)&address, sizeof address) == 0) {
      usleep(250000);
      return worked("%s answers", paths[index]);
    }
    if (errno != ENOENT) error = errno;
    if (one >= 0) close(one);
  }
  return blocked("no socket of an engine: %s", strerrorname_np(error));
}

static int listener;
static const char *look(void) {
  int one = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (one < 0) return NULL;
  close(one);
  return "somebody connected to the engine's socket";
}

/* engine-socket PATH: what stands for an engine. */
static int engine_socket(int count, char **words) {
  if (count < 2) return inconclusive("engine-socket needs a path");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(words[1]) >= sizeof address.sun_path) return inconclusive("the path is too long");
  strcpy(address.sun_path, words[1]);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4)) return inconclusive("%s: %s", words[1], strerrorname_np(errno));
  return beat(look);
}

/* first PATH...: the first file of these that can be read. */
static int first(int count, char **words) {
  int error = ENOENT;
  for (int index = 1; index < count; index++) {
    char *text = read_file(words[index]);
    if (text && *text) {
      printf("%.2000s\n", text);
      return worked("%s was read", words[index]);
    }
    if (errno != ENOENT) error = errno;
  }
  return blocked("none of the files: %s", strerrorname_np(error));
}

/* other-user: what a user without rights sees of root's first process. */
static int other_user(int count, char **words) {
  (void)count, (void)words;
  if (setgid(65534) || setuid(65534)) return blocked("the user can't be changed: %s", strerrorname_np(errno));
  char *text = read_file("/proc/1/environ");
  return text && *text ? worked("root's environment was read") : by_result(-1, "/proc/1/environ");
}

const struct probe credentials_probes[] = {{"environment", environment}, {"engine", engine}, {"engine-socket", engine_socket},
                                           {"first", first}, {"other-user", other_user}, {NULL, NULL}};
