// What compilers call without being asked, and only the mini-OS needs.
#if defined(__aarch64__) && !defined(__linux__)
#include <stddef.h>
#include <stdint.h>

__attribute__((no_builtin)) void *memmove(void *to, const void *from, size_t size) {
  if ((uintptr_t)to - (uintptr_t)from >= size) return __builtin_memcpy(to, from, size);
  unsigned char *t = (unsigned char *)to + size;
  const unsigned char *f = (const unsigned char *)from + size;
  while (size--) *--t = *--f;
  return to;
}

__attribute__((no_builtin)) int memcmp(const void *first, const void *second, size_t size) {
  const unsigned char *a = first, *b = second;
  for (; size; size--, a++, b++)
    if (*a != *b) return *a - *b;
  return 0;
}
#endif
