// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/conshim: gives con-shims memory of this machine and runs their threads.
 *
 * A con-shim is memory that this kernel cannot reach, with programs and a small kernel of their own in it. The
 * Monitor, in the firmware, decides who owns which granule; this module only asks it. Nothing here is trusted
 * by a con-shim: the worst that it can do is not to serve one.
 *
 * The interface for processes is in conshim_abi.h. It says nothing about how the memory is protected.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/arm-smccc.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/of.h>
#include <linux/sched/signal.h>
#include <linux/sched/xacct.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/unistd.h>
#include <linux/user_namespace.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "conshim_abi.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(area, flags)	((area)->vm_flags |= (flags))
#define vm_flags_clear(area, flags)	((area)->vm_flags &= ~(flags))
#endif
/* vfs_iter_write() does it itself since then. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define file_start_write(file)
#define file_end_write(file)
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define fd_file(fd)	((fd).file)
#endif

#define BOOT_ORDER	9
#define EXCHANGE_ORDER	5
/* The most granules that one exit for memory is answered with. */
#define GRANT_GRANULES	512
#define LARGEST_ORDER	9
/* What is kept from the con-shim for its proxies: 2 MiB in blocks of 64 KiB. */
#define RESERVE_ORDER	4
#define RESERVE_BLOCKS	32
/* Exchange buffers of threads that ended, kept for the next ones. */
#define EXCHANGE_POOL	4

static_assert(PAGE_SIZE == CONSHIM_GRANULE_SIZE);
static_assert((1 << BOOT_ORDER) == CONSHIM_BOOT_BLOCK_GRANULES);
static_assert((1 << EXCHANGE_ORDER) == CONSHIM_EXCHANGE_GRANULES);
static_assert((PAGE_SIZE << EXCHANGE_ORDER) == CONSHIM_EXCHANGE_SIZE);
static_assert((1 << LARGEST_ORDER) <= CONSHIM_RANGE_LIMIT);
static_assert(8 * CONSHIM_EXCHANGE_WAKE_LIMIT <= 16 * CONSHIM_EXCHANGE_GRANT_LIMIT);
static_assert(CONSHIM_EXCHANGE_GRANTS + 16 * CONSHIM_EXCHANGE_GRANT_LIMIT <= CONSHIM_EXCHANGE_NEW_THREAD);

/* The exchange buffer of one thread. */
struct exchange {
	struct page *pages;
	u64 thread;
	/* How many mappings processes have of it, and how many calls run the thread. */
	unsigned int mappings;
	unsigned int runs;
	bool was_mapped;
	/* The thread waits here until it is woken. */
	struct wait_queue_head waiting;
	bool woken;
	/* The con-shim has it too, and the thread is found by its number. */
	bool attached;
	/* The Monitor keeps the pages. */
	bool lost;
	/* The thread has not run since it was granted memory. */
	bool granted;
};

/* What an open file stands for. */
struct shim {
	/* Held for everything below, and never while the memory of a process is touched. */
	struct mutex lock;
	bool created;
	/* CONSHIM_MAKE_CALLS; once true it stays so. */
	bool makes_calls;
	u64 handle;
	struct page *boot;
	/* Blocks of memory given to the con-shim, linked by their first page. */
	struct list_head grants;
	/* Memory that keeps a con-shim from taking all of a limit: with nothing left its proxies would be killed. */
	struct list_head reserve;
	unsigned int reserve_blocks;
	struct xarray exchanges;
	struct page *pool[EXCHANGE_POOL];
};

/* The answer of the Monitor; values[0] is x1. */
struct answer {
	u64 error;
	u64 values[5];
};

static struct answer monitor(u64 call, u64 a, u64 b, u64 c, u64 d)
{
	struct arm_smccc_1_2_regs args = { .a0 = call, .a1 = a, .a2 = b, .a3 = c, .a4 = d };
	struct arm_smccc_1_2_regs res;

	arm_smccc_1_2_smc(&args, &res);
	return (struct answer){ res.a0, { res.a1, res.a2, res.a3, res.a4, res.a5 } };
}

/* Like monitor(), with the inline call that saves no registers: those that carry no answer come back as they were. */
static struct answer run_thread(u64 handle, u64 thread)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_smc(CONSHIM_CALL_RUN, handle, thread, &res);
	return (struct answer){ res.a0, { res.a1, res.a2, res.a3 } };
}

