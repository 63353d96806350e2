// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include "check.h"

using namespace std::string_literals;
using namespace std::string_view_literals;

FACILITY(string) {
  std::string s = "hello"s + ", " + std::to_string(opaque(42)) + std::to_string(opaque(-7ll)) + '!';
  CHECK(s == "hello, 42-7!");
  for (int i = 0; i < 1000; ++i) s += "0123456789";
  CHECK(s.size() == 10012 && s.find("9012", 5000) != std::string::npos && s.rfind("hello") == 0);
  CHECK(s.substr(0, 5) == "hello" && s.compare(0, 5, "hellp") < 0);
  s.replace(0, 5, "a much longer beginning");
  s.insert(3, 4, 'x');
  s.erase(10);
  CHECK(s == "a mxxxxuch");
  CHECK(std::stoi("123"s) == 123 && std::stol("-99"s) == -99 && std::stoull("18446744073709551615"s) == ~0ull);
  std::wstring w = L"wide";
  w += L" text";
  CHECK(w.size() == 9 && w.find(L't') == 5);
  CHECK(std::hash<std::string>()("abc") == std::hash<std::string_view>()("abc"sv));
  return 0;
}

FACILITY(string_view) {
  std::string_view v = "GET /index.html HTTP/1.1";
  CHECK(v.starts_with("GET ") && v.ends_with("1.1") && v.find("HTTP") == 16);
  v.remove_prefix(4);
  CHECK(v.substr(0, v.find(' ')) == "/index.html" && v.find_first_of("xyz") == 5);
  return 0;
}
