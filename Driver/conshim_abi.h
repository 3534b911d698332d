/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host, the Monitor and the mini-OS of a CCA con-shim agree on: Core/Sources/ShimABI in C.
 * scripts/check-shim-abi compares the two, so a name here follows from the name there.
 *
 * The second part is the interface of /dev/conshim for the proxy. docs/cca.md explains both.
 */
#ifndef CONSHIM_ABI_H
#define CONSHIM_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* ShimABI */
#define CONSHIM_VERSION			0x10000ULL
#define CONSHIM_MAGIC			0x4d4948534e4f4352ULL
#define CONSHIM_GRANULE_SIZE		4096
#define CONSHIM_BOOT_BLOCK_GRANULES	512
#define CONSHIM_RANGE_LIMIT		512
#define CONSHIM_SHIM_LIMIT		24
#define CONSHIM_THREAD_LIMIT		512

/* ShimCall */
#define CONSHIM_CALL_VERSION		0xc3000000ULL
#define CONSHIM_CALL_INFO		0xc3000001ULL
#define CONSHIM_CALL_SHIM_CREATE	0xc3000002ULL
#define CONSHIM_CALL_SHIM_DESTROY	0xc3000003ULL
#define CONSHIM_CALL_DELEGATE		0xc3000004ULL
#define CONSHIM_CALL_UNDELEGATE		0xc3000005ULL
#define CONSHIM_CALL_EXCHANGE_MAP	0xc3000006ULL
#define CONSHIM_CALL_EXCHANGE_UNMAP	0xc3000007ULL
#define CONSHIM_CALL_RUN		0xc3000008ULL
#define CONSHIM_CALL_MEASURE		0xc3000009ULL
#define CONSHIM_CALL_SHIM_END		0xc300000aULL
#define CONSHIM_CALL_EXIT		0xc3000100ULL
#define CONSHIM_CALL_CLAIM		0xc3000101ULL
#define CONSHIM_CALL_RELEASE		0xc3000102ULL
#define CONSHIM_CALL_THREAD_CREATE	0xc3000103ULL
#define CONSHIM_CALL_ENTROPY		0xc3000104ULL
#define CONSHIM_CALL_EXTEND		0xc3000105ULL
#define CONSHIM_CALL_THREAD_REAP	0xc3000106ULL

/* ShimError */
#define CONSHIM_ERROR_NONE		0
#define CONSHIM_ERROR_UNKNOWN_CALL	1
#define CONSHIM_ERROR_INVALID		2
#define CONSHIM_ERROR_NO_SUCH_SHIM	3
#define CONSHIM_ERROR_GRANULE_STATE	4
#define CONSHIM_ERROR_BUSY		5
#define CONSHIM_ERROR_EXHAUSTED		6
#define CONSHIM_ERROR_ENDED		7
#define CONSHIM_ERROR_NO_EXCHANGE	8
#define CONSHIM_ERROR_OWNS_GRANULES	9

/* ExitReason */
#define CONSHIM_EXIT_INTERRUPT		0
#define CONSHIM_EXIT_FORWARD		1
#define CONSHIM_EXIT_MEMORY		2
#define CONSHIM_EXIT_ENDED		3
#define CONSHIM_EXIT_KILLED		4
#define CONSHIM_EXIT_BLOCK		5
#define CONSHIM_EXIT_WAKE		6

/* Exchange */
#define CONSHIM_EXCHANGE_GRANULES	32
#define CONSHIM_EXCHANGE_VERSION	0
#define CONSHIM_EXCHANGE_CALL		8
#define CONSHIM_EXCHANGE_RESULT		16
#define CONSHIM_EXCHANGE_NOT_MADE	-513
#define CONSHIM_EXCHANGE_ARGUMENTS	24
#define CONSHIM_EXCHANGE_POINTER_MASK	72
#define CONSHIM_EXCHANGE_SIGNALS	80
#define CONSHIM_EXCHANGE_GRANT_COUNT	88
#define CONSHIM_EXCHANGE_GRANTS		96
#define CONSHIM_EXCHANGE_GRANT_LIMIT	32
#define CONSHIM_EXCHANGE_WAKE_LIMIT	64
#define CONSHIM_EXCHANGE_NEW_THREAD	640
#define CONSHIM_EXCHANGE_SIGNAL_INFO	1024
#define CONSHIM_EXCHANGE_RING		2048
#define CONSHIM_EXCHANGE_DATA		4096
#define CONSHIM_EXCHANGE_SIZE		131072

/* ProxyCall */
#define CONSHIM_PROXY_START		0x10000
#define CONSHIM_PROXY_EXECUTED		0x10001
#define CONSHIM_PROXY_FORK		0x10002
#define CONSHIM_PROXY_DIE		0x10003
#define CONSHIM_PROXY_LOG		0x10004
#define CONSHIM_PROXY_NOT_STARTED	0x10005
#define CONSHIM_PROXY_THREAD		0x10006
#define CONSHIM_PROXY_ALONE		0x10007

/*
 * /dev/conshim. One open file is one con-shim, shared by the processes that inherit it; with the last of
 * them it ends. The exchange buffer of a thread is mapped at offset thread * CONSHIM_EXCHANGE_SIZE.
 */
struct conshim_run {
	__u32 thread;
	__u32 reason;		/* out: CONSHIM_EXIT_FORWARD, _ENDED or _KILLED */
	__u64 detail[2];	/* out */
};

struct conshim_measurement {
	__u8 digest[32];
};

/* Makes the con-shim of this open file, with thread 0. The argument is CONSHIM_VERSION. */
#define CONSHIM_CREATE	_IO('S', 0x80)
/* Gives the thread in the argument, which the mini-OS made, an exchange buffer. */
#define CONSHIM_THREAD	_IO('S', 0x81)
/* Runs a thread until it leaves for the proxy; EINTR when a signal is pending. */
#define CONSHIM_RUN	_IOWR('S', 0x82, struct conshim_run)
/* What the con-shim was measured to be. */
#define CONSHIM_MEASURE	_IOR('S', 0x83, struct conshim_measurement)
/* From now on the driver makes forwarded calls of lseek, read, write, pread64 and pwrite64 itself where they do not
 * wait. Filters (seccomp) see none of them: EPERM for a process that has one. Who installs one later that cares about
 * these calls must not ask for it. */
#define CONSHIM_MAKE_CALLS	_IO('S', 0x84)

#endif