static int error_number(u64 error)
{
	switch (error) {
	case CONSHIM_ERROR_NONE:
		return 0;
	case CONSHIM_ERROR_NO_SUCH_SHIM:
		return -ESRCH;
	case CONSHIM_ERROR_GRANULE_STATE:
		return -EFAULT;
	case CONSHIM_ERROR_BUSY:
	case CONSHIM_ERROR_OWNS_GRANULES:
		return -EBUSY;
	case CONSHIM_ERROR_EXHAUSTED:
		return -EUSERS;
	case CONSHIM_ERROR_ENDED:
		return -EOWNERDEAD;
	case CONSHIM_ERROR_NO_EXCHANGE:
		return -ENXIO;
	default:
		return -EINVAL;
	}
}

/*
 * Takes granules back. They stay out of reach if the Monitor refuses: then they must never be used again,
 * since whoever touched them would fault.
 */
static bool take_back(struct shim *shim, struct page *page, unsigned int order, u64 call, u64 thread)
{
	struct answer answer;

	if (call == CONSHIM_CALL_EXCHANGE_UNMAP)
		answer = monitor(call, shim->handle, thread, 0, 0);
	else
		answer = monitor(call, shim->handle, page_to_phys(page), 1UL << order, 0);
	if (answer.error == CONSHIM_ERROR_NONE)
		return true;
	pr_warn("the Monitor keeps %lu pages at %pa (error %llu): they are lost\n", 1UL << order,
		&(phys_addr_t){ page_to_phys(page) }, answer.error);
	return false;
}

/* --- exchange buffers --- */

static void reclaim(struct shim *shim, struct exchange *exchange);

static struct page *exchange_pages(struct shim *shim)
{
	struct page *pages;
	int i;

	/* What another thread of the same con-shim left in it is no secret from this one's proxy. */
	for (i = 0; i < EXCHANGE_POOL; i++) {
		pages = shim->pool[i];
		if (!pages)
			continue;
		shim->pool[i] = NULL;
		clear_page(page_address(pages));
		return pages;
	}
	pages = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN, EXCHANGE_ORDER);
	if (pages)
		split_page(pages, EXCHANGE_ORDER);
	return pages;
}

static void exchange_free_pages(struct shim *shim, struct page *pages)
{
	bool used = false;
	int i;

	for (i = 0; i < CONSHIM_EXCHANGE_GRANULES; i++)
		used |= page_count(pages + i) != 1;
	for (i = 0; !used && i < EXCHANGE_POOL; i++) {
		if (shim->pool[i])
			continue;
		shim->pool[i] = pages;
		return;
	}
	/* One by one: I/O that still goes on keeps its page. */
	for (i = 0; i < CONSHIM_EXCHANGE_GRANULES; i++)
		put_page(pages + i);
}

static void exchange_pool_free(struct shim *shim)
{
	int i, k;

	for (i = 0; i < EXCHANGE_POOL; i++) {
		for (k = 0; shim->pool[i] && k < CONSHIM_EXCHANGE_GRANULES; k++)
			put_page(shim->pool[i] + k);
		shim->pool[i] = NULL;
	}
}

static int exchange_add(struct shim *shim, u64 thread)
{
	struct exchange *exchange;
	struct answer answer;
	u64 *header;
	int error;

	if (thread >= CONSHIM_THREAD_LIMIT)
		return -EINVAL;
	if (xa_load(&shim->exchanges, thread))
		return -EEXIST;
	exchange = kzalloc(sizeof(*exchange), GFP_KERNEL_ACCOUNT);
	if (!exchange)
		return -ENOMEM;
	exchange->thread = thread;
	exchange->attached = true;
	init_waitqueue_head(&exchange->waiting);
	exchange->pages = exchange_pages(shim);
	if (!exchange->pages) {
		kfree(exchange);
		return -ENOMEM;
	}
	header = page_address(exchange->pages);
	WRITE_ONCE(header[CONSHIM_EXCHANGE_VERSION / 8], CONSHIM_VERSION);
	error = xa_err(xa_store(&shim->exchanges, thread, exchange, GFP_KERNEL_ACCOUNT));
	if (error)
		goto free;
	answer = monitor(CONSHIM_CALL_EXCHANGE_MAP, shim->handle, thread, page_to_phys(exchange->pages),
			 CONSHIM_EXCHANGE_GRANULES);
	error = error_number(answer.error);
	if (!error)
		return 0;
	xa_erase(&shim->exchanges, thread);
free:
	exchange_free_pages(shim, exchange->pages);
	kfree(exchange);
	return error;
}

