// SPDX-License-Identifier: Apache-2.0
// Errors are values. A function that can fail returns Result<T>:
//
//   Result<Extension> ext = Extension::open(path, options);
//   if (!ext) return ext.error();          // pass it on
//   use(*ext);
//
// VBPF_TRY(value, expression) does the first two lines.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace vbpf {

// Who has to act. The command line turns these into exit codes 1, 1, 3 and 4.
enum class ErrorKind {
  bad_input,  // the file, the argument or the device named is not usable
  refused,    // policy: the verifier, privileges, permissions
  machine,    // this machine cannot: kernel, CPU, resources
  internal,   // a bug in vBPF
};

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;  // one line: what is wrong, and what to do
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  T& operator*() & { return *std::get_if<T>(&state_); }
  const T& operator*() const& { return *std::get_if<T>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<T>(&state_)); }
  T* operator->() { return std::get_if<T>(&state_); }
  const T* operator->() const { return std::get_if<T>(&state_); }
  const Error& error() const { return *std::get_if<Error>(&state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

#define VBPF_CONCAT_(a, b) a##b
#define VBPF_CONCAT(a, b) VBPF_CONCAT_(a, b)
// `target` may be a declaration, so it cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define VBPF_TRY(target, expression)                                                      \
  auto VBPF_CONCAT(vbpf_try_, __LINE__) = (expression);                                   \
  if (!VBPF_CONCAT(vbpf_try_, __LINE__)) return VBPF_CONCAT(vbpf_try_, __LINE__).error(); \
  target = *std::move(VBPF_CONCAT(vbpf_try_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)
#define VBPF_CHECK(expression)                                                                 \
  if (auto VBPF_CONCAT(vbpf_try_, __LINE__) = (expression); !VBPF_CONCAT(vbpf_try_, __LINE__)) \
  return VBPF_CONCAT(vbpf_try_, __LINE__).error()

}  // namespace vbpf
