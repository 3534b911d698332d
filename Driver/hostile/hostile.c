// SPDX-License-Identifier: GPL-2.0
/*
 * A host kernel that is against its con-shims, for tests: reads and writes their memory by every way that a kernel has,
 * and calls the Monitor with anything. Never to be loaded where it matters.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/arm-smccc.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hostile_abi.h"

/* What copy_to_kernel_nofault does, which modules may not call. */
static long write_memory(u8 *address, const u8 *bytes, size_t size)
{
	size_t i;

	pagefault_disable();
	for (i = 0; i < size; i++)
		__put_kernel_nofault(address + i, bytes + i, u8, fault);
	pagefault_enable();
	return 0;
fault:
	pagefault_enable();
	return -EFAULT;
}

static long transfer(unsigned int request, const struct hostile_memory *memory)
{
	void __user *user = u64_to_user_ptr(memory->buffer);
	void *bounce, *address;
	long error;

	if (!memory->size || memory->size > PAGE_SIZE - offset_in_page(memory->address))
		return -EINVAL;
	if (!pfn_valid(PHYS_PFN(memory->address)))
		return -ENXIO;
	address = phys_to_virt(memory->address);
	bounce = kmalloc(memory->size, GFP_KERNEL);
	if (!bounce)
		return -ENOMEM;
	error = -EINVAL;
	if (request == HOSTILE_READ) {
		long fault = copy_from_kernel_nofault(bounce, address, memory->size);

		if (fault || !copy_to_user(user, bounce, memory->size))
			error = fault;
	} else if (!copy_from_user(bounce, user, memory->size)) {
		error = write_memory(address, bounce, memory->size);
	}
	kfree(bounce);
	return error;
}

static long hostile_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct arm_smccc_1_2_regs args = {}, res = {};
	struct hostile_memory memory;
	struct hostile_call call;

	switch (request) {
	case HOSTILE_READ:
	case HOSTILE_WRITE:
		if (copy_from_user(&memory, user, sizeof(memory)))
			return -EFAULT;
		return transfer(request, &memory);
	case HOSTILE_CALL:
		if (copy_from_user(&call, user, sizeof(call)))
			return -EFAULT;
		args = (struct arm_smccc_1_2_regs){ .a0 = call.x[0], .a1 = call.x[1], .a2 = call.x[2],
			.a3 = call.x[3], .a4 = call.x[4], .a5 = call.x[5], .a6 = call.x[6] };
		arm_smccc_1_2_smc(&args, &res);
		call = (struct hostile_call){ { res.a0, res.a1, res.a2, res.a3, res.a4, res.a5, res.a6 } };
		return copy_to_user(user, &call, sizeof(call)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static int hostile_mmap(struct file *file, struct vm_area_struct *area)
{
	/* Like /dev/mem, without its restrictions. */
	return remap_pfn_range(area, area->vm_start, area->vm_pgoff, area->vm_end - area->vm_start,
			       area->vm_page_prot);
}

static const struct file_operations hostile_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hostile_ioctl,
	.mmap = hostile_mmap,
};

static struct miscdevice hostile_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "conshim-hostile",
	.mode = 0600,
	.fops = &hostile_operations,
};

module_misc_device(hostile_device);

MODULE_DESCRIPTION("Attacks on con-shims from the host's kernel, for tests");
MODULE_AUTHOR("The RContainer authors");
MODULE_LICENSE("GPL");
