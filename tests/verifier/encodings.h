// SPDX-License-Identifier: Apache-2.0
// Enumerates instruction encodings: prefixes, opcode maps, opcodes and a choice of ModRM bytes, valid or not.
#pragma once

#include <cstdint>
#include <iterator>
#include <vector>

namespace vbpf::verifier::test {

using Code = std::vector<uint8_t>;

// Displacement and immediate bytes: small and positive, so that branches and %rip-relative accesses stay near.
inline constexpr uint8_t encoding_tail[] = {0x24, 0x10, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

// Prefixes in front of everything else, `before` in front of them.
template <typename F>
void for_each_legacy_encoding(F visit, const Code& before = {}) {
  static const Code prefixes[] = {{},           {0x66},       {0xf2},       {0xf3},       {0xf0},       {0x2e},
                                  {0x3e},       {0x67},       {0x40},       {0x41},       {0x48},       {0x4f},
                                  {0x66, 0x41}, {0x66, 0x48}, {0xf3, 0x48}, {0xf2, 0x4d}, {0x66, 0xf2}, {0x66, 0xf3},
                                  {0xf0, 0x48}, {0x66, 0x66}, {0x66, 0x2e}};
  static const Code maps[] = {{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
  static constexpr uint8_t modrms[] = {0x00, 0x04, 0x05, 0x0c, 0x15, 0x44, 0x48, 0x7c, 0x84,
                                       0x95, 0xbc, 0xc0, 0xc4, 0xcc, 0xd1, 0xe4, 0xf8};
  for (const Code& prefix : prefixes) {
    for (const Code& map : maps) {
      for (unsigned opcode = 0; opcode < 256; ++opcode) {
        for (uint8_t modrm : modrms) {
          Code code = before;
          code.insert(code.end(), prefix.begin(), prefix.end());
          code.insert(code.end(), map.begin(), map.end());
          code.push_back(static_cast<uint8_t>(opcode));
          code.push_back(modrm);
          code.insert(code.end(), std::begin(encoding_tail), std::end(encoding_tail));
          visit(code);
        }
      }
    }
  }
}

template <typename F>
void for_each_vex_encoding(const Code& before, F visit) {
  static constexpr uint8_t modrms[] = {0x05, 0x07, 0x0c, 0x4f, 0x44, 0xbc, 0xc1, 0xe4}, vvvvs[] = {0x78, 0x50, 0x58};
  auto finish = [&](Code code, uint8_t opcode, uint8_t modrm) {
    code.insert(code.begin(), before.begin(), before.end());
    code.push_back(opcode);
    code.push_back(modrm);
    code.insert(code.end(), std::begin(encoding_tail), std::end(encoding_tail));
    visit(code);
  };
  for (unsigned bits = 0; bits < 16; ++bits) {  // W, L, pp
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
      for (uint8_t modrm : modrms) {
        for (uint8_t vvvv : vvvvs) {
          auto last = static_cast<uint8_t>((bits & 8) << 4 | vvvv | (bits & 7));
          for (uint8_t map = 1; map <= 3; ++map)
            finish({0xc4, static_cast<uint8_t>(0xe0 | map), last}, static_cast<uint8_t>(opcode), modrm);
          if (bits < 8) finish({0xc5, static_cast<uint8_t>(0x80 | last)}, static_cast<uint8_t>(opcode), modrm);
        }
      }
    }
  }
}

}  // namespace vbpf::verifier::test