/* The con-shim has it no more. The number may be another thread's from now on. */
static void exchange_detach(struct shim *shim, struct exchange *exchange)
{
	if (!exchange->attached)
		return;
	exchange->attached = false;
	xa_erase(&shim->exchanges, exchange->thread);
	exchange->lost = !take_back(shim, exchange->pages, EXCHANGE_ORDER, CONSHIM_CALL_EXCHANGE_UNMAP,
				    exchange->thread);
}

/* Without a mapping nobody answers the thread, so that it is not run again. */
static void exchange_drop_unused(struct shim *shim, struct exchange *exchange)
{
	if (exchange->mappings || exchange->runs)
		return;
	/* It will not hear of it. */
	if (exchange->granted)
		reclaim(shim, exchange);
	exchange_detach(shim, exchange);
	if (!exchange->lost)
		exchange_free_pages(shim, exchange->pages);
	kfree(exchange);
}

static void mapping_open(struct vm_area_struct *area)
{
	struct shim *shim = area->vm_file->private_data;
	struct exchange *exchange = area->vm_private_data;

	mutex_lock(&shim->lock);
	exchange->mappings++;
	mutex_unlock(&shim->lock);
}

static void mapping_close(struct vm_area_struct *area)
{
	struct shim *shim = area->vm_file->private_data;
	struct exchange *exchange = area->vm_private_data;

	mutex_lock(&shim->lock);
	exchange->mappings--;
	exchange_drop_unused(shim, exchange);
	mutex_unlock(&shim->lock);
}

/* A part of a mapping would be counted like a whole one. */
static int mapping_may_split(struct vm_area_struct *area, unsigned long address)
{
	return -EINVAL;
}

/* A proxy touches few of the pages, and its children none of them. */
static vm_fault_t mapping_fault(struct vm_fault *fault)
{
	struct exchange *exchange = fault->vma->vm_private_data;
	unsigned long index = (fault->address - fault->vma->vm_start) >> PAGE_SHIFT;

	if (index >= CONSHIM_EXCHANGE_GRANULES || exchange->lost)
		return VM_FAULT_SIGBUS;
	fault->page = exchange->pages + index;
	get_page(fault->page);
	return 0;
}

static const struct vm_operations_struct mapping_operations = {
	.fault = mapping_fault,
	.open = mapping_open,
	.close = mapping_close,
	.may_split = mapping_may_split,
};

