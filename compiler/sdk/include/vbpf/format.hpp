// SPDX-License-Identifier: Apache-2.0
// Text from values, without allocating:
//
//   char room[64];
//   std::string_view text = vbpf::format_to(room, "{} of {:x}, {:>5}", name, address, count);
//
// {} or {:[0][width][x|X|b|d|c]}, also with < or > before the width. {{ and }} are braces. What does not fit is cut. A
// format string that does not match its arguments does not compile.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace vbpf {
namespace detail {

struct Spec {
  char align = 0;  // '<' or '>', 0: numbers right, text left
  bool zero = false;
  unsigned width = 0;
  char type = 0;
};

// Reads what follows '{' up to '}'; nullptr if it is malformed.
constexpr const char* parse_spec(const char* p, const char* end, Spec& spec) {
  if (p != end && *p == ':') {
    ++p;
    if (p != end && (*p == '<' || *p == '>')) spec.align = *p++;
    if (p != end && *p == '0') {
      spec.zero = true;
      ++p;
    }
    while (p != end && *p >= '0' && *p <= '9' && spec.width < 1000)
      spec.width = spec.width * 10 + static_cast<unsigned>(*p++ - '0');
    if (p != end && (*p == 'x' || *p == 'X' || *p == 'b' || *p == 'd' || *p == 'c')) spec.type = *p++;
  }
  return p != end && *p == '}' ? p + 1 : nullptr;
}

// Numbers, characters, bool, text and pointers.
template <typename T>
concept Formattable = std::is_arithmetic_v<std::remove_cvref_t<T>> || std::is_enum_v<std::remove_cvref_t<T>> ||
                      std::convertible_to<const T&, std::string_view> || std::is_pointer_v<std::decay_t<T>> ||
                      std::is_null_pointer_v<std::remove_cvref_t<T>>;

class Sink {
 public:
  explicit Sink(std::span<char> room) : begin_(room.data()), at_(room.data()), end_(room.data() + room.size()) {}
  void put(char c) {
    if (at_ != end_) *at_++ = c;
  }
  void put(std::string_view text) {
    for (char c : text) put(c);
  }
  void padded(std::string_view text, const Spec& spec, char align) {
    std::size_t fill = spec.width > text.size() ? spec.width - text.size() : 0;
    if (spec.align != 0) align = spec.align;
    if (align == '>') pad(fill, ' ');
    put(text);
    if (align == '<') pad(fill, ' ');
  }
  void pad(std::size_t count, char c) {
    for (; count > 0; --count) put(c);
  }
  std::string_view text() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }

 private:
  char *begin_, *at_, *end_;
};

inline void put_integer(Sink& sink, const Spec& spec, std::uint64_t magnitude, bool negative) {
  char digits[72];
  char* p = digits;
  if (negative) *p++ = '-';
  int base = spec.type == 'x' || spec.type == 'X' ? 16 : spec.type == 'b' ? 2 : 10;
  char* end = std::to_chars(p, digits + sizeof(digits), magnitude, base).ptr;
  if (spec.type == 'X') {
    for (char* c = p; c != end; ++c) *c = *c >= 'a' ? static_cast<char>(*c - 32) : *c;
  }
  std::size_t length = static_cast<std::size_t>(end - digits);
  if (!spec.zero || spec.width <= length) return sink.padded({digits, length}, spec, '>');
  if (negative) sink.put('-');
  sink.pad(spec.width - length, '0');
  sink.put(std::string_view(p, static_cast<std::size_t>(end - p)));
}

