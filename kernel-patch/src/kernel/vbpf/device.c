// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vbpf, and the descriptors of extensions: uapi/linux/vbpf.h. */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/security.h>
#include <linux/uaccess.h>

#include "vbpf.h"

static const struct file_operations extension_operations;

/* What insmod needs: the loader is trusted with the kernel. */
static int may_load(void)
{
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	return security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

static int descriptor_for(struct vbpf_extension *extension)
{
	int descriptor = anon_inode_getfd("[vbpf]", &extension_operations, extension, O_RDWR | O_CLOEXEC);

	if (descriptor < 0)
		vbpf_extension_put(extension);
	return descriptor;
}

static long query(void __user *argument)
{
	struct vbpf_query query = {
		.version = VBPF_UAPI_VERSION,
		.support = vbpf_arch_support(),
		.cpus = nr_cpu_ids,
		.slots = VBPF_SLOTS,
		.domains = VBPF_DOMAINS,
		.extensions = vbpf_extension_count(),
		.stack_size = VBPF_STACK_SIZE,
		.heap_size = VBPF_REGION_HEAP_SIZE,
		.window_size = VBPF_PACKET_MAX,
	};

	return copy_to_user(argument, &query, sizeof(query)) ? -EFAULT : 0;
}

static long create(void __user *argument)
{
	struct vbpf_extension *extension;
	struct vbpf_create create;

	if (copy_from_user(&create, argument, sizeof(create)))
		return -EFAULT;
	extension = vbpf_extension_create(&create);
	if (IS_ERR(extension))
		return PTR_ERR(extension);
	if (copy_to_user(argument, &create, sizeof(create))) {
		vbpf_extension_put(extension);
		return -EFAULT;
	}
	return descriptor_for(extension);
}

static long open_id(u32 id)
{
	struct vbpf_extension *extension = vbpf_extension_get(id);

	return extension ? descriptor_for(extension) : -ENOENT;
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *pointer = (void __user *)argument;
	u32 id = 0;
	int error;

	if (command == VBPF_IOC_QUERY)
		return query(pointer);
	error = may_load();
	if (error)
		return error;
	if (command == VBPF_IOC_CREATE)
		return create(pointer);
	if (get_user(id, (u32 __user *)pointer))
		return -EFAULT;
	switch (command) {
	case VBPF_IOC_OPEN:
		return open_id(id);
	case VBPF_IOC_NEXT:
		return vbpf_extension_next(&id) ?: put_user(id, (u32 __user *)pointer);
	case VBPF_IOC_UNLOAD:
		return vbpf_extension_unload(id);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static long region(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_region region;

	if (copy_from_user(&region, argument, sizeof(region)))
		return -EFAULT;
	if (region.reserved || region.instance >= extension->instance_count)
		return -EINVAL;
	region.base = extension->instances[region.instance].base;
	return copy_to_user(argument, &region, sizeof(region)) ? -EFAULT : 0;
}

static long load_image(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_image image;

	if (copy_from_user(&image, argument, sizeof(image)))
		return -EFAULT;
	return vbpf_extension_load(extension, &image);
}

static long set_maps(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_maps maps;

	if (copy_from_user(&maps, argument, sizeof(maps)))
		return -EFAULT;
	return vbpf_extension_set_maps(extension, &maps);
}

static long set_source(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_source source;

	if (copy_from_user(&source, argument, sizeof(source)))
		return -EFAULT;
	return vbpf_source_set(extension, &source);
}

static long attach_userfault(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_attach request;

	if (copy_from_user(&request, argument, sizeof(request)))
		return -EFAULT;
	return vbpf_userfault_attach(extension, &request);
}

static long start(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_fault fault = { };
	int error = vbpf_extension_start(extension, &fault);

	if (error == -ECANCELED && copy_to_user(argument, &fault, sizeof(fault)))
		return -EFAULT;
	return error;
}

static long test_run(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_test_run test;
	int error;

	if (copy_from_user(&test, argument, sizeof(test)))
		return -EFAULT;
	error = vbpf_test_run(extension, &test);
	if ((!error || error == -ECANCELED) && copy_to_user(argument, &test, sizeof(test)))
		return -EFAULT;
	return error;
}

static long info(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_info info;

	vbpf_extension_info(extension, &info);
	return copy_to_user(argument, &info, sizeof(info)) ? -EFAULT : 0;
}

static long get_fault(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_fault fault;

	if (copy_from_user(&fault, argument, sizeof(fault)))
		return -EFAULT;
	if (!vbpf_record_get_fault(extension->record, &fault))
		return -ENOENT;
	return copy_to_user(argument, &fault, sizeof(fault)) ? -EFAULT : 0;
}

static long get_line(struct vbpf_extension *extension, void __user *argument)
{
	struct vbpf_log_line line;

	if (copy_from_user(&line, argument, sizeof(line)))
		return -EFAULT;
	if (!vbpf_record_get_line(extension->record, &line))
		return -ENOENT;
	return copy_to_user(argument, &line, sizeof(line)) ? -EFAULT : 0;
}

/* Asked again at each call: a descriptor may have been passed on. */
static long extension_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct vbpf_extension *extension = file->private_data;
	void __user *pointer = (void __user *)argument;
	int error = may_load();

	if (error)
		return error;
	switch (command) {
	case VBPF_EXT_REGION:
		return region(extension, pointer);
	case VBPF_EXT_IMAGE:
		return load_image(extension, pointer);
	case VBPF_EXT_MAPS:
		return set_maps(extension, pointer);
	case VBPF_EXT_SOURCE:
		return set_source(extension, pointer);
	case VBPF_EXT_UFFD:
		return attach_userfault(extension, pointer);
	case VBPF_EXT_START:
		return start(extension, pointer);
	case VBPF_EXT_KEEP:
		return vbpf_extension_keep(extension);
	case VBPF_EXT_RUN:
		return test_run(extension, pointer);
	case VBPF_EXT_INFO:
		return info(extension, pointer);
	case VBPF_EXT_FAULT:
		return get_fault(extension, pointer);
	case VBPF_EXT_LOG:
		return get_line(extension, pointer);
	default:
		return -ENOTTY;
	}
}

static int extension_release(struct inode *inode, struct file *file)
{
	vbpf_extension_put(file->private_data);
	return 0;
}

static const struct file_operations extension_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = extension_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = extension_release,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vbpf",
	.fops = &device_operations,
	.mode = 0600,
};

builtin_misc_device(device);
