// Guarded: code that may throw, inside a library that is no safer for exceptions.
//
// No frame of the core expects an exception, and a program may build it with -fno-exceptions (tests/hygiene does). A
// std::bad_alloc that starts in it (from a std::string that grows, from an absl::Status with a message) would fly
// through frames that clean nothing up: what they hold is leaked, and an executor that is held stays so for ever. What
// cannot do without such code goes into a target of its own that is compiled with -fexceptions, does all of it inside
// Guarded, and lets nothing out. See lib/notes/out-of-memory.md.
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

// Runs fn; false if an exception (std::bad_alloc, std::length_error) ended it, destructors run. Whatever its type: to
// name one would put its typeinfo among our symbols in a build without rtti.
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