// Six digits after the point, for magnitudes that a 64-bit integer holds.
inline void put_float(Sink& sink, const Spec& spec, double value) {
  char buffer[48];
  Sink text(buffer);
  if (value != value) return sink.padded("nan", spec, '>');
  if (value < 0) text.put('-');
  double magnitude = value < 0 ? -value : value;
  if (magnitude >= 9e18) {
    text.put("inf-or-huge");
  } else {
    auto whole = static_cast<std::uint64_t>(magnitude);
    auto rest = static_cast<std::uint64_t>((magnitude - static_cast<double>(whole)) * 1e6 + 0.5);
    whole += rest / 1000000;
    put_integer(text, {}, whole, false);
    text.put('.');
    put_integer(text, {.zero = true, .width = 6}, rest % 1000000, false);
  }
  sink.padded(text.text(), spec, '>');
}

template <typename T>
void put_value(Sink& sink, const Spec& spec, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    spec.type == 0 ? sink.padded(value ? "true" : "false", spec, '<') : put_integer(sink, spec, value, false);
  } else if constexpr (std::is_same_v<T, char>) {
    if (spec.type == 0 || spec.type == 'c') return sink.padded({&value, 1}, spec, '<');
    put_integer(sink, spec, static_cast<unsigned char>(value), false);
  } else if constexpr (std::is_integral_v<T>) {
    if (spec.type == 'c') {
      char c = static_cast<char>(value);
      return sink.padded({&c, 1}, spec, '<');
    }
    bool negative = std::is_signed_v<T> && value < 0;
    auto bits = static_cast<std::uint64_t>(value);
    put_integer(sink, spec, negative ? 0 - bits : bits, negative);
  } else if constexpr (std::is_floating_point_v<T>) {
    put_float(sink, spec, static_cast<double>(value));
  } else if constexpr (std::is_enum_v<T>) {
    put_value(sink, spec, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    sink.padded(std::string_view(value), spec, '<');
  } else {
    Spec hex = spec;
    hex.type = 'x';
    sink.put("0x");
    put_integer(sink, hex, reinterpret_cast<std::uintptr_t>(value), false);
  }
}

// Says in the compiler's message what is wrong with a format string.
void format_string_is_malformed();
void format_string_does_not_have_one_placeholder_per_argument();

}  // namespace detail

template <typename... Args>
class FormatString {
 public:
  template <typename Text>
    requires std::convertible_to<const Text&, std::string_view>
  consteval FormatString(const Text& text) : text_(text) {  // NOLINT: a literal is meant to convert
    std::size_t placeholders = 0;
    const char *p = text_.data(), *end = p + text_.size();
    while (p != end) {
      char c = *p++;
      if (c != '{' && c != '}') continue;
      if (p != end && *p == c) {
        ++p;
        continue;
      }
      detail::Spec spec;
      p = c == '{' ? detail::parse_spec(p, end, spec) : nullptr;
      if (p == nullptr) {
        detail::format_string_is_malformed();
        return;
      }
      ++placeholders;
    }
    if (placeholders != sizeof...(Args)) detail::format_string_does_not_have_one_placeholder_per_argument();
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

namespace detail {

// Copies up to the next placeholder, whose specification it returns; `p` ends behind it.
inline Spec copy_to_placeholder(Sink& sink, const char*& p, const char* end) {
  Spec spec;
  while (p != end) {
    char c = *p++;
    if (c == '{' && p != end && *p != '{') {
      p = parse_spec(p, end, spec);
      return spec;
    }
    if (c == '{' || c == '}') ++p;
    sink.put(c);
  }
  return spec;
}

}  // namespace detail

// Writes into `room`, and returns what was written (no terminating 0).
template <detail::Formattable... Args>
std::string_view format_to(std::span<char> room, FormatString<std::type_identity_t<Args>...> format,
                           const Args&... args) {
  detail::Sink sink(room);
  std::string_view text = format.text();
  const char *p = text.data(), *end = p + text.size();
  auto one = [&](const auto& value) {
    detail::Spec spec = detail::copy_to_placeholder(sink, p, end);
    detail::put_value(sink, spec, value);
  };
  (one(args), ...);
  detail::copy_to_placeholder(sink, p, end);
  return sink.text();
}

}  // namespace vbpf