static int conshim_mmap(struct file *file, struct vm_area_struct *area)
{
	struct shim *shim = file->private_data;
	unsigned long thread = area->vm_pgoff >> EXCHANGE_ORDER;
	struct exchange *exchange;
	int error = -ENXIO;

	if (area->vm_pgoff & ((1 << EXCHANGE_ORDER) - 1) || !(area->vm_flags & VM_SHARED) ||
	    area->vm_flags & VM_EXEC || area->vm_end - area->vm_start != CONSHIM_EXCHANGE_SIZE)
		return -EINVAL;
	mutex_lock(&shim->lock);
	exchange = xa_load(&shim->exchanges, thread);
	if (!exchange)
		goto unlock;
	error = 0;
	vm_flags_set(area, VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(area, VM_MAYEXEC);
	area->vm_private_data = exchange;
	area->vm_ops = &mapping_operations;
	exchange->mappings++;
	exchange->was_mapped = true;
unlock:
	mutex_unlock(&shim->lock);
	return error;
}

/* --- memory --- */

/* What tells the first page of a block that is in the list from all others. */
static unsigned long block_mark(struct shim *shim, unsigned int order)
{
	return (unsigned long)shim + order;
}

static unsigned int block_order(struct shim *shim, struct page *block)
{
	return page_private(block) - (unsigned long)shim;
}

static void block_add(struct shim *shim, struct page *block, unsigned int order, struct list_head *after)
{
	set_page_private(block, block_mark(shim, order));
	list_add(&block->lru, after);
}

static void block_remove(struct page *block)
{
	list_del(&block->lru);
	set_page_private(block, 0);
}

/* The block that a page is in. */
static struct page *block_of(struct shim *shim, unsigned long pfn)
{
	unsigned int order;

	for (order = 0; order <= LARGEST_ORDER; order++) {
		unsigned long first = pfn & ~((1UL << order) - 1);

		if (pfn_valid(first) && page_private(pfn_to_page(first)) == block_mark(shim, order))
			return pfn_to_page(first);
	}
	return NULL;
}

/* Frees a page that is this kernel's again; the others of its block become blocks of their own. */
static void block_free_page(struct shim *shim, unsigned long pfn)
{
	struct page *block = block_of(shim, pfn);
	unsigned int order = block_order(shim, block);
	struct list_head *after = block->lru.prev;
	unsigned long i;

	block_remove(block);
	split_page(block, order);
	for (i = 1UL << order; i-- > 0;) {
		if (page_to_pfn(block + i) == pfn)
			__free_page(block + i);
		else
			block_add(shim, block + i, 0, after);
	}
}

/* Takes back what the header names, unless the Monitor says that the con-shim uses it. */
static void reclaim(struct shim *shim, struct exchange *exchange)
{
	u64 *header = page_address(exchange->pages);
	u64 *grants = header + CONSHIM_EXCHANGE_GRANTS / 8;
	u64 pairs = min_t(u64, READ_ONCE(header[CONSHIM_EXCHANGE_GRANT_COUNT / 8]), CONSHIM_EXCHANGE_GRANT_LIMIT);
	u64 i, k;

	for (i = 0; i < pairs; i++) {
		u64 address = READ_ONCE(grants[2 * i]), count = READ_ONCE(grants[2 * i + 1]);
		struct page *block = block_of(shim, PHYS_PFN(address));

		if (!PAGE_ALIGNED(address) || !count || count > CONSHIM_RANGE_LIMIT)
			continue;
		for (k = 0; k < count && block_of(shim, PHYS_PFN(address) + k); k++)
			;
		if (k < count || monitor(CONSHIM_CALL_UNDELEGATE, shim->handle, address, count, 0).error)
			continue;
		if (count == 1UL << block_order(shim, block) && page_to_phys(block) == address) {
			block_remove(block);
			__free_pages(block, ilog2(count));
			continue;
		}
		for (k = 0; k < count; k++)
			block_free_page(shim, PHYS_PFN(address) + k);
		cond_resched();
	}
}

/* The mini-OS says that it released memory. */
static void take_released(struct shim *shim, struct exchange *exchange)
{
	mutex_lock(&shim->lock);
	reclaim(shim, exchange);
	mutex_unlock(&shim->lock);
}

/*
 * One block of up to 2^order pages that now is the con-shim's. A large one is taken only if it is at hand; a
 * single page is worth some work, but not that the out-of-memory killer comes: it would find small proxies.
 * The mini-OS knows better who should end.
 */
static struct page *grant_block(struct shim *shim, unsigned int order)
{
	/* Not compound: a part of it may come back. */
	gfp_t flags = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct answer answer;
	struct page *page;

	for (;;) {
		page = alloc_pages(flags | (order ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL), order);
		if (page || !order)
			break;
		order--;
	}
	if (!page)
		return NULL;
	answer = monitor(CONSHIM_CALL_DELEGATE, shim->handle, page_to_phys(page), 1UL << order, 0);
	if (answer.error) {
		__free_pages(page, order);
		return NULL;
	}
	block_add(shim, page, order, &shim->grants);
	return page;
}

static bool reserve_fill(struct shim *shim)
{
	while (shim->reserve_blocks < RESERVE_BLOCKS) {
		struct page *page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_COMP | __GFP_NOWARN | __GFP_RETRY_MAYFAIL,
						RESERVE_ORDER);

		if (!page)
			return false;
		list_add(&page->lru, &shim->reserve);
		shim->reserve_blocks++;
	}
	return true;
}

static void reserve_free(struct shim *shim)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &shim->reserve, lru) {
		list_del(&page->lru);
		__free_pages(page, RESERVE_ORDER);
	}
	shim->reserve_blocks = 0;
}

/* Answers an exit for memory. The con-shim is told how much it got, and decides what that means. */
static void grant(struct shim *shim, struct exchange *exchange, u64 wanted)
{
	u64 *header = page_address(exchange->pages);
	u64 *grants = header + CONSHIM_EXCHANGE_GRANTS / 8;
	u64 granules = clamp_t(u64, wanted, 1, GRANT_GRANULES);
	unsigned int count = 0;

	mutex_lock(&shim->lock);
	if (!reserve_fill(shim))
		granules = 0;
	while (granules && count < CONSHIM_EXCHANGE_GRANT_LIMIT) {
		struct page *page;

		if (fatal_signal_pending(current))
			break;
		page = grant_block(shim, min_t(unsigned int, ilog2(granules), LARGEST_ORDER));
		if (!page)
			break;
		WRITE_ONCE(grants[2 * count], page_to_phys(page));
		WRITE_ONCE(grants[2 * count + 1], 1UL << block_order(shim, page));
		granules -= 1UL << block_order(shim, page);
		count++;
		cond_resched();
	}
	if (!count)
		reserve_free(shim);
	WRITE_ONCE(header[CONSHIM_EXCHANGE_GRANT_COUNT / 8], count);
	exchange->granted = true;
	mutex_unlock(&shim->lock);
}

