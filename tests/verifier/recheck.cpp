// SPDX-License-Identifier: Apache-2.0
#include "recheck.h"

#include <Zydis/Zydis.h>

#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "vbpf/abi.h"

namespace vbpf::verifier::test {
namespace {

// Where %rsp may be before an instruction.
enum class Stack { inside, stepped, low };

class Rechecker {
 public:
  Rechecker(const Image& image, const Options& options) : image_(image), options_(options) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  std::string run() {
    check_shape();
    if (!error_.empty()) return error_;
    for (const Entry& entry : image_.entries) reach(entry.address, Stack::inside);
    for (uint64_t constructor : image_.constructors) reach(constructor, Stack::inside);
    for (uint64_t i = 0; i < image_.target_map.size(); ++i) {
      auto mark = static_cast<uint8_t>(image_.target_map[i]);
      if (mark & ~3) fail(text_->address + i, "unknown mark in the target map");
      if (mark) reach(text_->address + i, Stack::inside);
    }
    while (!work_.empty() && error_.empty()) {
      auto [address, stack] = *work_.begin();
      work_.erase(work_.begin());
      if (done_.insert({address, stack}).second) step(address, stack);
    }
    check_no_overlap();
    return error_;
  }

 private:
  void fail(uint64_t address, const std::string& what) {
    if (!error_.empty()) return;
    std::ostringstream text;
    text << what << " at 0x" << std::hex << address;
    error_ = text.str();
  }

  void check_shape() {
    uint64_t end = 0;
    for (const Segment& segment : image_.segments) {
      if (segment.address % 4096 != 0 || segment.size == 0 || segment.bytes.size() > segment.size)
        fail(segment.address, "odd segment");
      if (end != 0 && segment.address < ((end + 4095) & ~4095ull) + 4096) fail(segment.address, "no guard page");
      end = segment.address + segment.size;
      if (segment.kind == Segment::Kind::text) text_ = &segment;
    }
    uint64_t begin = options_.region_base + VBPF_OFF_IMAGE;
    if (text_ == nullptr || image_.segments.front().address < begin || end > begin + VBPF_IMAGE_SIZE_MAX)
      fail(end, "outside the image");
    if (text_ != nullptr &&
        (text_->bytes.size() != text_->size || image_.target_map.size() != text_->size || text_->size % 4096 != 0))
      fail(end, "text is not whole pages of checked bytes");
    image_end_ = end;
  }

  void reach(uint64_t address, Stack stack) {
    if (address - text_->address >= text_->size) return fail(address, "control leaves the text");
    work_.insert({address, stack});
  }

  uint8_t byte_at(uint64_t address) const { return static_cast<uint8_t>(text_->bytes[address - text_->address]); }

