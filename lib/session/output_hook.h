// OutputHook: tells the user of an in-memory connection that there is output which no call of the user's has caused:
// the reply of a command that has waited, a message, MONITOR's line; or that the client was closed.
//
//   holder: SessionWoken ──► delivery queue ──► the thread that Options::background names: the user's function
//
// The notice in the delivery queue is a part of this object, so that telling allocates nothing; there is at most one at
// a time. What comes while it is on its way needs no other, and what comes while the function runs, one more.
//
// Lifetime: by references, one of the connection's and one of each notice that is under way.
#ifndef LARDER_SESSION_OUTPUT_HOOK_H_
#define LARDER_SESSION_OUTPUT_HOOK_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>

#include "lib/core/core.h"
#include "lib/executor/delivery.h"
#include "lib/session/types.h"

namespace larder::inline v0::session {

class OutputHook final : public SessionEvents {
 public:
  explicit OutputHook(core::CacheCore& core) : core_(core) {}
  OutputHook(const OutputHook&) = delete;
  OutputHook& operator=(const OutputHook&) = delete;

  // By the connection: the function from now on; none: nullptr.
  void Set(std::function<void()> call);
  // Returns when no call of a function that Set has replaced is going on, unless this is its thread.
  void AwaitReturn();
  // By the connection, once, when it is no more.
  void End();
  // Any thread, also with the executor held.
  void SessionWoken() override;

 private:
  class Notice;
  ~OutputHook() = default;

  void Post();
  void Deliver();
  void Delivered();
  void Unref();

  core::CacheCore& core_;
  std::mutex mutex_;  // held for some instructions; guards all below
  std::condition_variable returned_;
  std::function<void()> call_;
  int references_ = 1;
  bool posted_ = false;   // the notice is in use
  bool wanted_ = false;   // and another one is wanted
  bool running_ = false;  // call_ is with the thread that runs it
  bool set_ = false;      // and Set was called since
  bool ended_ = false;
  alignas(std::max_align_t) char notice_[64];
};

}  // namespace larder::inline v0::session

#endif  // LARDER_SESSION_OUTPUT_HOOK_H_