/* --- waiting --- */

/* A signal that was noted since the thread looked is a reason to go on; so is one that comes (shim_run sees it). */
static void block(struct exchange *exchange, u64 nanoseconds)
{
	u64 *header = page_address(exchange->pages);
	/* A day; the thread looks at the clock itself. */
	ktime_t timeout = ns_to_ktime(min_t(u64, nanoseconds, 86400ULL * NSEC_PER_SEC));

	wait_event_interruptible_hrtimeout(exchange->waiting,
					   smp_load_acquire(&exchange->woken) ||
						   READ_ONCE(header[CONSHIM_EXCHANGE_SIGNALS / 8]),
					   timeout);
	xchg(&exchange->woken, false);
}

static void wake(struct shim *shim, struct exchange *exchange, u64 count)
{
	u64 *threads = (u64 *)page_address(exchange->pages) + CONSHIM_EXCHANGE_GRANTS / 8;
	u64 i;

	mutex_lock(&shim->lock);
	for (i = 0; i < min_t(u64, count, CONSHIM_EXCHANGE_WAKE_LIMIT); i++) {
		struct exchange *other = xa_load(&shim->exchanges, READ_ONCE(threads[i]));

		if (other) {
			smp_store_release(&other->woken, true);
			wake_up(&other->waiting);
		}
		WRITE_ONCE(threads[i], !!other);
	}
	mutex_unlock(&shim->lock);
}

/* --- forwarded calls that are made here --- */

/* What a process has to do on its way to user mode before anything else. */
#define PROCESS_WORK	(_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME | _TIF_UPROBE)
/* Somebody watches the calls of the process. A seccomp filter is what CONSHIM_MAKE_CALLS is about. */
#define CALL_WORK	(_TIF_SYSCALL_WORK & ~_TIF_SECCOMP)

/* Whether a transfer on the socket is the same from memory of the kernel, as not in all families. */
static bool socket_is_known(struct file *file)
{
	struct socket *socket = sock_from_file(file);
	int family = socket ? READ_ONCE(socket->ops)->family : AF_UNSPEC;

	return family == AF_UNIX || family == AF_INET || family == AF_INET6;
}

/* Whether a call on the file waits for nobody but the machine itself, and is the same from memory of the kernel. */
static bool file_is_ready(struct file *file)
{
	struct inode *inode = file_inode(file);

	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		return !(file->f_flags & O_DIRECT);
	case S_IFCHR:
		/* null, zero, full and urandom: Documentation/admin-guide/devices.txt */
		return imajor(inode) == MEM_MAJOR && (iminor(inode) == 3 || iminor(inode) == 5 ||
						      iminor(inode) == 7 || iminor(inode) == 9);
	case S_IFIFO:
		return file->f_flags & O_NONBLOCK;
	case S_IFSOCK:
		return file->f_flags & O_NONBLOCK && socket_is_known(file);
	default:
		return false;
	}
}

/* -ENOSYS: not here. The checks are those of read(2) and its like that vfs_iter_read does not make. */
static long transfer_here(struct file *file, u64 call, u64 *header, loff_t *position)
{
	u64 offset = READ_ONCE(header[CONSHIM_EXCHANGE_ARGUMENTS / 8 + 1]);
	u64 count = READ_ONCE(header[CONSHIM_EXCHANGE_ARGUMENTS / 8 + 2]);
	bool writes = call == __NR_write || call == __NR_pwrite64;
	bool is_device = S_ISCHR(file_inode(file)->i_mode);
	struct iov_iter iter;
	struct kvec vector;
	long result;

	if (READ_ONCE(header[CONSHIM_EXCHANGE_POINTER_MASK / 8]) != 2)
		return -ENOSYS;
	/* Nothing to transfer is not the same for all files: let read(2) and write(2) say. */
	if (!count || offset < CONSHIM_EXCHANGE_DATA || offset >= CONSHIM_EXCHANGE_SIZE ||
	    count > CONSHIM_EXCHANGE_SIZE - offset)
		return -ENOSYS;
	/* With both ways, read and read_iter, it is not said that they do the same; of these devices it is known. */
	if (writes ? !file->f_op->write_iter || (file->f_op->write && !is_device) :
		     !file->f_op->read_iter || (file->f_op->read && !is_device))
		return -ENOSYS;
	vector.iov_base = (char *)header + offset;
	vector.iov_len = count;
	iov_iter_kvec(&iter, writes ? WRITE : READ, &vector, 1, count);
	if (writes) {
		file_start_write(file);
		result = vfs_iter_write(file, &iter, position, 0);
		file_end_write(file);
		if (result > 0)
			add_wchar(current, result);
		inc_syscw(current);
	} else {
		result = vfs_iter_read(file, &iter, position, 0);
		if (result > 0)
			add_rchar(current, result);
		inc_syscr(current);
	}
	return result;
}

