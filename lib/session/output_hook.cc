#include "lib/session/output_hook.h"

#include <memory>
#include <new>

namespace larder::inline v0::session {

// It lies in its hook, and deleting it gives the place back.
class OutputHook::Notice final : public executor::Delivery {
 public:
  explicit Notice(OutputHook& hook) : hook_(hook) {}
  ~Notice() override = default;
  void Deliver() override { hook_.Deliver(); }

  static void operator delete(Notice* notice, std::destroying_delete_t) {
    OutputHook& hook = notice->hook_;
    notice->~Notice();
    hook.Delivered();
  }

 private:
  OutputHook& hook_;
};

void OutputHook::Set(std::function<void()> call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  call_.swap(call);
  set_ = true;
}

void OutputHook::SessionWoken() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_ || (call_ == nullptr && !running_)) return;
    wanted_ = true;
    if (posted_) return;
    posted_ = true;
    ++references_;
  }
  Post();
}

void OutputHook::Post() {
  static_assert(sizeof(Notice) <= sizeof(notice_));
  core_.delivery().Post(std::unique_ptr<executor::Delivery>(new (notice_) Notice(*this)));
}

void OutputHook::Deliver() {
  std::function<void()> call;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    wanted_ = false;
    if (ended_ || call_ == nullptr) return;
    running_ = true;
    set_ = false;
    call.swap(call_);
  }
  call();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!set_) call_.swap(call);
  running_ = false;
  returned_.notify_all();
}

void OutputHook::Delivered() {
  bool again = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    again = wanted_ && !ended_;
    posted_ = again;
  }
  if (again) return Post();
  Unref();
}

void OutputHook::AwaitReturn() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!core_.delivery().IsDrainer()) returned_.wait(lock, [this] { return !running_; });
}

void OutputHook::End() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  Unref();
}

void OutputHook::Unref() {
  bool last = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last = --references_ == 0;
  }
  if (last) delete this;
}

}  // namespace larder::inline v0::session
