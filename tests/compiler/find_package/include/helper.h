/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#define EXTRA 1
#ifdef __cplusplus
extern "C"
#endif
    long
    helper(long x);
