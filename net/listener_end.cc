// How a listener ends: by its owner, by its cache, and in a forked child.
#include <chrono>
#include <utility>

#include "lib/base/status.h"
#include "net/listener_impl.h"

namespace larder::inline v0 {

// Takes everything out of the loop, and closes it. REQUIRES: this is the loop's thread, or the loop runs no more.
void Listener::Impl::StopServing() {
  {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    if (stopped_) return;
  }
  if (loop_ != nullptr) {
    background_.Stop();
    loop_->after_events().Remove(news_hook_);
  }
  places_.Stop();
  // The loop stays: a host may still be polling it, and finds nothing. Run ends.
  if (!own_thread_ && loop_ != nullptr) loop_->Stop();
  if (served_ != nullptr) served_->server.Stop();
  const std::lock_guard<std::mutex> lock(stop_mutex_);
  stopped_ = true;
  stopped_changed_.notify_all();
}

// A thread of the listener's own ends after its turn. The caller's loop stops the listener in a turn; if it belongs to
// this thread and is in no turn, the listener is stopped here.
bool Listener::Impl::StopForClose(int64_t deadline_us) {
  std::unique_lock<std::mutex> lock(stop_mutex_);
  stop_asked_ = true;
  if (stopped_) return true;
  const bool here = !own_thread_ && inside_ == 0 && pthread_equal(loop_thread_, pthread_self());
  stopping_here_ |= here;
  if (own_thread_) {
    loop_->Stop();
  } else if (!here) {
    news_.Tell();
  }
  const bool& done = own_thread_ ? thread_over_ : stopped_;
  // Inside Atomically or View (Stop; a Close is refused there) the loop may be waiting for this very thread.
  const bool holds = core_.executor().InsideUser();
  while (!done && !here) {
    if (holds) {
      constexpr std::chrono::milliseconds kLookAgain(1);
      core_.executor().SendLoopsAway();
      stopped_changed_.wait_for(lock, kLookAgain);
      continue;
    }
    if (core_.closing().Late(deadline_us)) return false;
    core_.clock().WaitUntil(lock, stopped_changed_, deadline_us);
  }
  if (own_thread_ && !std::exchange(joined_, true)) pthread_join(thread_, nullptr);
  lock.unlock();
  const std::lock_guard<std::mutex> end(end_mutex_);
  StopServing();
  return true;
}

void Listener::Impl::EndForClose() {
  std::unique_ptr<Served> ending;
  {
    const std::lock_guard<std::mutex> end(end_mutex_);
    ending = std::move(served_);
  }
  if (ending != nullptr) core_.EndSession(std::move(ending));
}

// REQUIRES: this is the loop's thread, if the loop is the caller's.
void Listener::Impl::Stop() {
  if (Forked()) return CloseInChild();
  {
    const std::unique_lock<std::mutex> lock(stop_mutex_);
    loop_thread_ = pthread_self();
  }
  (void)StopForClose(INT64_MAX);
  EndForClose();
  core_.RemoveListener(this);
}

void Listener::Impl::CloseInChild() {
  if (closed_in_child_.exchange(true)) return;
  descriptors_.CloseInChild();
  if (loop_ != nullptr) loop_->CloseInChild();
}

void Listener::Impl::AppendName(base::Line* to) const {
  net::SocketName name;
  to->Add(Address(0, &name) ? name.view() : std::string_view("that listens to nothing"));
}

bool Listener::Impl::EnterLoop() {
  if (Forked()) return false;
  std::unique_lock<std::mutex> lock(stop_mutex_);
  // The loop is being handed to this thread while the one before stops the listener.
  while (stopping_here_ && !stopped_) stopped_changed_.wait(lock);
  loop_thread_ = pthread_self();
  ++inside_;
  return true;
}

void Listener::Impl::LeaveLoop() {
  if (Forked()) return;
  const std::lock_guard<std::mutex> lock(stop_mutex_);
  --inside_;
}

absl::Status Listener::Impl::Run() {
  static constexpr std::string_view kForked = "this process is a fork of the one that started the listener";
  static constexpr std::string_view kOwnThread =
      "the listener runs on a thread of its own; for a loop of yours: own_thread = false";
  if (own_thread_ && !Forked()) return base::MakeStatus(absl::StatusCode::kFailedPrecondition, kOwnThread);
  if (!Forked() && HasStopped()) return absl::OkStatus();
  if (!EnterLoop()) return base::MakeStatus(absl::StatusCode::kFailedPrecondition, kForked);
  absl::Status status = loop_->Run();
  if (Forked()) return base::MakeStatus(absl::StatusCode::kFailedPrecondition, kForked);
  LeaveLoop();
  return status;
}

}  // namespace larder::inline v0
