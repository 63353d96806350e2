// SPDX-License-Identifier: Apache-2.0
// What becomes of code that is not for general registers when the kernel variant is made.
#include "region.h"
#include "run_driver.h"

namespace vbpf::test {
namespace {

using verifier::Variant;

class KernelVariantTest : public DriverTest {
 protected:
  // Builds a plugin with that helper; its warnings.
  std::string build_with(const std::string& helper, const std::string& options = "") {
    write("a.cpp", "#include <vbpf/plugin.h>\n" + helper +
                       "VBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) { return static_cast<uint64_t>(helper(x)); }\n");
    Outcome outcome = driver("-O2 a.cpp -o ext.o " + options);
    EXPECT_EQ(outcome.code, 0) << outcome.output;
    EXPECT_EQ(verify("ext.o", Variant::user), "ok");
    return outcome.output;
  }
  // It is left out for that reason, which is also recorded; asked for by name it is an error.
  void expect_left_out(const std::string& warnings, const std::string& reason) {
    EXPECT_NE(warnings.find("left out variant 'kernel': "), std::string::npos) << warnings;
    EXPECT_NE(warnings.find(reason), std::string::npos) << warnings;
    EXPECT_NE(verify("ext.o", Variant::kernel).find("no 'kernel' variant"), std::string::npos);
    EXPECT_NE(verify("ext.o", Variant::kernel).find(reason), std::string::npos);
    refuse("-O2 a.cpp --variant=user,kernel -o named.o", "variant 'kernel' cannot be built: ");
    EXPECT_FALSE(exists("named.o"));
  }
};

TEST_F(KernelVariantTest, FloatingPointIsCallsOfTheRuntime) {
  EXPECT_EQ(build_with("#include <cmath>\ndouble helper(uint64_t x) { return std::sqrt(double(x)) * 1.5f; }\n"), "");
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
}

TEST_F(KernelVariantTest, InstructionSetsAskedForAreForTheOthers) {
  EXPECT_EQ(build_with("float helper(uint64_t x) { return float(x) + 1; }\n", "-march=x86-64-v3 -mavx2 -mfma"), "");
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
}

TEST_F(KernelVariantTest, IntrinsicsLeaveItOut) {
  expect_left_out(build_with("#include <emmintrin.h>\n__attribute__((noinline)) long long helper(uint64_t x) {\n"
                             "  return _mm_cvtsi128_si64(_mm_set1_epi64x((long long)x)); }\n"),
                  "requires target feature 'sse2'");
}

TEST_F(KernelVariantTest, IntrinsicsWithAnotherFormDoNot) {
  EXPECT_EQ(build_with("#ifdef __SSE2__\n#include <emmintrin.h>\n#endif\nlong long helper(uint64_t x) {\n"
                       "#ifdef __SSE2__\n  return _mm_cvtsi128_si64(_mm_set1_epi64x((long long)x));\n"
                       "#else\n  return (long long)x;\n#endif\n}\n"),
            "");
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
}

TEST_F(KernelVariantTest, VectorRegistersInAsmLeaveItOut) {
  expect_left_out(build_with("uint64_t helper(uint64_t x) { asm volatile(\"pxor %%xmm0, %%xmm0\" ::: \"memory\");"
                             " return x; }\n"),
                  "`pxor %xmm0, %xmm0` uses a register that the kernel variant has not");
}

TEST_F(KernelVariantTest, AssemblyFilesMayHaveTwoForms) {
  write("b.S",
        ".globl zero\nzero:\n#ifdef __SSE2__\n pxor %xmm0,%xmm0\n#endif\n xor %eax,%eax\n"
        " jmp __x86_return_thunk\n");
  write("c.S", ".globl zero\nzero:\n pxor %xmm0,%xmm0\n xor %eax,%eax\n jmp __x86_return_thunk\n");
  write("a.cpp",
        "#include <vbpf/plugin.h>\nextern \"C\" uint64_t zero();\n"
        "VBPF_PLUGIN_ENTRY uint64_t run(uint64_t) { return zero(); }\n");
  build("-O2 --variant=user,kernel a.cpp b.S -o ext.o");
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
  refuse("-O2 --variant=user,kernel a.cpp c.S -o x.o", "c.S: `pxor %xmm0,%xmm0` uses a register");
}

TEST_F(KernelVariantTest, QuadruplePrecisionIsRefusedWithAdvice) {
  write("a.cpp",
        "#include <vbpf/plugin.h>\nVBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) {\n"
        "  volatile __float128 y = (double)x; return (uint64_t)(double)(y * y); }\n");
  refuse("-O2 a.cpp --variant=kernel -o x.o", "use double: there is no arithmetic of 128-bit floating point");
}

TEST_F(KernelVariantTest, VariableArgumentsOfSmallStructuresLeaveItOut) {
  expect_left_out(build_with("#include <cstdarg>\nstruct Point { double x, y; };\n"
                             "double sum(int n, ...) { va_list l; va_start(l, n); Point p = va_arg(l, Point);"
                             " va_end(l); return p.x + p.y; }\n"
                             "double helper(uint64_t x) { return sum(1, Point{double(x), 2}); }\n"),
                  "takes no small structure or union from '...'");
}

TEST_F(KernelVariantTest, VariableArgumentsByTheBuiltinAreRight) {
  build_with(
      "double sum(int n, ...) { __builtin_va_list l; __builtin_va_start(l, n); double s = 0;\n"
      "  for (; n > 0; --n) s += __builtin_va_arg(l, double); __builtin_va_end(l); return s; }\n"
      "double helper(uint64_t x) { return sum(9, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, double(x)); }\n");
  std::vector<std::string> errors;
  auto region = Region::load(folder + "/ext.o", Variant::kernel, errors);
  ASSERT_NE(region, nullptr);
  EXPECT_EQ(region->call("run", 100), 136u);
}

TEST_F(KernelVariantTest, PreprocessedSourcesLeaveItOut) {
  write("a.cpp", "#include <vbpf/plugin.h>\nVBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) { return x; }\n");
  build("-E a.cpp -o a.ii");
  Outcome outcome = driver("-O2 a.ii -o ext.o");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.output.find("left out variant 'kernel': a.ii is preprocessed"), std::string::npos)
      << outcome.output;
  refuse("-O2 --variant=kernel a.ii -o x.o", "variant 'kernel' cannot be built: a.ii is preprocessed");
}

TEST_F(KernelVariantTest, AloneItIsCompiledOnceAndSaysWhatClangSays) {
  write("a.cpp", "#include <vbpf/plugin.h>\nVBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) { int unused; return x; }\n");
  Outcome outcome = driver("-Wall --variant=kernel a.cpp -o ext.o");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.output.find("unused variable 'unused'"), std::string::npos) << outcome.output;
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
  EXPECT_NE(verify("ext.o", Variant::user), "ok");
  build("--emit-variant=kernel a.cpp -o raw.o");
  EXPECT_EQ(verify("raw.o", Variant::kernel), "ok");
  build("-O2 -S --variant=kernel a.cpp -o a.s");
  EXPECT_NE(read("a.s").find("__x86_return_thunk"), std::string::npos);
}

TEST_F(KernelVariantTest, HeadersOnlyItReadsAreDependencies) {
  write("soft.h", "");
  write("a.cpp", "#ifndef __SSE2__\n#include \"soft.h\"\n#endif\nint x;\n");
  build("-MMD a.cpp -c -o out.o");
  EXPECT_NE(read("out.d").find("soft.h"), std::string::npos);
}

}  // namespace
}  // namespace vbpf::test
