# SPDX-License-Identifier: Apache-2.0
# What libvbpf shows to programs: the C API beside the C++ one, and nothing but what VBPF_API marks.
target_sources(vbpf-core PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/libvbpf.cpp)
target_compile_definitions(vbpf-core PRIVATE VBPF_VERSION="${PROJECT_VERSION}")
set_target_properties(vbpf-core PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_link_options(vbpf-core PRIVATE -Wl,--exclude-libs,ALL)
