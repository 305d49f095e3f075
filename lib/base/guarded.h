// Guarded: runs code that may throw, in a library that does not handle exceptions.
//
// No frame of the core expects an exception, and a program may build it with -fno-exceptions (tests/hygiene does). A
// std::bad_alloc in the core (from a std::string that grows, from an absl::Status with a message) would pass through
// frames that clean nothing up: it would leak their memory, and leave a held executor held for ever. Code that must
// call what throws goes into a target of its own that is compiled with -fexceptions, does all of it inside Guarded, and
// lets nothing out. See lib/notes/out-of-memory.md.
//
//   bool CopyOf(const Options& options, Options* to) {
//     return base::Guarded([&] { *to = options; });
//   }
#ifndef LARDER_BASE_GUARDED_H_
#define LARDER_BASE_GUARDED_H_

#if !defined(__cpp_exceptions)
#error "Guarded needs a target with copts = [\"-fexceptions\"]; elsewhere it would guard nothing"
#endif

namespace larder::inline v0::base {

// Runs fn. Returns false if an exception (std::bad_alloc, std::length_error) ended it; destructors have run. It catches
// every type: to name one would put its typeinfo among our symbols in a build without rtti.
template <class F>
[[nodiscard]] bool Guarded(F&& fn) {
  try {
    fn();
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_GUARDED_H_
