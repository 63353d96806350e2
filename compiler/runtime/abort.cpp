// SPDX-License-Identifier: Apache-2.0
// The ways code gives up: each ends the invocation with a report.
#include <stdarg.h>
#include <string.h>
#include <vbpf/abi.h>
#include <vbpf/vbpf.h>

namespace {

// The report names who called the function that gives up.
#define CALLER __builtin_return_address(0)
[[noreturn]] void give_up(uint32_t kind, const char* message, const void* caller) {
  vbpf_abort(kind, message, strlen(message), caller);
}

// A message put together from pieces, cut where the room ends.
class Message {
 public:
  Message& operator<<(const char* text) {
    for (; *text != 0 && length_ + 1 < sizeof(text_); ++text) text_[length_++] = *text;
    text_[length_] = 0;
    return *this;
  }
  Message& operator<<(unsigned number) {
    char digits[11] = {};
    char* p = digits + 10;
    do *--p = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return *this << p;
  }
  const char* text() const { return text_; }

 private:
  char text_[400] = {};
  size_t length_ = 0;
};

// The few conversions that the C++ library's own messages use.
void append_format(Message& message, const char* format, va_list arguments) {
  char one[2] = {};
  for (; *format != 0; ++format) {
    if (format[0] == '%' && format[1] == 's') {
      message << va_arg(arguments, const char*);
      ++format;
    } else if (format[0] == '%' && (format[1] == 'd' || format[1] == 'u')) {
      message << va_arg(arguments, unsigned);
      ++format;
    } else {
      one[0] = *format;
      message << one;
    }
  }
}

}  // namespace

extern "C" {

[[noreturn]] void abort() noexcept { give_up(VBPF_ABORT_ABORT, "abort() was called", CALLER); }

[[noreturn]] void __assert_fail(const char* expression, const char* file, unsigned line,
                                const char* function) noexcept {
  Message message;
  message << file << ":" << line << ": " << (function != nullptr ? function : "?")
          << ": assertion failed: " << expression;
  give_up(VBPF_ABORT_ABORT, message.text(), CALLER);
}

[[noreturn]] void __cxa_pure_virtual() {
  give_up(VBPF_ABORT_PURE_VIRTUAL, "a pure virtual function was called", CALLER);
}
[[noreturn]] void __cxa_deleted_virtual() {
  give_up(VBPF_ABORT_PURE_VIRTUAL, "a deleted virtual function was called", CALLER);
}

// An instance is never taken down in order: its memory goes with it, so destructors of globals do not run.
int atexit(void (*)()) noexcept { return 0; }
int __cxa_atexit(void (*)(void*), void*, void*) noexcept { return 0; }

}  // extern "C"

namespace std {
inline namespace __1 {

[[noreturn]] __attribute__((format(printf, 1, 2))) void __libcpp_verbose_abort(const char* format, ...) noexcept;
[[noreturn]] void __libcpp_verbose_abort(const char* format, ...) noexcept {
  Message message;
  va_list arguments;
  va_start(arguments, format);
  append_format(message, format, arguments);
  va_end(arguments);
  give_up(VBPF_ABORT_ABORT, message.text(), CALLER);
}

}  // namespace __1

[[noreturn]] void terminate() noexcept { give_up(VBPF_ABORT_ABORT, "std::terminate() was called", CALLER); }

}  // namespace std
