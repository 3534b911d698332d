/* service NAME SECONDS: runs a service of the host's programs beside its load, each on a processor of its own:
 *
 *   BENCH NAME RATE          requests, rows or runs in a second
 *   BENCH-FAILED NAME WHY */
#include "load.h"
#include "payload.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static const char *name;
static double seconds;

static int failed(const char *what) {
  printf("BENCH-FAILED %s %s: %s\n", name, what, strerrorname_np(errno));
  return 0;
}

static pid_t start(int cpu, const char *input, char *const *command) {
  fflush(stdout);
  pid_t child = fork();
  if (child) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  stay_on(cpu);
  int nowhere = open(input ? input : "/dev/null", O_RDONLY), output = open("/dev/null", O_WRONLY);
  dup2(nowhere, 0);
  dup2(output, 1);
  execvp(command[0], command);
  _exit(127);
}

/* 0, or errno's place holds why not. */
static int finish(pid_t child) {
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  errno = status == 127 << 8 ? ENOENT : ECHILD;
  return status ? -1 : 0;
}

/* A server is there when it can be connected to: ten seconds at most. */
static int connect_to(const struct sockaddr *address, socklen_t size) {
  for (double end = now() + 10; now() < end; usleep(5000)) {
    int client = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0) return -1;
    if (!connect(client, address, size)) return client;
    close(client);
  }
  errno = ETIMEDOUT;
  return -1;
}

/* Requests one after the other on each of some connections. All answers are as long as the first. */
static int load(const struct sockaddr *address, socklen_t size, const char *request) {
  enum { CONNECTIONS = 8 };
  struct pollfd clients[CONNECTIONS];
  long left[CONNECTIONS], length = 0, answers = 0;
  static char buffer[65536];
  size_t bytes = strlen(request);
  for (int index = 0; index < CONNECTIONS; index++) {
    clients[index] = (struct pollfd){connect_to(address, size), POLLIN, 0};
    if (clients[index].fd < 0) return failed("connect");
  }
  stay_on(processor(1));
  if (write(clients[0].fd, request, bytes) != (ssize_t)bytes) return failed("write");
  while (poll(clients, 1, length ? 50 : 2000) > 0) {
    ssize_t got = read(clients[0].fd, buffer, sizeof buffer);
    if (got <= 0) break;
    if (!length && !strncmp(buffer, "HTTP/1.1 ", 9) && strncmp(buffer + 9, "200", 3)) return errno = EPROTO, failed("the answer");
    if (!length && buffer[0] == '-') return errno = EPROTO, failed("the answer");
    length += got;
  }
  if (!length) return errno = EPROTO, failed("no answer");
  for (int index = 0; index < CONNECTIONS; index++) {
    left[index] = length;
    if (write(clients[index].fd, request, bytes) != (ssize_t)bytes) return failed("write");
  }
  double begin = now(), warm = begin + seconds / 4, end = begin + seconds * 5 / 4;
  for (;;) {
    double time = now();
    if (time > end) break;
    if (warm && time > warm) {
      begin = time;
      answers = 0;
      warm = 0;
    }
    if (poll(clients, CONNECTIONS, 2000) <= 0) return errno = ETIMEDOUT, failed("an answer");
    for (int index = 0; index < CONNECTIONS; index++) {
      if (!clients[index].revents) continue;
      ssize_t got = read(clients[index].fd, buffer, sizeof buffer);
      if (got <= 0) return errno = EPROTO, failed("the connection");
      left[index] -= got;
      if (left[index] > 0) continue;
      answers++;
      left[index] = length;
      if (write(clients[index].fd, request, bytes) != (ssize_t)bytes) return failed("write");
    }
  }
  printf("BENCH %s %.1f\n", name, (double)answers / (now() - begin));
  return 0;
}

static int redis(const char *request) {
  char *command[] = {"redis-server", "--port", "0", "--unixsocket", "/tmp/redis", "--save", "", "--appendonly", "no", NULL};
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/redis"};
  pid_t server = start(processor(0), NULL, command);
  if (server < 0) return failed("fork");
  load((void *)&address, sizeof address, request);
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  return 0;
}

static int nginx(void) {
  static char page[4097];
  memset(page, 'x', 4096);
  mkdir("/tmp/n", 0755);
  if (write_file("/tmp/n/page", page, O_CREAT | O_TRUNC) ||
      write_file("/tmp/n/conf",
                 "pid /tmp/n/pid; error_log /tmp/n/error; user root; daemon off; events {} http { access_log off; client_body_temp_path /tmp/n/a; "
                 "proxy_temp_path /tmp/n/b; fastcgi_temp_path /tmp/n/c; uwsgi_temp_path /tmp/n/d; scgi_temp_path /tmp/n/e; keepalive_requests 100000000; "
                 "server { listen 127.0.0.1:8080; root /tmp/n; } }",
                 O_CREAT | O_TRUNC))
    return failed("/tmp/n");
  char *command[] = {"nginx", "-e", "/tmp/n/error", "-c", "/tmp/n/conf", NULL};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  pid_t server = start(processor(0), NULL, command);
  if (server < 0) return failed("fork");
  load((void *)&address, sizeof address, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
  kill(server, SIGTERM);
  waitpid(server, NULL, 0);
  return 0;
}

/* How often in a second a command runs, which does the work of so many. */
static int rate(const char *input, double works, char *const *command) {
  if (finish(start(processor(0), input, command))) return failed(command[0]);
  double begin = now();
  long runs = 0;
  do {
    if (finish(start(processor(0), input, command))) return failed(command[0]);
    runs++;
  } while (now() - begin < seconds);
  printf("BENCH %s %.2f\n", name, (double)runs * works / (now() - begin));
  return 0;
}

static int sqlite(void) {
  enum { ROWS = 4000 };
  FILE *file = fopen("/tmp/words", "w");
  if (!file) return failed("/tmp/words");
  fprintf(file, "drop table if exists t; create table t(a integer primary key, b text);\n");
  for (int row = 0; row < ROWS; row++) fprintf(file, "insert into t(b) values('row %d');\n", row);
  fclose(file);
  char *command[] = {"sqlite3", "/tmp/base", NULL};
  return rate("/tmp/words", ROWS, command);
}

static int compile(void) {
  FILE *file = fopen("/tmp/a.c", "w");
  if (!file) return failed("/tmp/a.c");
  for (int index = 0; index < 100; index++)
    fprintf(file, "int f%d(int a, int *b) { int s = %d; for (int i = 0; i < a; i++) s += b[i] * %d ^ s >> 3; return s; }\n", index, index, index);
  fclose(file);
  char *command[] = {"gcc", "-O1", "-c", "-o", "/tmp/a.o", "/tmp/a.c", NULL};
  return rate(NULL, 1, command);
}

int service(int count, char **words) {
  if (count < 3) return inconclusive("service needs a name and seconds");
  name = words[1];
  seconds = atof(words[2]);
  signal(SIGPIPE, SIG_IGN);
  if (!strcmp(name, "redis-set")) return redis("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
  if (!strcmp(name, "redis-get")) return redis("*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
  if (!strcmp(name, "nginx")) return nginx();
  if (!strcmp(name, "sqlite-insert")) return sqlite();
  char *python[] = {"python3", "-c", "import json, http.server", NULL};
  if (!strcmp(name, "python-start")) return rate(NULL, 1, python);
  if (!strcmp(name, "compile")) return compile();
  return inconclusive("service \"%s\" is not known", name);
}
