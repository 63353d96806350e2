// SPDX-License-Identifier: Apache-2.0
// The virtual tables of the standard exception classes. Nothing throws them, but code may build and pass them.
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <variant>

namespace std {

exception::~exception() noexcept {}
const char* exception::what() const noexcept { return "std::exception"; }
bad_exception::~bad_exception() noexcept {}
const char* bad_exception::what() const noexcept { return "std::bad_exception"; }
bad_alloc::bad_alloc() noexcept {}
bad_alloc::~bad_alloc() noexcept {}
const char* bad_alloc::what() const noexcept { return "std::bad_alloc"; }
bad_array_new_length::bad_array_new_length() noexcept {}
bad_array_new_length::~bad_array_new_length() noexcept {}
const char* bad_array_new_length::what() const noexcept { return "std::bad_array_new_length"; }

bad_optional_access::~bad_optional_access() noexcept {}
const char* bad_optional_access::what() const noexcept { return "std::bad_optional_access"; }
const char* bad_variant_access::what() const noexcept { return "std::bad_variant_access"; }

inline namespace __1 {
bad_function_call::~bad_function_call() noexcept {}
}  // namespace __1

}  // namespace std