/* A call that uses the position of the file: as fdget_pos() has it, one at a time if others have the file too. */
static long positioned_here(struct file *file, u64 call, u64 *header)
{
	bool locks = file->f_mode & FMODE_ATOMIC_POS && file_count(file) > 1;
	unsigned int origin = READ_ONCE(header[CONSHIM_EXCHANGE_ARGUMENTS / 8 + 2]);
	long result = -ENOSYS;
	loff_t position;

	if (locks)
		mutex_lock(&file->f_pos_lock);
	if (call == __NR_lseek) {
		if (origin <= SEEK_MAX && !READ_ONCE(header[CONSHIM_EXCHANGE_POINTER_MASK / 8]))
			result = vfs_llseek(file, READ_ONCE(header[CONSHIM_EXCHANGE_ARGUMENTS / 8 + 1]), origin);
	} else if (file->f_mode & FMODE_STREAM) {
		result = transfer_here(file, call, header, NULL);
	} else {
		position = file->f_pos;
		result = transfer_here(file, call, header, &position);
		if (result >= 0)
			file->f_pos = position;
	}
	if (locks)
		mutex_unlock(&file->f_pos_lock);
	return result;
}

/*
 * Makes the forwarded call, if it is a frequent one on a file where it does not wait: the way through the process
 * costs several times as much as the call. False if it was not made, for whatever reason: the process makes it, or says
 * what is wrong with it.
 */
static bool make_here(struct exchange *exchange)
{
	u64 *header = page_address(exchange->pages);
	u64 call = READ_ONCE(header[CONSHIM_EXCHANGE_CALL / 8]);
	long result = -ENOSYS;
	loff_t position;
	struct file *file;
	struct fd fd;

	if (call != __NR_lseek && call != __NR_read && call != __NR_write && call != __NR_pread64 &&
	    call != __NR_pwrite64)
		return false;
	/* A signal comes before the call: the process says so to the program. */
	if (READ_ONCE(header[CONSHIM_EXCHANGE_SIGNALS / 8]) || read_thread_flags() & (PROCESS_WORK | CALL_WORK))
		return false;
	fd = fdget(READ_ONCE(header[CONSHIM_EXCHANGE_ARGUMENTS / 8]));
	file = fd_file(fd);
	if (!file)
		return false;
	/* The file of the con-shim itself is none of these, so it stays out of reach. */
	if (file_is_ready(file)) {
		position = READ_ONCE(header[CONSHIM_EXCHANGE_ARGUMENTS / 8 + 3]);
		if (call != __NR_pread64 && call != __NR_pwrite64)
			result = positioned_here(file, call, header);
		else if (file->f_mode & (call == __NR_pread64 ? FMODE_PREAD : FMODE_PWRITE) && position >= 0)
			result = transfer_here(file, call, header, &position);
	}
	fdput(fd);
	/* Interrupted without having done anything: again, by the process, which looks at the signal first. */
	if (result == -ENOSYS || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK))
		return false;
	WRITE_ONCE(header[CONSHIM_EXCHANGE_RESULT / 8], result);
	return true;
}

/* --- the calls --- */

static int shim_create(struct shim *shim, unsigned long version)
{
	struct answer answer;
	int error;

	if (version >> 16 != CONSHIM_VERSION >> 16)
		return -EPROTO;
	if (shim->created)
		return -EEXIST;
	shim->boot = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_COMP | __GFP_NOWARN | __GFP_RETRY_MAYFAIL, BOOT_ORDER);
	if (!shim->boot)
		return -ENOMEM;
	answer = monitor(CONSHIM_CALL_SHIM_CREATE, page_to_phys(shim->boot), 0, 0, 0);
	error = error_number(answer.error);
	if (error) {
		__free_pages(shim->boot, BOOT_ORDER);
		shim->boot = NULL;
		return error;
	}
	shim->handle = answer.values[0];
	shim->created = true;
	/* If this fails the con-shim stays, without a thread that can run, until the file is closed. */
	return exchange_add(shim, 0);
}

