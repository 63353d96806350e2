// SPDX-License-Identifier: Apache-2.0
// Character classes of ASCII.
#include <ctype.h>

#undef isdigit
#undef isupper
#undef islower
#undef isalpha
#undef isalnum
#undef isspace
#undef isblank
#undef iscntrl
#undef isprint
#undef isgraph
#undef ispunct
#undef isxdigit
#undef tolower
#undef toupper

extern "C" {

int isdigit(int c) noexcept { return c >= '0' && c <= '9'; }
int isupper(int c) noexcept { return c >= 'A' && c <= 'Z'; }
int islower(int c) noexcept { return c >= 'a' && c <= 'z'; }
int isalpha(int c) noexcept { return isupper(c) || islower(c); }
int isalnum(int c) noexcept { return isalpha(c) || isdigit(c); }
int isspace(int c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
int isblank(int c) noexcept { return c == ' ' || c == '\t'; }
int iscntrl(int c) noexcept { return (c >= 0 && c < ' ') || c == 127; }
int isprint(int c) noexcept { return c >= ' ' && c < 127; }
int isgraph(int c) noexcept { return c > ' ' && c < 127; }
int ispunct(int c) noexcept { return isgraph(c) && !isalnum(c); }
int isxdigit(int c) noexcept { return isdigit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }
int tolower(int c) noexcept { return isupper(c) ? c + ('a' - 'A') : c; }
int toupper(int c) noexcept { return islower(c) ? c - ('a' - 'A') : c; }

}  // extern "C"
