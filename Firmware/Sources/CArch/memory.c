// What compilers call without being asked. Both worlds use it.
#if defined(__aarch64__) && !defined(__linux__)
#include <stddef.h>
#include <stdint.h>

// Words that may be anywhere: unaligned ones are allowed in all memory that is used here.
typedef uint64_t __attribute__((aligned(1), may_alias)) word;

__attribute__((no_builtin)) void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *t = to;
  const unsigned char *f = from;
  for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word), f += sizeof(word))
    *(word *)t = *(const word *)f;
  while (size--) *t++ = *f++;
  return to;
}

__attribute__((no_builtin)) void *memmove(void *to, const void *from, size_t size) {
  if ((uintptr_t)to - (uintptr_t)from >= size) return memcpy(to, from, size);
  unsigned char *t = (unsigned char *)to + size;
  const unsigned char *f = (const unsigned char *)from + size;
  while (size--) *--t = *--f;
  return to;
}

__attribute__((no_builtin)) void *memset(void *to, int value, size_t size) {
  unsigned char *t = to;
  const uint64_t pattern = 0x0101010101010101u * (unsigned char)value;
  for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word)) *(word *)t = pattern;
  while (size--) *t++ = (unsigned char)value;
  return to;
}

__attribute__((no_builtin)) int memcmp(const void *first, const void *second, size_t size) {
  const unsigned char *a = first, *b = second;
  for (; size; size--, a++, b++)
    if (*a != *b) return *a - *b;
  return 0;
}
#endif
