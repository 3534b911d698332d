#include "CLinux.h"
static int g_argc; static char **g_argv;
__attribute__((constructor(101))) static void early(int argc, char **argv, char **envp) { (void)envp; g_argc = argc; g_argv = argv; }
int rc_argc(void) { return g_argc; }
char **rc_argv(void) { return g_argv; }
