# SPDX-License-Identifier: Apache-2.0
# How every target of the project is made.

add_library(mdvt_flags INTERFACE)
# No contraction of a * b + c: results must not depend on the instruction set.
target_compile_options(mdvt_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -ffp-contract=off
  $<$<BOOL:${MDVT_WERROR}>:-Werror>)
if(MDVT_SANITIZE)
  # GCC takes what sanitizers add to variants for uses of what was never set. A null pointer ends the
  # program without a check in front of every use, and those checks are a fifth of the compile time.
  target_compile_options(mdvt_flags INTERFACE
    -fsanitize=${MDVT_SANITIZE} -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
    -Wno-maybe-uninitialized)
  target_link_options(mdvt_flags INTERFACE -fsanitize=${MDVT_SANITIZE})
  # Ceres comes compiled without sanitizers, and shares Eigen's inline functions with this project: with
  # them, Eigen would allocate in another way here than it frees there.
  target_compile_definitions(mdvt_flags INTERFACE EIGEN_MALLOC_ALREADY_ALIGNED=1)
endif()

# mdvt_add_layer(NAME SOURCES a.cpp ... [PUBLIC targets...] [PRIVATE targets...])
# One static library per layer, mdvt_NAME, so that linking follows the layers.
function(mdvt_add_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(mdvt_${name} STATIC ${ARG_SOURCES})
  add_library(mdvt::${name} ALIAS mdvt_${name})
  set_target_properties(mdvt_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(mdvt_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(mdvt_${name} PUBLIC cxx_std_17)
  target_link_libraries(mdvt_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE}
                        $<BUILD_INTERFACE:mdvt_flags>)
  set_property(GLOBAL APPEND PROPERTY MDVT_LAYERS mdvt_${name})
endfunction()

# mdvt_add_test(LAYER FILE [ALONE] [LONG] [LABEL label] [TIMEOUT seconds] [LIBS targets...])
# tests/LAYER/FILE_test.cpp becomes part of the program test_LAYER, linked to that layer and to LIBS,
# and the ctest LAYER/FILE, which runs the tests of that file in a process of their own. ALONE is for
# files that change the whole program (operator new, calls to libc): test_LAYER_FILE. LONG is for files
# that run whole jobs for seconds, over what their layers' own tests have run already: their label is
# "long" where it would be "unit", and "slow" under the sanitizers, where they take minutes. LABEL
# long is for those that take seconds and should run under the sanitizers too.
function(mdvt_add_test layer file)
  cmake_parse_arguments(ARG "ALONE;LONG" "LABEL;TIMEOUT" "LIBS" ${ARGN})
  if(ARG_LONG AND MDVT_SANITIZE)
    set(ARG_LABEL slow)
  elseif(ARG_LONG AND NOT ARG_LABEL)
    set(ARG_LABEL long)
  elseif(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  set(target test_${layer})
  if(ARG_ALONE)
    set(target test_${layer}_${file})
  endif()
  if(NOT TARGET ${target})
    add_executable(${target})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
    # Compiling a test takes longer than running it: what it calls is optimised, it itself is not.
    if(MDVT_SANITIZE)
      target_compile_options(${target} PRIVATE -O0)
    else()
      target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
    target_link_libraries(${target} PRIVATE mdvt_test_support GTest::gtest mdvt_flags)
    if(TARGET mdvt_${layer})
      target_link_libraries(${target} PRIVATE mdvt_${layer})
    endif()
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  endif()
  target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/${layer}/${file}_test.cpp)
  target_link_libraries(${target} PRIVATE ${ARG_LIBS})
  add_test(NAME ${layer}/${file} COMMAND ${target} --file=${file})
  set_tests_properties(${layer}/${file} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()
