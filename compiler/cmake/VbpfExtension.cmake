# SPDX-License-Identifier: Apache-2.0
#
#   vbpf_add_extension(<name> <source>... [OPTIONS <option>...] [INCLUDES <dir>...] [OUTPUT <file>])
#
# Adds target <name>, part of `all`, that compiles and links the sources with vbpf-clang++ to <name>.o in the current binary
# folder (or to OUTPUT). The file's path is the target's property VBPF_OBJECT: $<TARGET_PROPERTY:<name>,VBPF_OBJECT>.
# Headers are tracked. Without an optimisation level among OPTIONS, -O2 is used, and -g.
function(vbpf_add_extension name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT" "OPTIONS;INCLUDES")
  if(NOT arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "vbpf_add_extension(${name}): no sources given")
  endif()
  if(TARGET vbpf-clang++)
    set(compiler $<TARGET_FILE:vbpf-clang++>)
    set(needs vbpf-clang++)
    # The archives as files too: a change of the runtime links extensions again.
    set(runtime vbpf-rt)
    foreach(variant user sfi kernel)
      list(APPEND runtime ${CMAKE_BINARY_DIR}/lib/vbpf/${variant}/libvbpf_rt.a)
    endforeach()
  elseif(VBPF_CLANGXX)
    set(compiler ${VBPF_CLANGXX})
    set(needs ${VBPF_CLANGXX})
    set(runtime)
  else()
    message(FATAL_ERROR "vbpf_add_extension(${name}): vbpf-clang++ is not known; call find_package(vbpf REQUIRED) first")
  endif()
  if(arg_OUTPUT)
    cmake_path(ABSOLUTE_PATH arg_OUTPUT BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} OUTPUT_VARIABLE object)
  else()
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
  endif()
  set(options ${arg_OPTIONS})
  if(NOT "${options}" MATCHES "(^|;)-O")
    list(PREPEND options -O2)
  endif()
  if(NOT "${options}" MATCHES "(^|;)-g")
    list(PREPEND options -g)
  endif()
  foreach(include IN LISTS arg_INCLUDES)
    cmake_path(ABSOLUTE_PATH include BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND options -I${include})
  endforeach()

  # One object per source, so that a change compiles one file; then the link.
  set(objects)
  foreach(source IN LISTS arg_UNPARSED_ARGUMENTS)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    if(source MATCHES "\\.o$")
      list(APPEND objects ${source})
      continue()
    endif()
    list(LENGTH objects index)
    cmake_path(GET source FILENAME file)
    set(part ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir/${index}-${file}.o)
    add_custom_command(
      OUTPUT ${part}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir
      COMMAND ${compiler} ${options} -MD -MF ${part}.d -MT ${part} -c ${source} -o ${part}
      DEPENDS ${source} ${needs} DEPFILE ${part}.d
      COMMENT "Compiling extension source ${file} (${name})" VERBATIM COMMAND_EXPAND_LISTS)
    list(APPEND objects ${part})
  endforeach()
  # --variant of OPTIONS holds for the link as well.
  set(link_options ${options})
  list(FILTER link_options INCLUDE REGEX "^(--variant=|-nostdlib)")
  add_custom_command(
    OUTPUT ${object} COMMAND ${compiler} ${link_options} ${objects} -o ${object} DEPENDS ${objects} ${needs} ${runtime}
    COMMENT "Linking extension ${name}.o" VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(${name} ALL DEPENDS ${object})
  set_target_properties(${name} PROPERTIES VBPF_OBJECT ${object})
endfunction()
