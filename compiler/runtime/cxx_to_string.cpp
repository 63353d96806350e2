// SPDX-License-Identifier: Apache-2.0
// std::to_string of integers, std::stoi and its kin.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <charconv>
#include <string>

namespace std {
inline namespace __1 {
namespace {

template <typename Number>
string text_of(Number number) {
  char digits[24];
  auto end = to_chars(digits, digits + sizeof(digits), number).ptr;
  return string(digits, end);
}

template <typename Number>
Number number_of(const string& text, size_t* position, Number (*convert)(const char*, char**, int), int base,
                 const char* function) {
  char* end = nullptr;
  errno = 0;
  Number number = convert(text.c_str(), &end, base);
  if (end == text.c_str())
    __libcpp_verbose_abort("%s: the text is not a number; use std::from_chars to be told", function);
  if (errno == ERANGE)
    __libcpp_verbose_abort("%s: the number is out of range; use std::from_chars to be told", function);
  if (position != nullptr) *position = static_cast<size_t>(end - text.c_str());
  return number;
}

long to_long(const char* t, char** e, int b) { return strtol(t, e, b); }
unsigned long to_ulong(const char* t, char** e, int b) { return strtoul(t, e, b); }
long long to_llong(const char* t, char** e, int b) { return strtoll(t, e, b); }
unsigned long long to_ullong(const char* t, char** e, int b) { return strtoull(t, e, b); }

}  // namespace

string to_string(int number) { return text_of(number); }
string to_string(unsigned number) { return text_of(number); }
string to_string(long number) { return text_of(number); }
string to_string(unsigned long number) { return text_of(number); }
string to_string(long long number) { return text_of(number); }
string to_string(unsigned long long number) { return text_of(number); }

int stoi(const string& text, size_t* position, int base) {
  long number = number_of(text, position, to_long, base, "stoi");
  if (number < INT_MIN || number > INT_MAX)
    __libcpp_verbose_abort("stoi: the number is out of range; use std::from_chars to be told");
  return static_cast<int>(number);
}
long stol(const string& text, size_t* position, int base) { return number_of(text, position, to_long, base, "stol"); }
unsigned long stoul(const string& text, size_t* position, int base) {
  return number_of(text, position, to_ulong, base, "stoul");
}
long long stoll(const string& text, size_t* position, int base) {
  return number_of(text, position, to_llong, base, "stoll");
}
unsigned long long stoull(const string& text, size_t* position, int base) {
  return number_of(text, position, to_ullong, base, "stoull");
}

}  // namespace __1
}  // namespace std