  void step(uint64_t address, Stack stack) {
    ZydisDecodedInstruction in;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const std::byte* start = text_->bytes.data() + (address - text_->address);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, start, text_->address + text_->size - address, &in, operands)))
      return fail(address, "undecodable");
    lengths_[address] = in.length;
    check_forbidden(address, in);
    Stack after = stack;
    if (options_.variant == Variant::kernel) check_general_registers(address, in, operands);
    if (options_.variant == Variant::sfi) after = check_sfi(address, in, operands, stack);
    flow(address, in, operands, after);
  }

  void check_forbidden(uint64_t address, const ZydisDecodedInstruction& in) {
    static const std::set<int> categories = {
        ZYDIS_CATEGORY_SYSCALL,  ZYDIS_CATEGORY_SYSRET,     ZYDIS_CATEGORY_SYSTEM,     ZYDIS_CATEGORY_RET,
        ZYDIS_CATEGORY_IO,       ZYDIS_CATEGORY_IOSTRINGOP, ZYDIS_CATEGORY_SEGOP,      ZYDIS_CATEGORY_XSAVE,
        ZYDIS_CATEGORY_XSAVEOPT, ZYDIS_CATEGORY_RDWRFSGS,   ZYDIS_CATEGORY_PKU,        ZYDIS_CATEGORY_VTX,
        ZYDIS_CATEGORY_X87_ALU,  ZYDIS_CATEGORY_MMX,        ZYDIS_CATEGORY_CLFLUSHOPT, ZYDIS_CATEGORY_WAITPKG,
        ZYDIS_CATEGORY_ENQCMD,   ZYDIS_CATEGORY_MOVDIR,     ZYDIS_CATEGORY_UINTR,      ZYDIS_CATEGORY_SMAP};
    if (categories.contains(in.meta.category)) fail(address, "forbidden category");
    static const std::set<int> mnemonics = {ZYDIS_MNEMONIC_WRPKRU,  ZYDIS_MNEMONIC_RDPKRU,   ZYDIS_MNEMONIC_XRSTOR,
                                            ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_INT,      ZYDIS_MNEMONIC_INT1,
                                            ZYDIS_MNEMONIC_POPFQ,   ZYDIS_MNEMONIC_POPF,     ZYDIS_MNEMONIC_STD,
                                            ZYDIS_MNEMONIC_XBEGIN,  ZYDIS_MNEMONIC_LDMXCSR,  ZYDIS_MNEMONIC_VLDMXCSR,
                                            ZYDIS_MNEMONIC_FXRSTOR, ZYDIS_MNEMONIC_WRGSBASE, ZYDIS_MNEMONIC_WRFSBASE};
    if (mnemonics.contains(in.mnemonic)) fail(address, "forbidden mnemonic");
    if (in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) fail(address, "far branch");
    // The raw bytes, without the decoder's opinion: prefixes, then the opcode.
    uint64_t at = address;
    for (; byte_at(at) == 0x66 || byte_at(at) == 0x67 || byte_at(at) == 0x65 || byte_at(at) == 0x2e ||
           byte_at(at) == 0xf2 || byte_at(at) == 0xf3 || byte_at(at) == 0xf0 || (byte_at(at) & 0xf0) == 0x40;
         ++at) {
    }
    uint8_t first = byte_at(at);
    if (first == 0x64 || first == 0x26 || first == 0x36 || first == 0x3e || first == 0x62 || first == 0x9b ||
        (first >= 0xd8 && first <= 0xdf))
      fail(address, "forbidden first byte");
    if (first == 0x8e || first == 0x8c || first == 0xcd || first == 0xc3 || first == 0xc2 || first == 0xcb ||
        first == 0xca || first == 0xcf)
      fail(address, "forbidden opcode");
    if (first != 0x0f) return;
    uint8_t second = byte_at(at + 1);
    static const std::set<uint8_t> forbidden = {0x01, 0x05, 0x07, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32, 0x33,
                                                0x34, 0x35, 0x37, 0xa0, 0xa1, 0xa8, 0xa9, 0xa2, 0xb2, 0xb4, 0xb5};
    if (forbidden.contains(second)) fail(address, "forbidden two-byte opcode");
    if (second == 0xae && byte_at(at + 2) != 0xe8 && byte_at(at + 2) != 0xf0 && byte_at(at + 2) != 0xf8)
      fail(address, "0f ae");
    if (second == 0xc7 && ((byte_at(at + 2) >> 3) & 7) != 1) fail(address, "0f c7");
  }

  // Hidden operands too.
  void check_general_registers(uint64_t address, const ZydisDecodedInstruction& in,
                               const ZydisDecodedOperand* operands) {
    static const std::set<int> classes = {ZYDIS_REGCLASS_GPR8,  ZYDIS_REGCLASS_GPR16, ZYDIS_REGCLASS_GPR32,
                                          ZYDIS_REGCLASS_GPR64, ZYDIS_REGCLASS_FLAGS, ZYDIS_REGCLASS_IP};
    for (size_t i = 0; i < in.operand_count; ++i) {
      if (operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
      if (!classes.contains(ZydisRegisterGetClass(operands[i].reg.value))) fail(address, "not a general register");
    }
  }

  void flow(uint64_t address, const ZydisDecodedInstruction& in, const ZydisDecodedOperand* operands, Stack after) {
    uint64_t next = address + in.length;
    if (in.mnemonic == ZYDIS_MNEMONIC_UD2 || in.mnemonic == ZYDIS_MNEMONIC_INT3) return;
    if (in.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) {
      if (operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return fail(address, "indirect branch");
      uint64_t target = next + operands[0].imm.value.u;
      bool external = false;
      for (const External& e : options_.externals) external |= e.address == target && e.kind != External::Kind::data;
      if (!external) reach(target, after);
      if (in.mnemonic == ZYDIS_MNEMONIC_JMP) return;
    }
    reach(next, after);
  }

  // %gs: and 32-bit addressing by the bytes, %rip by the ModRM byte.
  Stack check_sfi(uint64_t address, const ZydisDecodedInstruction& in, const ZydisDecodedOperand* operands,
                  Stack stack) {
    bool gs = false, address32 = false;
    for (int i = 0; i < in.raw.prefix_count; ++i) {
      gs |= in.raw.prefixes[i].value == 0x65;
      address32 |= in.raw.prefixes[i].value == 0x67;
    }
    bool is_probe = in.length == 4 && byte_at(address) == 0x80 && byte_at(address + 1) == 0x3c &&
                    byte_at(address + 2) == 0x24 && byte_at(address + 3) == 0;
    bool memory = (in.attributes & ZYDIS_ATTRIB_HAS_MODRM) && in.raw.modrm.mod != 3;
    bool free = in.mnemonic == ZYDIS_MNEMONIC_LEA || in.mnemonic == ZYDIS_MNEMONIC_NOP || is_probe;
    if (memory && !free) {
      bool rip = in.raw.modrm.mod == 0 && in.raw.modrm.rm == 5;
      if (rip) {
        uint64_t begin = address + in.length + static_cast<uint64_t>(static_cast<int64_t>(in.raw.disp.value));
        if (gs || address32 || begin < image_.segments.front().address || begin >= image_end_)
          fail(address, "%rip outside the image");
      } else if (!gs || !address32) {
        fail(address, "unconfined operand");
      }
    }
    bool absolute = in.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && in.opcode >= 0xa0 && in.opcode <= 0xa3;
    if (absolute && (!gs || !address32)) fail(address, "absolute address");
    for (int i = 0; i < in.operand_count; ++i) {
      if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && operands[i].mem.type == ZYDIS_MEMOP_TYPE_VSIB)
        fail(address, "vector address");
    }
    if (in.meta.category == ZYDIS_CATEGORY_STRINGOP) fail(address, "string instruction");
    bool accesses =
        in.mnemonic == ZYDIS_MNEMONIC_PUSH || in.mnemonic == ZYDIS_MNEMONIC_POP || in.mnemonic == ZYDIS_MNEMONIC_CALL;
    return stack_after(address, in, operands, stack,
                       accesses || is_probe || goes_to_return_thunk(address, in, operands));
  }

  bool goes_to_return_thunk(uint64_t address, const ZydisDecodedInstruction& in,
                            const ZydisDecodedOperand* operands) const {
    if (in.mnemonic != ZYDIS_MNEMONIC_JMP) return false;
    for (const External& e : options_.externals) {
      if (e.kind == External::Kind::return_thunk && e.address == address + in.length + operands[0].imm.value.u)
        return true;
    }
    return false;
  }

  Stack stack_after(uint64_t address, const ZydisDecodedInstruction& in, const ZydisDecodedOperand* operands,
                    Stack stack, bool probes) {
    bool wide = false, narrow = false;
    for (int i = 0; i < in.operand_count; ++i) {
      const ZydisDecodedOperand& operand = operands[i];
      if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !(operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) continue;
      if (ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand.reg.value) != ZYDIS_REGISTER_RSP)
        continue;
      if (operand.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) continue;
      (operand.reg.value == ZYDIS_REGISTER_RSP ? wide : narrow) = true;
      if (operand.reg.value == ZYDIS_REGISTER_SP || operand.reg.value == ZYDIS_REGISTER_SPL)
        fail(address, "part of the stack pointer");
    }
    bool base = wide && in.mnemonic == ZYDIS_MNEMONIC_OR && in.raw.disp.value == static_cast<int64_t>(VBPF_OFF_INFO) &&
                in.length == 10;
    if (stack == Stack::low && !base) fail(address, "low stack pointer is not put right");
    if (stack == Stack::stepped && !probes) fail(address, "step without a probe");
    if (base || (!wide && !narrow)) return Stack::inside;
    if (narrow) return Stack::low;
    bool constant = in.mnemonic == ZYDIS_MNEMONIC_LEA
                        ? in.raw.modrm.rm == 4 && in.raw.sib.index == 4 && in.raw.sib.base == 4 &&
                              operands[1].mem.base == ZYDIS_REGISTER_RSP
                        : in.raw.imm[0].size != 0;
    int64_t distance = in.mnemonic == ZYDIS_MNEMONIC_LEA ? in.raw.disp.value : operands[1].imm.value.s;
    if (!constant || distance > 0x10000 || distance < -0x10000) fail(address, "unbounded step");
    return Stack::stepped;
  }

  // Reached instructions do not overlap: there is one reading of the bytes.
  void check_no_overlap() {
    uint64_t end = 0;
    for (auto [address, length] : lengths_) {
      if (address < end) fail(address, "two readings of the same bytes");
      end = address + length;
    }
  }

  const Image& image_;
  const Options& options_;
  const Segment* text_ = nullptr;
  uint64_t image_end_ = 0;
  ZydisDecoder decoder_;
  std::set<std::pair<uint64_t, Stack>> work_, done_;
  std::map<uint64_t, uint8_t> lengths_;
  std::string error_;
};

}  // namespace

std::string recheck(const Image& image, const Options& options) { return Rechecker(image, options).run(); }

}  // namespace vbpf::verifier::test
