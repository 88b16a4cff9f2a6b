# SPDX-License-Identifier: Apache-2.0
# cmake --install: the C++ classes as static libraries (mdvt::mdvt), the C library (mdvt::capi), their
# headers, find_package(mdvt), pkg-config (the C library), the programs and the Python module.
include(CMakePackageConfigHelpers)

set(MDVT_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mdvt)

# --- C++: one static library per layer, and the target that joins them ---
get_property(mdvt_layers GLOBAL PROPERTY MDVT_LAYERS)
install(TARGETS ${mdvt_layers} mdvt_all EXPORT mdvtTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT mdvtTargets NAMESPACE mdvt:: DESTINATION ${MDVT_CMAKE_DIR} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mdvt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development FILES_MATCHING PATTERN "*.h")

# --- C: one shared library, one header; needs nothing of the above ---
if(TARGET mdvt_capi)
  install(TARGETS mdvt_capi EXPORT mdvtCapiTargets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
          NAMELINK_COMPONENT development)
  install(EXPORT mdvtCapiTargets NAMESPACE mdvt:: DESTINATION ${MDVT_CMAKE_DIR}
          COMPONENT development)
  install(FILES ${PROJECT_SOURCE_DIR}/capi/mdvt.h ${PROJECT_SOURCE_DIR}/capi/mdvt_backend.h
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT development)
  # Relative to the file itself, so that the installed tree may be moved.
  file(RELATIVE_PATH mdvt_pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/mdvt.pc.in ${PROJECT_BINARY_DIR}/mdvt.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/mdvt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT development)
endif()

# --- find_package(mdvt) ---
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mdvtConfig.cmake.in
  ${PROJECT_BINARY_DIR}/mdvtConfig.cmake INSTALL_DESTINATION ${MDVT_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mdvtConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mdvtConfig.cmake ${PROJECT_BINARY_DIR}/mdvtConfigVersion.cmake
        DESTINATION ${MDVT_CMAKE_DIR} COMPONENT development)

# --- Programs ---
get_property(mdvt_programs GLOBAL PROPERTY MDVT_PROGRAMS)
if(mdvt_programs)
  get_property(mdvt_refused GLOBAL PROPERTY MDVT_REFUSED_PROGRAMS)
  install(TARGETS ${mdvt_programs} ${mdvt_refused} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
  # Man pages, and completions for bash and zsh.
  install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR}
          COMPONENT runtime OPTIONAL)
endif()

# --- Models: where they come from and what their licences allow; the files are the user's ---
install(FILES ${PROJECT_SOURCE_DIR}/models/manifest.json
        DESTINATION ${CMAKE_INSTALL_DATADIR}/mdvt/models COMPONENT runtime)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/sidecars
        DESTINATION ${CMAKE_INSTALL_DATADIR}/mdvt/models COMPONENT runtime)

# --- Python: build/python as it stands ---
if(MDVT_BUILD_PYTHON AND TARGET mdvt_python)
  find_package(Python COMPONENTS Interpreter REQUIRED)
  set(MDVT_PYTHON_INSTALL_DIR
      lib/python${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}/site-packages
      CACHE STRING "Where the Python module is installed, relative to the prefix")
  install(DIRECTORY ${PROJECT_BINARY_DIR}/python/ DESTINATION ${MDVT_PYTHON_INSTALL_DIR}
          COMPONENT python PATTERN "__pycache__" EXCLUDE)
endif()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime OPTIONAL)
