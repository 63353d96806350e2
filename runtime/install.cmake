# SPDX-License-Identifier: Apache-2.0
# Installed: libvbpf, its headers, and what pkg-config and find_package(vbpf) need for target vbpf::vbpf.
target_compile_features(vbpf-core INTERFACE cxx_std_20)
set_target_properties(vbpf-core PROPERTIES EXPORT_NAME vbpf INTERFACE_INCLUDE_DIRECTORIES $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
set_target_properties(vbpf-abi PROPERTIES EXPORT_NAME abi)
install(TARGETS vbpf-core vbpf-abi EXPORT vbpfTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT vbpfTargets NAMESPACE vbpf:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/vbpf)
set(sdk ${PROJECT_SOURCE_DIR}/compiler/sdk/include/vbpf)
install(FILES include/vbpf/export.h include/vbpf/extension.h include/vbpf/libvbpf.h include/vbpf/pager.h include/vbpf/result.h ${sdk}/abi.h ${sdk}/xdp_context.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vbpf)
file(RELATIVE_PATH VBPF_PKGCONFIG_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(vbpf.pc.in vbpf.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vbpf.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
