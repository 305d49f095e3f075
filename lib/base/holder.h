// The holder: the right of the thread that has a cache's executor, as a capability that clang's thread-safety analysis
// checks.
//
// Data and functions that only the holder may use say so in their declarations, and clang refuses all other uses
// (`--config=clang`, which .ci/run builds). Other compilers see nothing, and no code is generated.
//
//   class Db {
//    public:
//     size_t size() const LARDER_REQUIRES_HOLDER { return size_; }
//    private:
//     size_t size_ LARDER_GUARDED_BY_HOLDER = 0;
//   };
//
//   executor.Run([&]() LARDER_REQUIRES_HOLDER { keys = db.size(); });   // a lambda is a function of its own to clang
//
// At the beginning of a chain of such functions, the code has to say that the executor is held. Executor::TryAcquire
// says so by itself. AssertHolder() says so where clang cannot follow: in a function that is called through a pointer,
// a virtual call or a foreign template, and after an Acquire or Enter that does not return a plain bool.
//
// There is one token for all caches and all executors. lib/notes/holder.md tells why, and which errors it therefore
// misses.
#ifndef LARDER_BASE_HOLDER_H_
#define LARDER_BASE_HOLDER_H_

#if defined(__clang__)
#define LARDER_HOLDER_ATTRIBUTE(x) __attribute__((x))
#else
#define LARDER_HOLDER_ATTRIBUTE(x)
#endif

// A function or a lambda that only the holder may call. It goes after the parameters (and const, noexcept, override).
#define LARDER_REQUIRES_HOLDER LARDER_HOLDER_ATTRIBUTE(requires_capability(::larder::base::kHolder))
// A member that only the holder may read or write.
#define LARDER_GUARDED_BY_HOLDER LARDER_HOLDER_ATTRIBUTE(guarded_by(::larder::base::kHolder))
// A function that only the holder can reach: after a call of it, clang believes that the caller is the holder.
#define LARDER_ASSERTS_HOLDER LARDER_HOLDER_ATTRIBUTE(assert_capability(::larder::base::kHolder))
// For the executor alone: a function that makes its caller the holder if it returns true; one after which the caller is
// the holder no longer; and one whose body clang cannot follow, since the lock word itself is no capability.
#define LARDER_TRY_ACQUIRES_HOLDER LARDER_HOLDER_ATTRIBUTE(try_acquire_capability(true, ::larder::base::kHolder))
#define LARDER_RELEASES_HOLDER LARDER_HOLDER_ATTRIBUTE(release_capability(::larder::base::kHolder))
#define LARDER_HOLDER_UNCHECKED LARDER_HOLDER_ATTRIBUTE(no_thread_safety_analysis)

namespace larder::inline v0::base {

// The type has no data: it is only a name for clang.
class LARDER_HOLDER_ATTRIBUTE(capability("the executor")) Holder {};
inline constexpr Holder kHolder;

// Tells clang, and the reader, that this thread holds the executor. It checks nothing when the program runs.
inline void AssertHolder() LARDER_ASSERTS_HOLDER {}

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_HOLDER_H_
