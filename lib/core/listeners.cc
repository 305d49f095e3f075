#include "lib/core/listeners.h"

namespace larder::inline v0::core {

bool Listeners::Add(ListenerHook* listener) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closing_) return false;
  listener->next_hook_ = first_;
  first_ = listener;
  return true;
}

void Listeners::Remove(ListenerHook* listener) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (listener->closers_ != 0) left_.wait(lock);
  for (ListenerHook** link = &first_; *link != nullptr; link = &(*link)->next_hook_) {
    if (*link != listener) continue;
    *link = listener->next_hook_;
    break;
  }
}

// The mutex is held throughout: no listener comes or goes between the two steps.
absl::Status Listeners::Relisten(const Options& changed, bool tls, engine::ListenerPart* failed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  absl::Status status;
  ListenerHook* not_asked = first_;
  while (not_asked != nullptr && status.ok()) {
    status = not_asked->PrepareRelisten(changed, tls, failed);
    not_asked = not_asked->next_hook_;
  }
  const bool all = status.ok();
  for (ListenerHook* asked = first_; asked != not_asked; asked = asked->next_hook_) asked->FinishRelisten(all);
  return status;
}

// Calls fn(listener) for each, without the mutex. While fn is inside a listener, that stays in the list, so it has a
// next one.
template <class F>
void Listeners::Visit(F&& fn) {
  std::unique_lock<std::mutex> lock(mutex_);
  closing_ = true;
  for (ListenerHook* listener = first_; listener != nullptr; listener = listener->next_hook_) {
    ++listener->closers_;
    lock.unlock();
    fn(*listener);
    lock.lock();
    if (--listener->closers_ == 0) left_.notify_all();
  }
}

bool Listeners::StopAll(int64_t deadline_us, base::Line* late) {
  bool all = true;
  Visit([&](ListenerHook& listener) {
    if (listener.StopForClose(deadline_us)) return;
    all = false;
    if (late->empty()) listener.AppendName(late);
  });
  return all;
}

void Listeners::EndAll() {
  Visit([](ListenerHook& listener) { listener.EndForClose(); });
}

}  // namespace larder::inline v0::core
