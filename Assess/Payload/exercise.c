/* exercise: what programs ordinarily do, after SIGUSR1. Says READY and DONE. Ends by a signal only. */
#include "load.h"
#include "payload.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static void files(void) {
  static char block[16384];
  struct stat status;
  mkdir("/tmp/exercise", 0700);
  int file = open("/tmp/exercise/a", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (int index = 0; index < 16; index++) (void)!write(file, block, sizeof block);
  lseek(file, 0, SEEK_SET);
  for (int index = 0; index < 16; index++) (void)!read(file, block, sizeof block);
  (void)!ftruncate(file, 100);
  fstat(file, &status);
  close(file);
  chmod("/tmp/exercise/a", 0644);
  (void)!symlink("a", "/tmp/exercise/c");
  (void)!link("/tmp/exercise/a", "/tmp/exercise/d");
  rename("/tmp/exercise/a", "/tmp/exercise/b");
  stat("/tmp/exercise/b", &status);
  static const char *const left[] = {"/tmp/exercise/b", "/tmp/exercise/c", "/tmp/exercise/d"};
  DIR *folder = opendir("/tmp/exercise");
  if (folder) {
    while (readdir(folder)) continue;
    closedir(folder);
  }
  for (int index = 0; index < 3; index++) unlink(left[index]);
  rmdir("/tmp/exercise");
  static const char *const read[] = {"/etc/passwd", "/proc/self/status", "/proc/meminfo", "/proc/cpuinfo"};
  for (int index = 0; index < 4; index++) (void)read_file(read[index]);
}

static void memory(void) {
  size_t size = 1 << 20;
  char *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return;
  memset(place, 1, size);
  mprotect(place, size, PROT_READ);
  madvise(place, size, MADV_DONTNEED);
  munmap(place, size);
}

static void processes(void) {
  for (int index = 0; index < 4; index++) {
    pid_t child = fork();
    if (child == 0) {
      execl("/probe", "/probe", "true", (char *)NULL);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
  }
  struct timespec time = {0, 1000000};
  nanosleep(&time, NULL);
}

static void sockets(void) {
  char byte = 1;
  int ends[2];
  if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
    (void)!write(ends[0], &byte, 1);
    (void)!read(ends[1], &byte, 1);
    int waits = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(waits, EPOLL_CTL_ADD, ends[0], &event);
    epoll_wait(waits, &event, 1, 0);
    close(waits);
    close(ends[0]);
    close(ends[1]);
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (listener >= 0 && client >= 0 && !bind(listener, (void *)&address, size) && !listen(listener, 1) && !getsockname(listener, (void *)&address, &size) &&
      !connect(client, (void *)&address, size)) {
    int server = accept(listener, NULL, NULL);
    for (int index = 0; index < 16; index++) {
      (void)!write(client, &byte, 1);
      (void)!read(server, &byte, 1);
    }
    close(server);
  }
  if (client >= 0) close(client);
  if (listener >= 0) close(listener);
}

static void go_on(int signal) { (void)signal; }

static void wait_for_signal(void) {
  sigset_t set;
  int signal;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigwait(&set, &signal);
}

int exercise(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGUSR1, go_on);
  printf("READY\n");
  fflush(stdout);
  wait_for_signal();
  files();
  memory();
  processes();
  sockets();
  printf("DONE\n");
  fflush(stdout);
  for (;;) pause();
}
