// What compilers call without being asked. Both worlds use it.
#if defined(__aarch64__) && !defined(__linux__)
#include <stddef.h>
#include <stdint.h>

// Words that may be anywhere: unaligned ones are allowed in all memory that is used here.
typedef uint64_t __attribute__((aligned(1), may_alias)) word;

__attribute__((no_builtin)) void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *t = to;
  const unsigned char *f = from;
  // Eight words at once, which are pairs of loads and stores.
  for (; size >= 8 * sizeof(word); size -= 8 * sizeof(word), t += 8 * sizeof(word), f += 8 * sizeof(word)) {
    const word *w = (const word *)f;
    const uint64_t a = w[0], b = w[1], c = w[2], d = w[3], e = w[4], g = w[5], h = w[6], i = w[7];
    word *v = (word *)t;
    v[0] = a, v[1] = b, v[2] = c, v[3] = d, v[4] = e, v[5] = g, v[6] = h, v[7] = i;
  }
  for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word), f += sizeof(word))
    *(word *)t = *(const word *)f;
  while (size--) *t++ = *f++;
  return to;
}

__attribute__((no_builtin)) void *memset(void *to, int value, size_t size) {
  unsigned char *t = to;
  const uint64_t pattern = 0x0101010101010101u * (unsigned char)value;
  for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word)) *(word *)t = pattern;
  while (size--) *t++ = (unsigned char)value;
  return to;
}
#endif