static void shim_destroy(struct shim *shim)
{
	struct exchange *exchange;
	struct page *page, *next;
	unsigned long thread;
	struct answer answer;

	reserve_free(shim);
	answer = monitor(CONSHIM_CALL_SHIM_END, shim->handle, 0, 0, 0);
	if (answer.error)
		pr_warn("con-shim %llu does not end (error %llu)\n", shim->handle, answer.error);
	xa_for_each(&shim->exchanges, thread, exchange)
		exchange_drop_unused(shim, exchange);
	list_for_each_entry_safe(page, next, &shim->grants, lru) {
		unsigned int order = block_order(shim, page);

		block_remove(page);
		if (take_back(shim, page, order, CONSHIM_CALL_UNDELEGATE, 0))
			__free_pages(page, order);
		cond_resched();
	}
	if (take_back(shim, shim->boot, BOOT_ORDER, CONSHIM_CALL_UNDELEGATE, 0))
		__free_pages(shim->boot, BOOT_ORDER);
	answer = monitor(CONSHIM_CALL_SHIM_DESTROY, shim->handle, 0, 0, 0);
	if (answer.error)
		pr_warn("con-shim %llu is not destroyed (error %llu)\n", shim->handle, answer.error);
}

/* Runs a thread until it leaves for something that only the process can do. */
static int shim_run(struct shim *shim, struct exchange *exchange, struct conshim_run *run)
{
	int error;

	for (;;) {
		struct answer answer;

		exchange->granted = false;
		answer = run_thread(shim->handle, run->thread);

		if (answer.error == CONSHIM_ERROR_ENDED) {
			/* Ended by another thread's doing; for this process it is the same. */
			answer = (struct answer){ 0, { CONSHIM_EXIT_KILLED } };
		}
		error = error_number(answer.error);
		if (error)
			return error;
		switch (answer.values[0]) {
		case CONSHIM_EXIT_INTERRUPT:
			/* It was taken as soon as the Monitor had come back here. */
			break;
		case CONSHIM_EXIT_MEMORY:
			if (answer.values[1])
				grant(shim, exchange, answer.values[1]);
			else
				take_released(shim, exchange);
			break;
		case CONSHIM_EXIT_BLOCK:
			block(exchange, answer.values[1]);
			break;
		case CONSHIM_EXIT_WAKE:
			wake(shim, exchange, answer.values[1]);
			break;
		case CONSHIM_EXIT_FORWARD:
			if (READ_ONCE(shim->makes_calls) && make_here(exchange))
				break;
			fallthrough;
		default:
			run->reason = answer.values[0];
			run->detail[0] = answer.values[1];
			run->detail[1] = answer.values[2];
			return 0;
		}
		cond_resched();
		if (read_thread_flags() & PROCESS_WORK)
			return -EINTR;
	}
}

static long conshim_ioctl_run(struct shim *shim, void __user *argument)
{
	struct exchange *exchange;
	struct conshim_run run;
	long error;

	if (copy_from_user(&run, argument, sizeof(run)))
		return -EFAULT;
	mutex_lock(&shim->lock);
	exchange = shim->created ? xa_load(&shim->exchanges, run.thread) : NULL;
	if (exchange)
		exchange->runs++;
	mutex_unlock(&shim->lock);
	if (!exchange)
		return -ENXIO;
	run.reason = 0;
	run.detail[0] = 0;
	run.detail[1] = 0;
	error = shim_run(shim, exchange, &run);
	mutex_lock(&shim->lock);
	exchange->runs--;
	if (!error && run.reason == CONSHIM_EXIT_ENDED)
		exchange_detach(shim, exchange);
	/* One that was not mapped yet stays for who will map it. */
	if (!exchange->attached || exchange->was_mapped)
		exchange_drop_unused(shim, exchange);
	mutex_unlock(&shim->lock);
	if (error)
		return error;
	return copy_to_user(argument, &run, sizeof(run)) ? -EFAULT : 0;
}

static long conshim_ioctl_measure(struct shim *shim, void __user *argument)
{
	struct conshim_measurement measurement;
	struct answer answer;
	int i;

	mutex_lock(&shim->lock);
	if (shim->created)
		answer = monitor(CONSHIM_CALL_MEASURE, shim->handle, 0, 0, 0);
	else
		answer = (struct answer){ CONSHIM_ERROR_NO_SUCH_SHIM };
	mutex_unlock(&shim->lock);
	if (answer.error)
		return error_number(answer.error);
	for (i = 0; i < 4; i++)
		*(__be64 *)(measurement.digest + 8 * i) = cpu_to_be64(answer.values[i]);
	return copy_to_user(argument, &measurement, sizeof(measurement)) ? -EFAULT : 0;
}

