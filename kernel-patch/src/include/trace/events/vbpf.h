/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vbpf

#if !defined(_TRACE_VBPF_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_VBPF_H

#include <linux/tracepoint.h>
#include <uapi/linux/vbpf.h>

/* The kind by the name that vbpf show has for it. */
TRACE_EVENT(vbpf_fault,
	    TP_PROTO(const char *name, u32 id, const struct vbpf_fault *fault),
	    TP_ARGS(name, id, fault),
	    TP_STRUCT__entry(__string(name, name)
			     __field(u32, id)
			     __field(u32, kind)
			     __field(u32, entry)
			     __field(u64, address)
			     __field(u64, offset)),
	    TP_fast_assign(__assign_str(name);
			   __entry->id = id;
			   __entry->kind = fault->kind;
			   __entry->entry = fault->entry;
			   __entry->address = fault->address;
			   __entry->offset = fault->registers[16] - fault->base;),
	    TP_printk("name=%s id=%u entry=%d kind=%s address=%#llx offset=%#llx",
		      __get_str(name), __entry->id, __entry->entry,
		      __print_symbolic(__entry->kind,
				       { VBPF_FAULT_BAD_ADDRESS, "bad-address" },
				       { VBPF_FAULT_STACK_OVERFLOW, "stack-overflow" },
				       { VBPF_FAULT_DIVIDE_ERROR, "divide-error" },
				       { VBPF_FAULT_UNDEFINED_INSTRUCTION, "undefined-instruction" },
				       { VBPF_FAULT_BAD_RETURN, "bad-return" },
				       { VBPF_FAULT_BAD_CALL, "bad-call" },
				       { VBPF_FAULT_ABORT, "abort" },
				       { VBPF_FAULT_HEAP_EXHAUSTED, "heap-exhausted" },
				       { VBPF_FAULT_PURE_VIRTUAL, "pure-virtual" },
				       { VBPF_FAULT_BUDGET, "budget" },
				       { VBPF_FAULT_BAD_IMPORT, "bad-import" },
				       { VBPF_FAULT_EXCEPTION, "exception" }),
		      __entry->address, __entry->offset)
);

#endif /* _TRACE_VBPF_H */

#include <trace/define_trace.h>
