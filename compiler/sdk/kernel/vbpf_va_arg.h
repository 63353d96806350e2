/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before every source of the kernel variant. A floating-point argument is in a general register or in memory there,
 * like an integer, but the compiler's va_arg looks for it among the vector registers.
 */

/* 12 is __builtin_classify_type() of a structure or union. One of more than 16 bytes is passed in memory. */
static inline void vbpf_check_va_arg(int type_class, __SIZE_TYPE__ size)
    __attribute__((diagnose_if(type_class == 12 && size <= 16,
                               "the kernel variant takes no small structure or union from '...': pass its address",
                               "error")));
static inline void vbpf_check_va_arg(int type_class, __SIZE_TYPE__ size) {
  (void)type_class;
  (void)size;
}

#define __builtin_va_arg(list, type)                                                       \
  _Generic(*(type*)0,                                                                      \
      double: __builtin_bit_cast(double, __builtin_va_arg(list, unsigned long long)),      \
      long double: __builtin_bit_cast(double, __builtin_va_arg(list, unsigned long long)), \
      default: (vbpf_check_va_arg(__builtin_classify_type(*(type*)0), sizeof(type)), __builtin_va_arg(list, type)))
