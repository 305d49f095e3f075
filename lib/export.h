// LARDER_API marks the symbols that liblarder.so exports; everything else is built with hidden visibility.
#ifndef LARDER_EXPORT_H_
#define LARDER_EXPORT_H_

#if __cplusplus < 201709L
#error "Larder's headers are C++20: compile with -std=c++20 or later (CMake: target_compile_features(app PRIVATE cxx_std_20); Bazel: build --cxxopt=-std=c++20 in .bazelrc)"
#endif

#define LARDER_API __attribute__((visibility("default")))

#endif  // LARDER_EXPORT_H_
