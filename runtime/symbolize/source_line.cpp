// SPDX-License-Identifier: Apache-2.0
#include "vbpf/source_line.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "launch.h"
#include "lookup.h"
#include "vbpf/abi.h"

namespace vbpf {
namespace symbolize {
namespace {

constexpr unsigned noexec_seal = 8;  // MFD_NOEXEC_SEAL, of Linux 6.3

// A file in memory, numbered so high that the program's own numbers are free.
Descriptor memory_file(const char* name) {
  Descriptor file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | noexec_seal));
  if (!file && errno == EINVAL) file = Descriptor(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return file;
  return Descriptor(fcntl(file.get(), F_DUPFD_CLOEXEC, object_fd + 1));
}

// A file that nobody can change any more.
Descriptor sealed_file(const char* name, std::span<const std::byte> bytes) {
  Descriptor file = memory_file(name);
  for (size_t done = 0; file && done < bytes.size();) {
    const ssize_t more = pwrite(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (more <= 0 && errno != EINTR) return Descriptor();
    if (more > 0) done += static_cast<size_t>(more);
  }
  if (!file || fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return Descriptor();
  }
  return file;
}

// One line for each place: the offset in hex, a space, the section. A name that does not fit in a line is nobody's.
std::string make_request(std::span<const SourcePlace> places) {
  std::string request;
  for (const SourcePlace& place : places) {
    char offset[24];
    snprintf(offset, sizeof(offset), "%llx ", static_cast<unsigned long long>(place.section_offset));
    request += offset;
    if (place.section.find_first_of(std::string_view("\n\0", 2)) == place.section.npos) request += place.section;
    request += '\n';
  }
  return request;
}

// The program may be in the hands of the object's author by now: take nothing on trust.
std::vector<std::string> read_reply(int reply, size_t places) {
  std::string text(places * (longest_line + 1), '\0');
  size_t size = 0;
  for (ssize_t more = 1; more > 0 && size < text.size(); size += static_cast<size_t>(more)) {
    more = pread(reply, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (more < 0) return std::vector<std::string>(places);
  }
  text.resize(size);
  if (static_cast<size_t>(std::ranges::count(text, '\n')) != places || !text.ends_with('\n')) {
    return std::vector<std::string>(places);
  }
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, std::min(end - begin, longest_line)));
    for (char& c : lines.back()) {
      if (c < ' ' || c > '~') c = '?';
    }
    begin = end + 1;
  }
  return lines;
}

const char* name_of(verifier::Variant variant) {
  switch (variant) {
    case verifier::Variant::sfi:
      return VBPF_SECTION_VARIANT_SFI;
    case verifier::Variant::kernel:
      return VBPF_SECTION_VARIANT_KERNEL;
    case verifier::Variant::user:
      break;
  }
  return "";
}

// Whether only root, this user, or `owner` can have put the program there.
bool trustworthy(const std::string& path, uid_t owner) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IWOTH) == 0 &&
         (info.st_uid == 0 || info.st_uid == geteuid() || info.st_uid == owner) && access(path.c_str(), X_OK) == 0;
}

// The file that this code was loaded from, "" if that cannot be said.
std::string own_file() {
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<const void*>(&own_file), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0)
    return "";
  // The program itself has no name there, and argv[0] is what the caller likes.
  char* resolved = realpath(*map->l_name != '\0' ? map->l_name : "/proc/self/exe", nullptr);
  std::string self = resolved != nullptr ? resolved : "";
  free(resolved);
  return self;
}

}  // namespace

std::string find_program() {
  const std::string relative = "/" VBPF_SYMBOLIZE_PLACE;
  const std::string self = own_file();
  struct stat info{};
  if (stat(self.c_str(), &info) == 0) {
    const std::string folder = self.substr(0, self.rfind('/'));
    // Only where this code lies in a folder of a prefix: the folder above any other may be anybody's.
    for (const std::string_view inside : {"/" VBPF_LIBDIR, "/" VBPF_BINDIR, "/lib", "/bin"}) {
      if (!folder.ends_with(inside)) continue;
      std::string path = folder.substr(0, folder.size() - inside.size()) + relative;
      if (trustworthy(path, info.st_uid)) return path;
    }
  }
  std::string installed = VBPF_PREFIX + relative;
  return trustworthy(installed, 0) ? installed : "";
}

std::vector<std::string> look_up(const std::string& program, std::span<const std::byte> object,
                                 verifier::Variant variant, std::span<const SourcePlace> places, int milliseconds) {
  std::vector<std::string> unknown(places.size());
  if (program.empty() || places.empty()) return unknown;
  const std::string request_text = make_request(places);
  const Descriptor request = sealed_file("vbpf-places", std::as_bytes(std::span(request_text)));
  const Descriptor file = sealed_file("vbpf-object", object);
  const Descriptor reply = memory_file("vbpf-lines");
  if (!request || !file || !reply) return unknown;
  if (!run_program(program.c_str(), name_of(variant), {request.get(), reply.get(), file.get()}, milliseconds)) {
    return unknown;
  }
  return read_reply(reply.get(), places.size());
}

}  // namespace symbolize

std::vector<std::string> source_lines(std::span<const std::byte> object, verifier::Variant variant,
                                      std::span<const SourcePlace> places) {
  constexpr int milliseconds = 1000;
  return symbolize::look_up(symbolize::find_program(), object, variant, places, milliseconds);
}

std::string source_line(std::span<const std::byte> object, verifier::Variant variant, std::string_view section,
                        uint64_t section_offset) {
  const SourcePlace place{section, section_offset};
  return source_lines(object, variant, {&place, 1}).front();
}

}  // namespace vbpf
