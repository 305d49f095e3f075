// CHECK and DCHECK are for our own bugs only. The host's or the machine's trouble is an absl::Status, and a refused
// command is an error reply; neither may ever end in a CHECK.
//
// A failed check reports its place and condition to the host's sink (if the code can reach one: LARDER_CHECK_TO) and
// then executes a trap instruction. It never calls abort or exit, which a host may have hooked, and never prints, since
// stdout and stderr are the host's.
//
// LARDER_DCHECK is a check in builds without NDEBUG and nothing in the others; its condition must have no effects.
#ifndef LARDER_BASE_CHECK_H_
#define LARDER_BASE_CHECK_H_

namespace larder::inline v0::base {

// The receiver of a failed check's text: a plain function and its argument, so that this file depends on nothing.
struct CheckSink {
  void (*write)(void* arg, const char* text) = nullptr;
  void* arg = nullptr;
};

// It is cold and out of line, so a check costs its caller one compare and one jump. `text` is in a register at the
// trap, where a debugger or a core dump shows it.
[[noreturn, gnu::cold, gnu::noinline]] inline void CheckFailed(const char* text, const CheckSink* sink = nullptr) {
  if (sink != nullptr && sink->write != nullptr) sink->write(sink->arg, text);
  __asm__ volatile("" : : "r"(text) : "memory");
  __builtin_trap();
}

}  // namespace larder::inline v0::base

#define LARDER_CHECK_STRING_2(x) #x
#define LARDER_CHECK_STRING(x) LARDER_CHECK_STRING_2(x)

#define LARDER_CHECK(condition)                                                                            \
  (__builtin_expect(!(condition), 0)                                                                       \
       ? ::larder::base::CheckFailed(__FILE__ ":" LARDER_CHECK_STRING(__LINE__) ": check failed: " #condition) \
       : (void)0)

#define LARDER_CHECK_TO(sink, condition)                                                                       \
  (__builtin_expect(!(condition), 0)                                                                           \
       ? ::larder::base::CheckFailed(__FILE__ ":" LARDER_CHECK_STRING(__LINE__) ": check failed: " #condition, \
                                     (sink))                                                                   \
       : (void)0)

#ifdef NDEBUG
#define LARDER_DCHECK(condition) ((void)sizeof(!(condition)))
#else
#define LARDER_DCHECK(condition) LARDER_CHECK(condition)
#endif

#endif  // LARDER_BASE_CHECK_H_
