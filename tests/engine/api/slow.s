# SPDX-License-Identifier: Apache-2.0
# Many functions that fail, and 400000 rows of line numbers to look through for each.
        .file 1 "slow.c"
        .section plugin,"ax",@progbits
        .altmacro
        .macro failing number
        .globl fail_\number
        .type fail_\number,@function
fail_\number:
        .loc 1 1
        ud2
        .size fail_\number, . - fail_\number
        .endm
        .set i, 0
        .rept 150
        failing %i
        .set i, i + 1
        .endr
        .text
        .rept 200000
        .loc 1 2
        nop
        .loc 1 3
        nop
        .endr
        jmp __x86_return_thunk
        # A unit that has these rows.
        .section .debug_abbrev,"",@progbits
abbreviations:
        .byte 1, 0x11, 0                # DW_TAG_compile_unit, without children
        .byte 0x10, 0x17, 0, 0          # DW_AT_stmt_list, DW_FORM_sec_offset
        .byte 0
        .section .debug_info,"",@progbits
        .long unit_end - unit
unit:   .short 4
        .long abbreviations
        .byte 8
        .byte 1
        .long rows
unit_end:
        .section .debug_line,"",@progbits
rows:
