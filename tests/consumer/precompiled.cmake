# Compiles Larder with the precompiled header that Bazel has (third_party/pch): a third less time, the same libraries.
# cmake -DCMAKE_PROJECT_Larder_INCLUDE=tests/consumer/precompiled.cmake, which CMake includes in Larder's project().
function(larder_tests_precompile)
  target_precompile_headers(larder_core_objects PRIVATE "${PROJECT_SOURCE_DIR}/third_party/pch/lib_pch.cc")
  # As third_party/cc.bzl has it, with the reason.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    foreach(name core net uring tls c)
      if(TARGET larder_${name}_objects)
        target_compile_options(larder_${name}_objects PRIVATE --param=ggc-min-heapsize=600000)
      endif()
    endforeach()
  endif()
  foreach(name net uring tls c)
    if(TARGET larder_${name}_objects)
      target_precompile_headers(larder_${name}_objects REUSE_FROM larder_core_objects)
    endif()
  endforeach()
endfunction()
cmake_language(DEFER CALL larder_tests_precompile)
