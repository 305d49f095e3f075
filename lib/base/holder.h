// The holder: who has a cache's executor, as a capability that clang's thread-safety analysis checks.
//
// What one thread at a time may touch, under the executor, says so in its declaration, and clang refuses what touches
// it from anywhere else (`--config=clang`, which .ci/run builds). Other compilers see nothing, and nothing is
// generated.
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
// Where the chain of such functions begins, somebody has to say that the executor is held: Executor::TryAcquire does,
// and AssertHolder() does where clang cannot follow, which is the body of what is called through a pointer, a virtual
// function or a template of another's, and whatever comes after an Acquire or Enter that was asked for more than yes or
// no.
//
// There is one token for all caches and all executors. lib/notes/holder.md says why, and what it therefore cannot see.
#ifndef LARDER_BASE_HOLDER_H_
#define LARDER_BASE_HOLDER_H_

#if defined(__clang__)
#define LARDER_HOLDER_ATTRIBUTE(x) __attribute__((x))
#else
#define LARDER_HOLDER_ATTRIBUTE(x)
#endif

// A function or a lambda that only the holder may call. Stands behind its parameters (and const, noexcept, override).
#define LARDER_REQUIRES_HOLDER LARDER_HOLDER_ATTRIBUTE(requires_capability(::larder::base::kHolder))
// A member that only the holder may read or write.
#define LARDER_GUARDED_BY_HOLDER LARDER_HOLDER_ATTRIBUTE(guarded_by(::larder::base::kHolder))
// A function that only the holder can have come to: whoever has called it is believed from then on.
#define LARDER_ASSERTS_HOLDER LARDER_HOLDER_ATTRIBUTE(assert_capability(::larder::base::kHolder))
// The executor's own: a function that makes its caller the holder if it returns true; one after which it is not any
// more; and one whose body clang cannot follow, since the lock word itself is no capability.
#define LARDER_TRY_ACQUIRES_HOLDER LARDER_HOLDER_ATTRIBUTE(try_acquire_capability(true, ::larder::base::kHolder))
#define LARDER_RELEASES_HOLDER LARDER_HOLDER_ATTRIBUTE(release_capability(::larder::base::kHolder))
#define LARDER_HOLDER_UNCHECKED LARDER_HOLDER_ATTRIBUTE(no_thread_safety_analysis)

namespace larder::inline v0::base {

// The type has no data: it is a name for clang, and takes no room.
class LARDER_HOLDER_ATTRIBUTE(capability("the executor")) Holder {};
inline constexpr Holder kHolder;

// "This thread holds the executor": for clang, and for who reads the code. It checks nothing when the program runs.
inline void AssertHolder() LARDER_ASSERTS_HOLDER {}

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_HOLDER_H_
