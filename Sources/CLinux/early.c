/* The constructor stage: what must happen before the Swift runtime runs.
 *
 * 1. Keep argc, argv and envp (Embedded Swift has no CommandLine).
 * 2. For the verbs that put a process of ours inside a container (create, run, exec, do): continue from
 *    an executable that nobody can write to, so that a process of the container that reaches it through
 *    /proc/PID/exe cannot overwrite the runtime (CVE-2019-5736). With CAP_SYS_ADMIN this is a detached,
 *    read-only clone of the mount of our own file; without, a sealed memfd copy, and only where the file
 *    is writable for us at all. */
#include "CLinux.h"

static int g_argc;
static char **g_argv;
static char **g_envp;
static int g_envc;
static int g_error;
static const char *g_stage = "";
static int g_sealed;

static const char sealed_marker[] = "_RCONTAINER_SEALED=";

int rc_argument_count(void) { return g_argc; }
const char *rc_argument(int index) { return index >= 0 && index < g_argc ? g_argv[index] : ""; }
int rc_environment_count(void) { return g_envc; }
const char *rc_environment(int index) { return index >= 0 && index < g_envc ? g_envp[index] : ""; }
int rc_early_error(void) { return g_error; }
const char *rc_early_stage(void) { return g_stage; }
int rc_executable_is_sealed(void) { return g_sealed; }

static int enters_a_container(int argc, char **argv) {
  /* `machine run` becomes another program, which is looked for beside our file. */
  if (argc > 1 && !strcmp(argv[1], "machine")) return 0;
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i];
    if (!strcmp(a, "--")) return 0;
    /* Only a pool's client, which enters none, has this option right behind the verb. */
    if (!strcmp(a, "do") && i + 1 < argc &&
        (!strcmp(argv[i + 1], "--pool") || !strncmp(argv[i + 1], "--pool=", 7)))
      return 0;
    if (!strcmp(a, "create") || !strcmp(a, "run") || !strcmp(a, "exec") || !strcmp(a, "do") ||
        !strcmp(a, "pool"))
      return 1;
  }
  return 0;
}

static int sealed_mount(int self) {
  int tree = (int)rc_open_tree(self, "", AT_EMPTY_PATH | RC_OPEN_TREE_CLONE);
  if (tree < 0) return tree;
  long r = rc_mount_setattr(tree, "", AT_EMPTY_PATH, RC_ATTR_RDONLY, 0, MS_PRIVATE, 0);
  if (r < 0) {
    close(tree);
    return (int)r;
  }
  return tree;
}

static int sealed_copy(int self) {
  int copy = (int)rc_memfd("rcontainer", MFD_ALLOW_SEALING);
  struct stat s;
  if (copy < 0) return copy;
  if (fstat(self, &s) != 0) return -errno;
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (from < 0) return -errno;
  static char buffer[65536];
  ssize_t n;
  while ((n = read(from, buffer, sizeof buffer)) > 0) {
    for (ssize_t done = 0; done < n;) {
      ssize_t w = write(copy, buffer + done, (size_t)(n - done));
      if (w < 0) return -errno;
      done += w;
    }
  }
  if (n < 0) return -errno;
  close(from);
  if (fcntl(copy, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return -errno;
  return copy;
}

static void continue_sealed(char **argv, char **envp, int count) {
  int self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
  if (self < 0) return;
  int sealed = sealed_mount(self);
  if (sealed < 0) {
    /* Not privileged. A file that we may not write to is safe from a container with our rights. */
    if (access("/proc/self/exe", W_OK) != 0) {
      close(self);
      return;
    }
    sealed = sealed_copy(self);
  }
  close(self);
  if (sealed < 0) {
    g_error = sealed;
    g_stage = "sealing the executable";
    return;
  }
  char **marked = malloc(((size_t)count + 2) * sizeof *marked);
  if (!marked) return;
  marked[0] = (char *)(uintptr_t)sealed_marker;
  memcpy(marked + 1, envp, ((size_t)count + 1) * sizeof *marked);
  syscall(SYS_execveat, sealed, "", argv, marked, AT_EMPTY_PATH);
  g_error = -errno;
  g_stage = "executing the sealed executable";
  free(marked);
  close(sealed);
}

__attribute__((constructor(101))) static void early(int argc, char **argv, char **envp) {
  int sealed = envp[0] && !strcmp(envp[0], sealed_marker);
  if (sealed) envp++; /* the marker is ours: nobody after us sees it */
  int count = 0;
  while (envp[count]) count++;
  g_argc = argc;
  g_argv = argv;
  g_envp = envp;
  g_envc = count;
  g_sealed = sealed;
  if (!sealed && enters_a_container(argc, argv)) continue_sealed(argv, envp, count);
}
