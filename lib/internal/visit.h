// Marks a call that uses the cache longer than it holds the executor. Part of the public headers' machinery, not of the
// API.
#ifndef LARDER_INTERNAL_VISIT_H_
#define LARDER_INTERNAL_VISIT_H_

#include <thread>

#include <larder/export.h>
#include <larder/internal/error_text.h>

namespace larder::inline v0 {

namespace core {
class CacheCore;
class Closing;
}

namespace internal {

// Close waits for visits that have begun, and refuses later ones. A visit is on the stack of the call's thread, which
// may be inside several.
class LARDER_API Visit {
 public:
  explicit Visit(core::CacheCore& core);
  // For user code that is called from inside the cache, and so not refused (Options::log).
  struct Within {};
  Visit(core::CacheCore& core, Within within);
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  // Why the call may not go on; nullptr if it may.
  const ErrorText* error() const { return error_; }

 private:
  friend class core::Closing;
  core::CacheCore& core_;
  const ErrorText* error_ = nullptr;
  std::thread::id thread_;
  Visit* next_ = nullptr;
  Visit* previous_ = nullptr;
};

}  // namespace internal
}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_VISIT_H_
