/* What tells a container of its host. The assessment compares what is said as VALUE with the host's own. */
#include "payload.h"

#include <dirent.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/utsname.h>

/* value PATH [WORD]: the first line that has the word in it. */
static int one_value(int count, char **words) {
  if (count < 2) return inconclusive("value needs a path");
  char *text = read_file(words[1]);
  if (!text) return blocked("%s: %s", words[1], strerrorname_np(errno));
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    if (count > 2 && !strstr(line, words[2])) continue;
    value(line);
    return worked("%s tells \"%.120s\"", words[1], line);
  }
  return blocked("%s does not tell it", words[1]);
}

/* names PATH: what is in a directory. */
static int names(int count, char **words) {
  if (count < 2) return inconclusive("names needs a path");
  DIR *folder = opendir(words[1]);
  if (!folder) return blocked("%s: %s", words[1], strerrorname_np(errno));
  int found = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "lo")) continue;
    if (found++ < 64) value(entry->d_name);
  }
  closedir(folder);
  return found ? worked("%d names in %s", found, words[1]) : blocked("%s is empty", words[1]);
}

static int host_name(int count, char **words) {
  (void)count, (void)words;
  struct utsname name;
  uname(&name);
  value(name.nodename);
  return worked("the host is called %s", name.nodename);
}

static int kernel_log(int count, char **words) {
  (void)count, (void)words;
  static char text[4096];
  int size = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof text);
  if (size < 0) return by_result(-1, "syslog");
  return size ? worked("%d bytes of the kernel's log", size) : blocked("the kernel's log is empty");
}

static int symbols(int count, char **words) {
  (void)count, (void)words;
  char *text = read_file("/proc/kallsyms");
  if (!text) return by_result(-1, "/proc/kallsyms");
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
    if (strtoull(line, NULL, 16)) return worked("addresses of the kernel are told");
  return blocked("all addresses are zero");
}

/* physical: the number of the page that a variable lies in. */
static int physical(int count, char **words) {
  (void)count, (void)words;
  int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return by_result(-1, "/proc/self/pagemap");
  volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page[0] = 1;
  uint64_t entry = 0;
  if (pread(file, &entry, 8, (off_t)((uintptr_t)page / 4096 * 8)) != 8) return by_result(-1, "pagemap");
  if (!(entry & ((1ull << 55) - 1))) return blocked("the number is hidden");
  return worked("physical addresses are told");
}

const struct probe leaks_probes[] = {{"value", one_value},     {"names", names},     {"host-name", host_name}, {"kernel-log", kernel_log},
                                     {"symbols", symbols}, {"physical", physical}, {NULL, NULL}};
