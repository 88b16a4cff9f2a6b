# SPDX-License-Identifier: Apache-2.0
# The ray-caster alone, for the tests and for the demo's sample clip.
include_guard(GLOBAL)
add_library(mdvt_raycast STATIC ${CMAKE_CURRENT_LIST_DIR}/raycast.cpp)
target_include_directories(mdvt_raycast PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(mdvt_raycast PUBLIC mdvt_core PRIVATE mdvt_flags)
