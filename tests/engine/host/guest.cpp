// SPDX-License-Identifier: Apache-2.0
// Looks at what the host left behind, and tries to confuse the gates.
#include <vbpf/plugin.h>
#include <vbpf/xdp.h>

#include <cstdlib>

// Returns the bitwise or of all registers that should hold nothing: but rdi (the argument), rsp, and r10, r11, which
// hold the addresses of the trampoline and this function.
VBPF_PLUGIN_ENTRY __attribute__((naked)) uint64_t registers_at_entry() {
  __asm__(
      "orq %rbx, %rax\n orq %rcx, %rax\n orq %rdx, %rax\n orq %rsi, %rax\n orq %rdi, %rax\n orq %rbp, %rax\n"
      "orq %r8, %rax\n orq %r9, %rax\n orq %r12, %rax\n orq %r13, %rax\n orq %r14, %rax\n orq %r15, %rax\n"
      "jmp __x86_return_thunk");
}

// The same for the vector registers, upper halves too.
VBPF_PLUGIN_ENTRY __attribute__((naked)) uint64_t vectors_at_entry() {
  __asm__(
      "vorps %ymm1, %ymm0, %ymm0\n vorps %ymm2, %ymm0, %ymm0\n vorps %ymm3, %ymm0, %ymm0\n"
      "vorps %ymm4, %ymm0, %ymm0\n vorps %ymm5, %ymm0, %ymm0\n vorps %ymm6, %ymm0, %ymm0\n"
      "vorps %ymm7, %ymm0, %ymm0\n vorps %ymm8, %ymm0, %ymm0\n vorps %ymm9, %ymm0, %ymm0\n"
      "vorps %ymm10, %ymm0, %ymm0\n vorps %ymm11, %ymm0, %ymm0\n vorps %ymm12, %ymm0, %ymm0\n"
      "vorps %ymm13, %ymm0, %ymm0\n vorps %ymm14, %ymm0, %ymm0\n vorps %ymm15, %ymm0, %ymm0\n"
      "vextractf128 $1, %ymm0, %xmm1\n vorps %xmm1, %xmm0, %xmm0\n"
      "vmovq %xmm0, %rax\n vpsrldq $8, %xmm0, %xmm0\n vmovq %xmm0, %rcx\n orq %rcx, %rax\n"
      "jmp __x86_return_thunk");
}

// What an import leaves in the registers it may change, but rax and r11.
VBPF_PLUGIN_ENTRY __attribute__((naked)) uint64_t registers_after_import() {
  __asm__(
      "subq $8, %rsp\n"
      "call vbpf_get_smp_processor_id\n"
      "movq %rcx, %rax\n orq %rdx, %rax\n orq %rsi, %rax\n orq %rdi, %rax\n orq %r8, %rax\n orq %r9, %rax\n"
      "orq %r10, %rax\n"
      "vorps %xmm1, %xmm0, %xmm0\n vorps %xmm2, %xmm0, %xmm0\n vorps %xmm15, %xmm0, %xmm0\n"
      "vmovq %xmm0, %rcx\n orq %rcx, %rax\n"
      "addq $8, %rsp\n"
      "jmp __x86_return_thunk");
}

// Callee-saved registers survive an import.
VBPF_PLUGIN_ENTRY uint64_t import_keeps_registers() {
  uint64_t sum = 0;
  __asm__ volatile(
      "movq $1, %%rbx\n movq $2, %%r12\n movq $4, %%r13\n movq $8, %%r14\n movq $16, %%r15\n"
      "call vbpf_ktime_get_ns\n"
      "leaq (%%rbx,%%r12), %%rax\n addq %%r13, %%rax\n addq %%r14, %%rax\n addq %%r15, %%rax\n"
      : "=a"(sum)
      :
      : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory");
  return sum;
}

// Trashes what a function must preserve.
VBPF_PLUGIN_ENTRY __attribute__((naked)) uint64_t trash_registers() {
  __asm__(
      "movq $-1, %rbx\n movq $-2, %rbp\n movq $-3, %r12\n movq $-4, %r13\n movq $-5, %r14\n movq $-6, %r15\n"
      "movl $7, %eax\n"
      "jmp __x86_return_thunk");
}

VBPF_PLUGIN_ENTRY uint64_t spin(uint64_t count) {
  volatile uint64_t done = 0;
  double sum = 0;
  while (done < count) {
    done = done + 1;
    sum += static_cast<double>(done);
  }
  return static_cast<uint64_t>(sum / static_cast<double>(count));
}

VBPF_PLUGIN_ENTRY void say(const char* text, uint64_t length) { vbpf_log_write(text, length); }

// Words of the stack below this frame that look like addresses of this process, but not of the region.
VBPF_PLUGIN_ENTRY __attribute__((noinline)) uint64_t foreign_addresses_on_stack(uint64_t stack_size) {
  volatile uint64_t here = 0;
  const auto top = reinterpret_cast<uint64_t>(&here), region = top >> 32;
  uint64_t found = 0;
  for (uint64_t at = (top & ~7ull) - 8; at > top - stack_size + 4096; at -= 8) {
    const uint64_t word = *reinterpret_cast<volatile uint64_t*>(at);
    if (word >> 32 != region && word >= 0x550000000000 && word < 0x800000000000) ++found;
  }
  return found;
}

// ---- Batches -----------------------------------------------------------------------------------------------------

static uint64_t trick;
VBPF_PLUGIN_ENTRY void set_trick(uint64_t value) { trick = value; }

// Registers of the trampoline: rbx slot, r12 end, r13 entry, r14 control room.
VBPF_XDP_ENTRY(tricky)(vbpf_xdp* ctx) {
  const auto context = reinterpret_cast<uint64_t>(ctx);
  switch (trick) {
    case 1:  // skip to the end
      __asm__ volatile("movq %%r12, %%rbx" : : : "rbx");
      break;
    case 2:
      std::abort();
  }
  return static_cast<int>(context % 5);
}

#define TRICK(name, code)                                                       \
  extern "C" __attribute__((section("xdp"), used, naked)) int name(vbpf_xdp*) { \
    __asm__(code "movl $2, %eax\n jmp __x86_return_thunk");                     \
  }
TRICK(slot_nowhere, "movq $-1, %rbx\n")
TRICK(slot_back, "subq $64, %rbx\n")
TRICK(end_far, "movq $-1, %r12\n")
TRICK(entry_nowhere, "movq $0x1234, %r13\n")
TRICK(control_nowhere, "movq $-1, %r14\n")
TRICK(all_nowhere,
      "movq $-1, %rbx\n movq $-1, %r12\n movq $-1, %r13\n movq $-1, %r14\n movq $-1, %rbp\n movq $-1, %r15\n")

// Runs for ever and claims progress all the time. On entry to the first function of a batch the control room is right
// above the return address.
VBPF_XDP_ENTRY(claims_progress)(vbpf_xdp*) {
  auto* progress = reinterpret_cast<volatile uint32_t*>(static_cast<char*>(__builtin_frame_address(0)) + 16);
  for (;;) *progress = *progress + 1;
}

VBPF_XDP_ENTRY(fault_at)(vbpf_xdp* ctx) {
  if (*ctx->data == 0xff) __builtin_trap();
  return XDP_DROP;
}
