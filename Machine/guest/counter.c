/* Prints the virtual counter. In icount mode it counts instructions, so two boots print the same number. */
#include <stdint.h>
#include <stdio.h>

int main(void) {
  uint64_t count;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count));
  printf("%llu\n", (unsigned long long)count);
  return 0;
}