static long conshim_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct shim *shim = file->private_data;
	long error;

	switch (request) {
	case CONSHIM_CREATE:
		mutex_lock(&shim->lock);
		error = shim_create(shim, argument);
		mutex_unlock(&shim->lock);
		return error;
	case CONSHIM_THREAD:
		mutex_lock(&shim->lock);
		error = shim->created ? exchange_add(shim, argument) : -ENXIO;
		mutex_unlock(&shim->lock);
		return error;
	case CONSHIM_MAKE_CALLS:
		/* Who has a filter has to keep to it, and would not by saying that it does not matter. */
		if (read_thread_flags() & _TIF_SECCOMP)
			return -EPERM;
		WRITE_ONCE(shim->makes_calls, true);
		return 0;
	case CONSHIM_RUN:
		return conshim_ioctl_run(shim, (void __user *)argument);
	case CONSHIM_MEASURE:
		return conshim_ioctl_measure(shim, (void __user *)argument);
	default:
		return -ENOTTY;
	}
}

static int conshim_open(struct inode *inode, struct file *file)
{
	struct shim *shim;

	/* A container sees the descriptor of its proxies in /proc, and must not open the device anew through that. */
	if (current_user_ns() != &init_user_ns)
		return -EPERM;
	shim = kzalloc(sizeof(*shim), GFP_KERNEL_ACCOUNT);
	if (!shim)
		return -ENOMEM;
	mutex_init(&shim->lock);
	INIT_LIST_HEAD(&shim->grants);
	INIT_LIST_HEAD(&shim->reserve);
	xa_init(&shim->exchanges);
	file->private_data = shim;
	return 0;
}

/* No process has the file, and none has a buffer mapped: each mapping holds the file. */
static int conshim_release(struct inode *inode, struct file *file)
{
	struct shim *shim = file->private_data;

	if (shim->created)
		shim_destroy(shim);
	exchange_pool_free(shim);
	xa_destroy(&shim->exchanges);
	mutex_destroy(&shim->lock);
	kfree(shim);
	return 0;
}

static const struct file_operations conshim_operations = {
	.owner = THIS_MODULE,
	.open = conshim_open,
	.release = conshim_release,
	.unlocked_ioctl = conshim_ioctl,
	.mmap = conshim_mmap,
	.llseek = noop_llseek,
};

static struct miscdevice conshim_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "conshim",
	.mode = 0600,
	.fops = &conshim_operations,
};

/* Where there is no EL3 an SMC is an undefined instruction; the firmware says which of the two calls it takes. */
static bool firmware_takes_smc(void)
{
	static const struct of_device_id psci[] = {
		{ .compatible = "arm,psci-1.0" }, { .compatible = "arm,psci-0.2" }, { .compatible = "arm,psci" }, {}
	};
	struct device_node *node = of_find_matching_node(NULL, psci);
	const char *method;
	bool result;

	if (!node)
		return arm_smccc_1_1_get_conduit() == SMCCC_CONDUIT_SMC;
	result = !of_property_read_string(node, "method", &method) && !strcmp(method, "smc");
	of_node_put(node);
	return result;
}

static int __init conshim_init(void)
{
	struct answer answer;

	if (!firmware_takes_smc()) {
		pr_err("this machine's firmware takes no SMC: there is no Monitor\n");
		return -ENODEV;
	}
	answer = monitor(CONSHIM_CALL_VERSION, 0, 0, 0, 0);
	if (answer.error || answer.values[1] != CONSHIM_MAGIC) {
		pr_err("this machine's firmware is not the Monitor of RContainer\n");
		return -ENODEV;
	}
	if (answer.values[0] >> 16 != CONSHIM_VERSION >> 16) {
		pr_err("the Monitor has version %llu.%llu, this module needs %llu\n", answer.values[0] >> 16,
		       answer.values[0] & 0xffff, CONSHIM_VERSION >> 16);
		return -ENODEV;
	}
	return misc_register(&conshim_device);
}

static void __exit conshim_exit(void)
{
	misc_deregister(&conshim_device);
}

module_init(conshim_init);
module_exit(conshim_exit);

MODULE_DESCRIPTION("Con-shims of RContainer");
MODULE_AUTHOR("The RContainer authors");
MODULE_LICENSE("GPL");
