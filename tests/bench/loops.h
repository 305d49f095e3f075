// Four event loops behind one set of functions: ae, libuv, libevent, libev. Procedures are template arguments, so that
// the only indirect call in what is measured is the loop's own.
//
// Each is used as its manual says: watchers in memory of the caller's (libevent's by event_assign), the time read once
// where many timers are added (libuv, libev and ae; libevent reads a coarse clock), and the cheapest way from another
// thread that it has.
#ifndef LARDER_TESTS_BENCH_LOOPS_H_
#define LARDER_TESTS_BENCH_LOOPS_H_

#include <ev.h>
// libevent has a macro of the same name and another value.
namespace larder::bench {
inline constexpr int kLibevRead = EV_READ;
}
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/ae/ae.h"
#include "net/ae/poller_io_uring.h"

namespace larder::bench {

// void Readable(int fd, void* data); void Fired(void* data); void Woken(void* data).
using Readable = void (*)(int, void*);
using Fired = void (*)(void*);

class AeLoop {
 public:
  // Null if there is no such poller, or the kernel refuses it.
  static std::unique_ptr<AeLoop> Make(std::string_view poller) {
    static constexpr ae::PollerMaker kMore[] = {{"io_uring", ae::IoUringPoller::Make}};
    ae::LoopOptions options;
    options.api = poller;
    options.more_pollers = kMore;
    absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create(options);
    if (!loop.ok() || (*loop)->ApiName() != poller) return nullptr;
    return std::unique_ptr<AeLoop>(new AeLoop(*std::move(loop)));
  }

  template <Readable kProc>
  bool Watch(int fd, void* data) {
    fds_.push_back(fd);
    return loop_
        ->CreateFileEvent(
            fd, ae::kReadable, [](ae::EventLoop&, int ready, void* d, int) { kProc(ready, d); }, data)
        .ok();
  }
  void UnwatchAll() {
    for (int fd : fds_) loop_->DeleteFileEvent(fd, ae::kReadable);
    fds_.clear();
  }

  void ReserveTimers(size_t count) { timers_.resize(count); }
  void UpdateTime() { now_us_ = loop_->clock().NowUs(); }
  template <Fired kProc>
  void AddTimer(size_t i, int64_t ms, void* data) {
    timers_[i] = *loop_->CreateTimeEventAt(
        now_us_ + ms * 1000,
        [](ae::EventLoop&, int64_t, void* d) {
          kProc(d);
          return ae::kNoMore;
        },
        data);
  }
  void CancelTimer(size_t i) { loop_->DeleteTimeEvent(timers_[i]); }

  // What a loop that is woken does is its user's, in a hook.
  template <Fired kProc>
  void OnWake(void* data) {
    hook_.proc = [](ae::EventLoop&, void* d) { kProc(d); };
    hook_.data = data;
    loop_->after_events().Add(hook_);
  }
  void Wake() { loop_->WakeUp(); }

  void Run() { (void)loop_->Run(); }
  void Stop() { loop_->Stop(); }

 private:
  explicit AeLoop(std::unique_ptr<ae::EventLoop> loop) : loop_(std::move(loop)) {}
  std::unique_ptr<ae::EventLoop> loop_;
  std::vector<int> fds_;
  std::vector<int64_t> timers_;
  int64_t now_us_ = 0;
  ae::Hook hook_;
};

class UvLoop {
 public:
  static std::unique_ptr<UvLoop> Make() { return std::unique_ptr<UvLoop>(new UvLoop); }
  ~UvLoop() {
    UnwatchAll();
    if (async_ != nullptr) uv_close(reinterpret_cast<uv_handle_t*>(async_.get()), nullptr);
    for (uv_timer_t& timer : timers_) uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  template <Readable kProc>
  bool Watch(int fd, void* data) {
    polls_.push_back(new Poll{{}, fd, data});
    Poll& poll = *polls_.back();
    poll.handle.data = &poll;
    if (uv_poll_init(&loop_, &poll.handle, fd) != 0) return false;
    return uv_poll_start(&poll.handle, UV_READABLE, [](uv_poll_t* handle, int, int) {
             const Poll& fired = *static_cast<Poll*>(handle->data);
             kProc(fired.fd, fired.data);
           }) == 0;
  }
  void UnwatchAll() {
    for (Poll* poll : polls_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle),
               [](uv_handle_t* handle) { delete static_cast<Poll*>(handle->data); });
    }
    polls_.clear();
    uv_run(&loop_, UV_RUN_NOWAIT);
  }

  void ReserveTimers(size_t count) {
    timers_.resize(count);
    for (uv_timer_t& timer : timers_) uv_timer_init(&loop_, &timer);
  }
  void UpdateTime() { uv_update_time(&loop_); }
  template <Fired kProc>
  void AddTimer(size_t i, int64_t ms, void* data) {
    timers_[i].data = data;
    uv_timer_start(&timers_[i], [](uv_timer_t* timer) { kProc(timer->data); }, static_cast<uint64_t>(ms), 0);
  }
  void CancelTimer(size_t i) { uv_timer_stop(&timers_[i]); }

  template <Fired kProc>
  void OnWake(void* data) {
    async_ = std::make_unique<uv_async_t>();
    uv_async_init(&loop_, async_.get(), [](uv_async_t* async) { kProc(async->data); });
    async_->data = data;
  }
  void Wake() { uv_async_send(async_.get()); }

  void Run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void Stop() { uv_stop(&loop_); }

