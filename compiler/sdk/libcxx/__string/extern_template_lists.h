// SPDX-License-Identifier: Apache-2.0
// No member of std::string is instantiated elsewhere: an extension then carries those that it uses, not all.
#ifndef _LIBCPP___STRING_EXTERN_TEMPLATE_LISTS_H
#define _LIBCPP___STRING_EXTERN_TEMPLATE_LISTS_H

#define _LIBCPP_STRING_V1_EXTERN_TEMPLATE_LIST(_Func, _CharType)
#define _LIBCPP_STRING_UNSTABLE_EXTERN_TEMPLATE_LIST(_Func, _CharType)

#endif  // _LIBCPP___STRING_EXTERN_TEMPLATE_LISTS_H
