/*
 * Process 1 of the machine: carries out commands that come through a virtio port, one at a time, and keeps a
 * shell on the console.
 *
 * Both directions carry frames: type (1 byte), length (4 bytes, little-endian), payload. A connection starts
 * with `MAGIC` and 16 bytes that the host chose, which come back the same; everything in front of it is left
 * over from an earlier connection and is thrown away.
 *
 *   from the host   E  run: flags (1 byte, bit 0: standard input follows), then arguments that end with NUL
 *                   I  standard input; an empty one ends it
 *                   K  send this signal (1 byte) to the command's session
 *                   Q  power off
 *   to the host     O, X  standard output, standard error
 *                   C  the command ended: its exit status (4 bytes), 128 + signal when a signal ended it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT "/dev/vport0p1"
#define JOB "/machine/job"
/* No frame starts with 0xff, so that a connection that starts in the middle of another is noticed. */
static const unsigned char MAGIC[16] = "\xff\xffRCONTAINER-M\xff\xff";
enum { NONCE = 16, HEADER = 5, LARGEST = 64 * 1024, SLICE = 16 * 1024 };

static int port = -1;
static pid_t command, shell;
static int input = -1, output = -1, errors = -1;
static int connected;

/* What has come from the host and is not used yet. */
static unsigned char in[HEADER + LARGEST];
static size_t in_size;
/* What the host has not taken yet; and standard input that the command has not taken yet. */
static unsigned char out[2 * LARGEST], pending[LARGEST];
static size_t out_size, pending_size;
static int input_ends;