 private:
  struct Poll {
    uv_poll_t handle;
    int fd;
    void* data;
  };
  UvLoop() { uv_loop_init(&loop_); }
  uv_loop_t loop_;
  std::vector<Poll*> polls_;
  std::vector<uv_timer_t> timers_;
  std::unique_ptr<uv_async_t> async_;
};

class EventLoop {  // libevent's
 public:
  // `threads`: with locks and a descriptor to wake it by; without, it is a single-threaded base at its fastest.
  static std::unique_ptr<EventLoop> Make(bool threads) {
    // What libevent_pthreads does, which is a library of its own.
    static const bool locks = UsePthreads();
    return std::unique_ptr<EventLoop>(new EventLoop(threads && locks));
  }
  ~EventLoop() {
    UnwatchAll();
    if (woken_ != nullptr) event_free(woken_);
    event_base_free(base_);
  }

  template <Readable kProc>
  bool Watch(int fd, void* data) {
    events_.push_back(std::make_unique<event>());
    const auto proc = [](evutil_socket_t ready, short, void* d) { kProc(static_cast<int>(ready), d); };
    return event_assign(events_.back().get(), base_, fd, EV_READ | EV_PERSIST, proc, data) == 0 &&
           event_add(events_.back().get(), nullptr) == 0;
  }
  void UnwatchAll() {
    for (const std::unique_ptr<event>& e : events_) event_del(e.get());
    events_.clear();
  }

  void ReserveTimers(size_t count) { timers_.resize(count); }
  void UpdateTime() {}
  template <Fired kProc>
  void AddTimer(size_t i, int64_t ms, void* data) {
    evtimer_assign(&timers_[i], base_, [](evutil_socket_t, short, void* d) { kProc(d); }, data);
    const timeval delay = {static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
    evtimer_add(&timers_[i], &delay);
  }
  void CancelTimer(size_t i) { evtimer_del(&timers_[i]); }

  template <Fired kProc>
  void OnWake(void* data) {
    woken_ = event_new(base_, -1, EV_PERSIST, [](evutil_socket_t, short, void* d) { kProc(d); }, data);
  }
  void Wake() { event_active(woken_, EV_READ, 0); }

  void Run() { event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY); }
  void Stop() { event_base_loopbreak(base_); }

 private:
  explicit EventLoop(bool threads) {
    event_config* const config = event_config_new();
    if (!threads) event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    base_ = event_base_new_with_config(config);
    event_config_free(config);
  }
  static bool UsePthreads() {
    static const evthread_lock_callbacks callbacks = {
        EVTHREAD_LOCK_API_VERSION,
        EVTHREAD_LOCKTYPE_RECURSIVE,
        [](unsigned) -> void* { return new std::recursive_mutex; },
        [](void* lock, unsigned) { delete static_cast<std::recursive_mutex*>(lock); },
        [](unsigned, void* lock) {
          static_cast<std::recursive_mutex*>(lock)->lock();
          return 0;
        },
        [](unsigned, void* lock) {
          static_cast<std::recursive_mutex*>(lock)->unlock();
          return 0;
        },
    };
    evthread_set_id_callback([] { return static_cast<unsigned long>(pthread_self()); });
    return evthread_set_lock_callbacks(&callbacks) == 0;
  }
  event_base* base_;
  std::vector<std::unique_ptr<event>> events_;
  std::vector<event> timers_;
  event* woken_ = nullptr;
};

class EvLoop {
 public:
  static std::unique_ptr<EvLoop> Make() { return std::unique_ptr<EvLoop>(new EvLoop); }
  ~EvLoop() {
    UnwatchAll();
    if (async_ != nullptr) ev_async_stop(loop_, async_.get());
    ev_loop_destroy(loop_);
  }

  template <Readable kProc>
  bool Watch(int fd, void* data) {
    ios_.push_back(std::make_unique<ev_io>());
    ev_io* const io = ios_.back().get();
    ev_io_init(io, ([](struct ev_loop*, ev_io* fired, int) { kProc(fired->fd, fired->data); }), fd, kLibevRead);
    io->data = data;
    ev_io_start(loop_, io);
    return true;
  }
  void UnwatchAll() {
    for (const std::unique_ptr<ev_io>& io : ios_) ev_io_stop(loop_, io.get());
    ios_.clear();
  }

  void ReserveTimers(size_t count) { timers_.resize(count); }
  void UpdateTime() { ev_now_update(loop_); }
  template <Fired kProc>
  void AddTimer(size_t i, int64_t ms, void* data) {
    ev_timer& timer = timers_[i];
    ev_timer_init(&timer, ([](struct ev_loop*, ev_timer* fired, int) { kProc(fired->data); }),
                  static_cast<double>(ms) / 1000, 0);
    timer.data = data;
    ev_timer_start(loop_, &timer);
  }
  void CancelTimer(size_t i) { ev_timer_stop(loop_, &timers_[i]); }

  template <Fired kProc>
  void OnWake(void* data) {
    async_ = std::make_unique<ev_async>();
    ev_async_init(async_.get(), ([](struct ev_loop*, ev_async* woken, int) { kProc(woken->data); }));
    async_->data = data;
    ev_async_start(loop_, async_.get());
  }
  void Wake() { ev_async_send(loop_, async_.get()); }

  void Run() { ev_run(loop_, 0); }
  void Stop() { ev_break(loop_, EVBREAK_ALL); }

 private:
  EvLoop() : loop_(ev_loop_new(EVBACKEND_EPOLL)) {}
  struct ev_loop* const loop_;
  std::vector<std::unique_ptr<ev_io>> ios_;
  std::vector<ev_timer> timers_;
  std::unique_ptr<ev_async> async_;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_LOOPS_H_
