/* Interfaces of the kernel that escapes were made of. What is opened is closed again with the process. */
#include "payload.h"

#include <sys/socket.h>

#include <linux/io_uring.h>

static int io_uring(int count, char **words) {
  (void)count, (void)words;
  struct io_uring_params params = {0};
  return by_result(syscall(SYS_io_uring_setup, 4, &params), "io_uring_setup");
}

static int packet_socket(int count, char **words) {
  (void)count, (void)words;
  return by_result(socket(AF_PACKET, SOCK_RAW, 0x0300), "a socket of AF_PACKET");
}

const struct probe kernel_probes[] = {{"io-uring", io_uring}, {"packet-socket", packet_socket}, {NULL, NULL}};
