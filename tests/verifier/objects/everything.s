# SPDX-License-Identifier: Apache-2.0
# One of everything an object may have: the base of the mutations, and what image_test.cpp looks at.
.text
.type local,@function
local:
  jmp __x86_return_thunk
.size local,.-local

.section plugin/one,"ax",@progbits
.globl first
.type first,@function
first:
  call local
  call vbpf_ktime_get_ns
after_calls:
  lea local(%rip),%rax
  lea __vbpf_heap_start(%rip),%rcx
  mov data@GOTPCREL(%rip),%rdx
  mov taken@GOTPCREL(%rip),%rsi
  mov data@GOTPCREL(%rip),%rdx
  jmp __x86_return_thunk
.size first,.-first

.section xdp,"ax",@progbits
.globl second
.type second,@function
second:
  call taken
  jmp __x86_return_thunk
.size second,.-second

.section .text.taken,"axG",@progbits,taken,comdat
.weak taken
.type taken,@function
taken:
  vzeroupper
  jmp __x86_return_thunk
.size taken,.-taken

.section .text.startup,"ax",@progbits
.type late,@function
late:
  nop
  jmp __x86_return_thunk
.size late,.-late
.type early,@function
early:
  nop
  nop
  jmp __x86_return_thunk
.size early,.-early

.section .init_array,"aw",@init_array
.quad late
.section .init_array.200,"aw",@init_array
.quad second
.section .init_array.99,"aw",@init_array
.quad early

.section .rodata,"a",@progbits
.globl constant
.type constant,@object
constant:
  .quad in_table
  .long distance-.
  .long 7
.size constant,16
.section .text.more,"ax",@progbits
.globl in_table, distance
.type in_table,@function
in_table:
  ud2
.size in_table,.-in_table
.type distance,@function
distance:
  ud2
.size distance,.-distance

.section .data.rel.ro,"aw",@progbits
.type table,@object
table:
  .quad constant
.size table,8

.data
.globl data
.type data,@object
data:
  .quad data+8
  .quad middle+1
  .quad __vbpf_heap_end
.size data,24
.section .text.middle,"ax",@progbits
middle:
  movabs $0x1122334455667788,%rax
  ud2

.bss
.type zeros,@object
zeros:
  .zero 10000
.size zeros,10000

.section vbpf.manifest,"a",@progbits
  .long 0x46504256
  .short 1,40
  .long 1,0
  .quad 0x20000,0,0
