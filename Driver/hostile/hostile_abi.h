/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/conshim-hostile: what a host that is against its con-shims can do from its kernel, for tests. Mapped at the
 * offset of a physical address it is that memory.
 */
#ifndef HOSTILE_ABI_H
#define HOSTILE_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct hostile_memory {
	__u64 address;		/* physical, in RAM */
	__u64 size;		/* up to 4096, within one page */
	__u64 buffer;		/* of the process */
};

/* Reads or writes memory through the kernel's own mapping: EFAULT where the kernel faults, ENXIO for no RAM. */
#define HOSTILE_READ	_IOW('H', 0x80, struct hostile_memory)
#define HOSTILE_WRITE	_IOW('H', 0x81, struct hostile_memory)

/* A call of the Monitor with any registers; x0 to x6 both ways. */
struct hostile_call {
	__u64 x[7];
};

#define HOSTILE_CALL	_IOWR('H', 0x82, struct hostile_call)

#endif