static void fail(const char *what) {
  fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void flush(void) {
  size_t done = 0;
  while (done < out_size) {
    ssize_t n = write(port, out + done, out_size - done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  memmove(out, out + done, out_size - done);
  out_size -= done;
}

/* Callers leave room for every frame: output is read only when `out` is less than half full. */
static void put(unsigned char type, const void *payload, uint32_t size) {
  if (out_size + HEADER + size > sizeof out) return;
  unsigned char header[HEADER] = {type, size & 255, size >> 8 & 255, size >> 16 & 255, size >> 24};
  memcpy(out + out_size, header, HEADER);
  memcpy(out + out_size + HEADER, payload, size);
  out_size += HEADER + size;
  flush();
}

static void put_status(uint32_t status) {
  unsigned char bytes[4] = {status & 255, status >> 8 & 255, status >> 16 & 255, status >> 24};
  put('C', bytes, 4);
}

static void say_error(const char *what) {
  char text[256];
  int size = snprintf(text, sizeof text, "agent: %s: %s\n", what, strerror(errno));
  put('X', text, (uint32_t)size);
}

/* Closes what the command had, without a word to the host. */
static void forget(void) {
  close_fd(&input);
  close_fd(&output);
  close_fd(&errors);
  pending_size = 0;
  input_ends = 0;
  command = 0;
}

static void reset_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
}

static void start(char **arguments, int with_input) {
  int in_pipe[2] = {-1, -1}, out_pipe[2], error_pipe[2];
  if (with_input ? pipe2(in_pipe, O_CLOEXEC) : (in_pipe[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
    say_error("standard input");
    put_status(126);
    return;
  }
  if (pipe2(out_pipe, O_CLOEXEC) || pipe2(error_pipe, O_CLOEXEC)) fail("pipe");
  command = fork();
  if (command < 0) fail("fork");
  if (command == 0) {
    setsid();
    dup2(in_pipe[0], 0);
    dup2(out_pipe[1], 1);
    dup2(error_pipe[1], 2);
    reset_signals();
    if (chdir("/root")) _exit(126);
    execvp(arguments[0], arguments);
    int status = errno == ENOENT ? 127 : 126;
    fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
    _exit(status);
  }
  close(in_pipe[0]);
  close(out_pipe[1]);
  close(error_pipe[1]);
  input = in_pipe[1];
  output = out_pipe[0];
  errors = error_pipe[0];
  fcntl(input, F_SETFL, O_NONBLOCK);
  fcntl(output, F_SETFL, O_NONBLOCK);
  fcntl(errors, F_SETFL, O_NONBLOCK);
}

/* Runs what lies as arguments that end with NUL in `bytes`, whose last byte is NUL. */
static void start_list(char *bytes, size_t size, int with_input) {
  static char *arguments[4096];
  size_t count = 0;
  for (size_t at = 0; at < size && count < 4095; at += strlen(bytes + at) + 1) arguments[count++] = bytes + at;
  arguments[count] = NULL;
  if (command || count == 0) {
    errno = command ? EBUSY : EINVAL;
    say_error("command");
    put_status(126);
    return;
  }
  start(arguments, with_input);
}

static void power_off(void) {
  sync();
  reboot(RB_POWER_OFF);
}

/* Carries out one frame. Returns 0 if there is no such frame. */
static int handle(unsigned char type, unsigned char *payload, uint32_t size) {
  switch (type) {
  case 'E':
    if (size < 2 || payload[size - 1] != 0) return 0;
    start_list((char *)payload + 1, size - 1, payload[0] & 1);
    return 1;
  case 'I':
    /* What a command did not read is nothing to the next one. */
    if (input < 0) return 1;
    if (size == 0) input_ends = 1;
    else if (size <= sizeof pending - pending_size) {
      memcpy(pending + pending_size, payload, size);
      pending_size += size;
    }
    return 1;
  case 'K':
    if (size != 1) return 0;
    if (command) kill(-command, payload[0]);
    return 1;
  case 'Q':
    power_off();
    return 1;
  default:
    return 0;
  }
}

static void drop(size_t size) {
  memmove(in, in + size, in_size - size);
  in_size -= size;
}

static void disconnect(void) {
  connected = 0;
  out_size = 0;
  if (command) {
    kill(-command, SIGKILL);
    forget();
  }
}

/* Uses what has come, as far as it is complete. */
static void use(void) {
  for (;;) {
    unsigned char *found = in_size ? memmem(in, in_size, MAGIC, sizeof MAGIC) : NULL;
    if (!connected || in[0] == 0xff) {
      if (!found) {
        /* Nothing of it can be the start of the magic but the last bytes. */
        if (in_size > sizeof MAGIC) drop(in_size - sizeof MAGIC);
        return;
      }
      drop((size_t)(found - in));
      if (in_size < sizeof MAGIC + NONCE) return;
      /* The host repeats its greeting until it is answered. */
      static unsigned char last[NONCE];
      if (!connected || memcmp(last, in + sizeof MAGIC, NONCE)) {
        disconnect();
        connected = 1;
        memcpy(last, in + sizeof MAGIC, NONCE);
        memcpy(out, in, sizeof MAGIC + NONCE);
        out_size = sizeof MAGIC + NONCE;
        flush();
      }
      drop(sizeof MAGIC + NONCE);
      continue;
    }
    if (in_size < HEADER) return;
    uint32_t size = in[1] | (uint32_t)in[2] << 8 | (uint32_t)in[3] << 16 | (uint32_t)in[4] << 24;
    if (size > LARGEST) {
      disconnect();
      drop(1);
      continue;
    }
    if (in_size < HEADER + size) return;
    /* Standard input waits until the command takes it; everything after it waits as well. */
    if (in[0] == 'I' && input >= 0 && pending_size + size > sizeof pending) return;
    if (!handle(in[0], in + HEADER, size)) disconnect();
    drop(HEADER + size);
  }
}

/* Passes on what the command has written. Returns 0 when there is nothing more for now. */
static int relay(int *from, unsigned char type) {
  unsigned char slice[SLICE];
  if (*from < 0 || out_size >= LARGEST) return 0;
  ssize_t n = read(*from, slice, sizeof slice);
  if (n == 0) close_fd(from);
  if (n <= 0) return 0;
  put(type, slice, (uint32_t)n);
  return 1;
}

static void feed(void) {
  if (input < 0) return;
  if (pending_size) {
    ssize_t n = write(input, pending, pending_size);
    if (n < 0 && errno != EAGAIN) {
      close_fd(&input);
      pending_size = 0;
    } else if (n > 0) {
      memmove(pending, pending + n, pending_size - (size_t)n);
      pending_size -= (size_t)n;
    }
  }
  if (!pending_size && input_ends) close_fd(&input);
}

static int ended, end_status;

static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == shell) shell = 0;
    if (pid == command) {
      ended = 1;
      end_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}

/* A command has ended when its first process has; what it leaves behind may hold the pipes open for ever. */
static void finish(void) {
  while (relay(&output, 'O')) {}
  while (relay(&errors, 'X')) {}
  if (out_size >= LARGEST) return;
  ended = 0;
  forget();
  put_status((uint32_t)end_status);
}

static void start_shell(void) {
  shell = fork();
  if (shell) return;
  setsid();
  int console = open("/dev/ttyAMA0", O_RDWR);
  if (console < 0) _exit(1);
  ioctl(console, TIOCSCTTY, 1);
  for (int fd = 0; fd < 3; fd++) dup2(console, fd);
  if (console > 2) close(console);
  reset_signals();
  if (chdir("/root")) _exit(1);
  execl("/bin/sh", "-sh", NULL);
  _exit(1);
}

/* A command that was put into the initramfs needs nothing from the host: it starts at the same instruction. */
static void start_job(void) {
  static char job[LARGEST];
  int fd = open(JOB, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t size = read(fd, job, sizeof job);
  close(fd);
  connected = 1;
  memcpy(out, MAGIC, sizeof MAGIC);
  memset(out + sizeof MAGIC, 0, NONCE);
  out_size = sizeof MAGIC + NONCE;
  flush();
  if (size > 0 && job[size - 1] == 0) start_list(job, (size_t)size, 0);
}

int main(void) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  signal(SIGPIPE, SIG_IGN);
  int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0) fail("signalfd");
  setenv("HOME", "/root", 1);
  setenv("TERM", "linux", 1);
  setenv("PS1", "machine:\\w# ", 1);
  for (int attempt = 0; (port = open(PORT, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0; attempt++) {
    if (attempt == 500) {
      fprintf(stderr, "agent: no %s; only the console works\n", PORT);
      break;
    }
    usleep(10000);
  }
  if (port >= 0) start_job();
  for (;;) {
    if (!shell) start_shell();
    int room = out_size < LARGEST;
    struct pollfd fds[] = {
        {children, POLLIN, 0},
        {port, (short)((in_size < sizeof in ? POLLIN : 0) | (out_size ? POLLOUT : 0)), 0},
        {room ? output : -1, POLLIN, 0},
        {room ? errors : -1, POLLIN, 0},
        {pending_size || input_ends ? input : -1, POLLOUT, 0},
    };
    /* A port without a host always says so, which would keep this loop busy. */
    if (!connected && port >= 0) {
      struct pollfd only = {port, POLLIN, 0};
      poll(&only, 1, 0);
      if (only.revents & POLLHUP) fds[1].fd = -1;
    }
    if (poll(fds, 5, fds[1].fd < 0 && port >= 0 ? 20 : -1) < 0 && errno != EINTR) fail("poll");
    if (fds[0].revents) {
      struct signalfd_siginfo information;
      while (read(children, &information, sizeof information) > 0) {}
    }
    reap();
    if (fds[1].revents & POLLHUP && connected) {
      disconnect();
      in_size = 0;
    }
    if (fds[1].revents & POLLOUT) flush();
    if (fds[1].revents & POLLIN) {
      ssize_t n = read(port, in + in_size, sizeof in - in_size);
      if (n > 0) in_size += (size_t)n;
    }
    /* Each may make room for the other. */
    for (size_t used, fed;;) {
      used = in_size;
      fed = pending_size;
      use();
      feed();
      if (used == in_size && fed == pending_size) break;
    }
    relay(&output, 'O');
    relay(&errors, 'X');
    if (ended) {
      if (command) finish();
      else ended = 0;
    }
  }
}
