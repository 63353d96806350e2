// SPDX-License-Identifier: Apache-2.0
// A virtual machine of KVM's whose CPUs touch memory of this process, one word at a time.
#pragma once

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

namespace vbpf::uffd::test {

// Throws std::system_error, or std::runtime_error where a CPU stops otherwise than it should.
class VirtualMachine {
 public:
  // Its physical memory begins with these bytes of this process, at most 512 KiB.
  VirtualMachine(uint64_t memory, uint64_t size) {
    kvm_ = checked(::open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    machine_ = checked(::ioctl(kvm_, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    code_ = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // mov es:[di], eax; hlt. mov eax, es:[di]; hlt.
    constexpr uint8_t code[] = {0x66, 0x26, 0x89, 0x05, 0xf4, 0xf4, 0xf4, 0xf4, 0x66, 0x26, 0x8b, 0x05, 0xf4};
    std::memcpy(code_, code, sizeof(code));
    add_memory(0, 0, memory, size);
    add_memory(1, code_address, reinterpret_cast<uint64_t>(code_), 4096);
  }
  ~VirtualMachine() {
    ::close(machine_);
    ::close(kvm_);
    ::munmap(code_, 4096);
  }
  VirtualMachine(const VirtualMachine&) = delete;
  VirtualMachine& operator=(const VirtualMachine&) = delete;

  // For one thread.
  class Cpu {
   public:
    Cpu(const VirtualMachine& machine, int number) {
      cpu_ = checked(::ioctl(machine.machine_, KVM_CREATE_VCPU, number), "KVM_CREATE_VCPU");
      size_ = static_cast<size_t>(checked(::ioctl(machine.kvm_, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
      run_ = static_cast<kvm_run*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, cpu_, 0));
    }
    ~Cpu() {
      ::munmap(run_, size_);
      ::close(cpu_);
    }
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    uint32_t read(uint64_t address) const { return touch(8, address, 0); }
    void write(uint64_t address, uint32_t value) const { touch(0, address, value); }

   private:
    uint32_t touch(uint64_t instruction, uint64_t address, uint32_t value) const {
      kvm_sregs segments{};
      checked(::ioctl(cpu_, KVM_GET_SREGS, &segments), "KVM_GET_SREGS");
      segments.cs.base = code_address;
      segments.cs.selector = 0;
      segments.es.base = address & ~uint64_t{4095};
      checked(::ioctl(cpu_, KVM_SET_SREGS, &segments), "KVM_SET_SREGS");
      kvm_regs registers{};
      registers.rip = instruction;
      registers.rax = value;
      registers.rdi = address & 4095;
      registers.rflags = 2;
      checked(::ioctl(cpu_, KVM_SET_REGS, &registers), "KVM_SET_REGS");
      while (::ioctl(cpu_, KVM_RUN, 0) != 0) {
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "KVM_RUN");
      }
      if (run_->exit_reason != KVM_EXIT_HLT)
        throw std::runtime_error("the virtual CPU stopped for reason " + std::to_string(run_->exit_reason));
      checked(::ioctl(cpu_, KVM_GET_REGS, &registers), "KVM_GET_REGS");
      return static_cast<uint32_t>(registers.rax);
    }

    int cpu_ = -1;
    size_t size_ = 0;
    kvm_run* run_ = nullptr;
  };

 private:
  static constexpr uint64_t code_address = 0xe0000;

  static int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
  }
  void add_memory(uint32_t slot, uint64_t address, uint64_t memory, uint64_t size) const {
    kvm_userspace_memory_region region{slot, 0, address, size, memory};
    checked(::ioctl(machine_, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  }

  int kvm_ = -1, machine_ = -1;
  void* code_ = nullptr;
};

}  // namespace vbpf::uffd::test
