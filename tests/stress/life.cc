#include "tests/stress/life.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

namespace larder::stress {
namespace {

using Code = absl::StatusCode;

constexpr size_t kLargeBytes = size_t{2} << 20;  // freed by background jobs

// A call that may come too late, or find no room.
void RequireFair(const absl::Status& status) {
  STRESS_REQUIRE(status.ok() || status.code() == Code::kCancelled || status.code() == Code::kResourceExhausted ||
                     status.code() == Code::kDataLoss,
                 status.ToString());
}

void RequireRefused(const absl::Status& status) {
  STRESS_REQUIRE(status.code() == Code::kFailedPrecondition, status.ToString());
}

// One exchange with a listener, if there still is one; served() lets one without a thread do its part.
template <class F>
void TalkTo(int port, std::string_view request, F&& served) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const timeval limit = {.tv_sec = 0, .tv_usec = 20'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    served();
    char reply[512];
    (void)!recv(fd, reply, sizeof(reply), 0);
  }
  close(fd);
}

}  // namespace

void Fail(const char* what, const std::string& detail) {
  std::fprintf(stderr, "life_stress: does not hold: %s: %s\n", what, detail.c_str());
  std::abort();
}

struct Life::Belongings {
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::unique_ptr<RespConnection>> connections;
  std::unique_ptr<Listener> listener;
  bool polls = false;  // it has no thread of its own
};

Life::Life(uint64_t seed, bool forks) : dice_(seed), forks_(forks) {
  if (dice_.OneIn(2)) manual_ = std::make_shared<ManualClock>();
  clock_ = manual_ != nullptr ? std::shared_ptr<Clock>(manual_) : RealClock();
  constexpr Background kKinds[] = {Background::kThread, Background::kLoop, Background::kTick};
  options_.background = kKinds[dice_.Below(3)];
  options_.clock = clock_;
  options_.seed = seed | 1;
  options_.enable_debug_command = ProtectedAction::kYes;
  if (dice_.OneIn(3)) {
    options_.maxmemory = size_t{4} << 20;
    options_.maxmemory_policy = dice_.OneIn(2) ? MaxmemoryPolicy::kAllkeysLru : MaxmemoryPolicy::kAllkeysS3Fifo;
  }
}

Life::~Life() = default;

void Life::Run() {
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
  STRESS_REQUIRE(cache.ok(), cache.status().ToString());
  owner_ = *std::move(cache);
  cache_ = owner_.get();
  std::thread hand([this] {
    while (manual_ != nullptr && !hand_stops_) {
      manual_->Advance(absl::Milliseconds(3));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::vector<std::thread> actors;
  const uint64_t count = 2 + dice_.Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    actors.emplace_back([this, seed = dice_.Below(UINT64_MAX)] { Act(seed); });
  }
  for (std::thread& actor : actors) actor.join();
  End(dice_);
  hand_stops_ = true;
  hand.join();
  STRESS_REQUIRE(accepted_ == called_, std::to_string(accepted_) + " and " + std::to_string(called_));
}

absl::Time Life::Soon(Dice& dice) {
  return absl::FromUnixMicros(clock_->NowUs()) + absl::Microseconds(dice.Below(5'000));
}

void Life::Count(absl::StatusOr<Reply> reply) {
  STRESS_REQUIRE(reply.ok() || reply.status().code() == Code::kCancelled ||
                     reply.status().code() == Code::kResourceExhausted,
                 reply.status().ToString());
  ++called_;
}

void Life::Put(std::unique_ptr<Session> session) {
  const std::lock_guard<std::mutex> lock(shelf_mutex_);
  shelf_.push_back(std::move(session));
}

std::unique_ptr<Session> Life::Take() {
  const std::lock_guard<std::mutex> lock(shelf_mutex_);
  if (shelf_.empty()) return nullptr;
  std::unique_ptr<Session> session = std::move(shelf_.back());
  shelf_.pop_back();
  return session;
}

// ---- What actors do -------------------------------------------------------------------------------------------------

void Life::Act(uint64_t seed) {
  Dice dice(seed);
  Belongings own;
  const uint64_t steps = 20 + dice.Below(300);
  for (uint64_t i = 0; i < steps; ++i) Step(dice, own);
  if (dice.OneIn(3)) CloseSometime(dice);
  // What it has goes with it, before or after the cache was closed by another.
}

void Life::Step(Dice& dice, Belongings& own) {
  if (own.listener != nullptr && own.polls) own.listener->Poll(0);
  switch (dice.Below(16)) {
    case 0: return CallUserCode(dice, own);
    case 1: return Load(dice, 0);
    case 2: return CallAsync(dice);
    case 3: return UseSession(dice, own);
    case 4: return UseConnection(dice, own);
    case 5: return RequireFair(cache_->Stats().status());
    case 6: return RequireFair(cache_->Tick(Soon(dice)).status());
    case 7:
      if (dice.OneIn(4)) UseListener(dice, own);
      return;
    case 8:
      if (forks_ && dice.OneIn(40)) Fork(dice);
      return;
    case 9:
      if (dice.OneIn(200)) CloseSometime(dice);
      return;
    default: return CallTyped(dice);
  }
}

void Life::CallTyped(Dice& dice) {
  const std::string key = Key(dice);
  switch (dice.Below(8)) {
    case 0: return RequireFair(cache_->Set(key, std::string(dice.Below(2'000), 'v')).status());
    case 1: return RequireFair(cache_->Set(key, "v", {.ttl = absl::Milliseconds(1 + dice.Below(20))}).status());
    case 2: return RequireFair(cache_->Delete(key).status());
    case 3: return RequireFair(cache_->Get("large").status());
    case 4:
      if (dice.OneIn(10)) RequireFair(cache_->Set("large", std::string(kLargeBytes, 'x')).status());
      return;
    case 5:
      if (dice.OneIn(10)) RequireFair(cache_->Execute({"FLUSHALL"}).status());
      return;
    case 6: return RequireFair(cache_->Execute({"APPEND", key, "more"}).status());
    default: return RequireFair(cache_->Get(key).status());
  }
}

void Life::CallUserCode(Dice& dice, Belongings& own) {
  const std::string key = Key(dice);
  const auto inside = [&] {
    if (dice.OneIn(2)) RequireRefused(cache_->Close(dice.OneIn(2) ? absl::InfiniteFuture() : absl::InfinitePast()));
    if (dice.OneIn(4)) RequireRefused(cache_->Get(key).status());
    if (dice.OneIn(3) && !own.sessions.empty()) own.sessions.pop_back();
    if (dice.OneIn(3) && !own.connections.empty()) own.connections.pop_back();
    if (dice.OneIn(4)) std::this_thread::yield();
  };
  if (dice.OneIn(2)) return RequireFair(cache_->View(key, [&](std::optional<std::string_view>) { inside(); }));
  RequireFair(cache_->Atomically([&](Transaction& t) {
    inside();
    (void)t.Execute({"INCR", "counter"});
    return t.Set(key, "from inside").status();
  }));
}

void Life::Load(Dice& dice, int depth) {
  const absl::StatusOr<std::string> value =
      cache_->GetOrLoad(Key(dice), absl::Milliseconds(1 + dice.Below(50)), [&]() -> absl::StatusOr<std::string> {
        if (dice.OneIn(4)) RequireRefused(cache_->Close(absl::InfiniteFuture()));
        if (dice.OneIn(4)) std::this_thread::sleep_for(std::chrono::microseconds(dice.Below(500)));
        if (dice.OneIn(4) && depth < 2) Load(dice, depth + 1);
        if (dice.OneIn(4)) CallTyped(dice);
        if (dice.OneIn(8)) return absl::NotFoundError("nothing to load");
        return std::string(dice.Below(300), 'l');
      });
  if (value.ok() || value.status().code() == Code::kNotFound) return;
  // A ring of loads, or its own key.
  if (value.status().code() == Code::kFailedPrecondition) return;
  RequireFair(value.status());
}

void Life::CallAsync(Dice& dice) {
  const uint64_t what = dice.Below(6);
  const std::string key = Key(dice);
  std::shared_ptr<std::unique_ptr<Session>> last;
  if (what == 0) {
    absl::StatusOr<std::unique_ptr<Session>> session = cache_->NewSession();
    if (session.ok()) last = std::make_shared<std::unique_ptr<Session>>(*std::move(session));
  }
  ++accepted_;  // before: it may be called at once
  const absl::Status status = cache_->ExecuteAsync({"GET", key}, [this, what, key, last](absl::StatusOr<Reply> reply) {
    Count(std::move(reply));
    if (last != nullptr) last->reset();
    if (what == 1) RequireFair(cache_->Set(key, "from a callback").status());
    if (what == 2) RequireRefused(cache_->Close(absl::InfiniteFuture()));
    if (what == 3) RequireFair(cache_->Execute({"FLUSHALL"}).status());
    if (what == 4) (void)Take();
  });
  if (status.ok()) return;
  RequireFair(status);
  --accepted_;
}

void Life::UseSession(Dice& dice, Belongings& own) {
  if (own.sessions.empty() || dice.OneIn(4)) {
    std::unique_ptr<Session> taken = dice.OneIn(2) ? Take() : nullptr;
    if (taken == nullptr) {
      absl::StatusOr<std::unique_ptr<Session>> made = cache_->NewSession();
      if (!made.ok()) return RequireFair(made.status());
      taken = *std::move(made);
    }
    own.sessions.push_back(std::move(taken));
  }
  Session& session = *own.sessions.back();
  const std::string key = Key(dice);
  RequireFair(session.Execute({"WATCH", key}).status());
  if (dice.OneIn(2)) RequireFair(session.Execute({"MULTI"}).status());
  RequireFair(session.Execute({"SET", key, "from a session"}).status());
  if (dice.OneIn(2)) RequireFair(session.Execute({"EXEC"}).status());
  if (dice.OneIn(3)) {
    std::unique_ptr<Session> put = std::move(own.sessions.back());
    own.sessions.pop_back();
    if (dice.OneIn(2)) Put(std::move(put));
  }
}

void Life::UseConnection(Dice& dice, Belongings& own) {
  if (own.connections.empty() || dice.OneIn(4)) {
    absl::StatusOr<std::unique_ptr<RespConnection>> made = cache_->NewConnection();
    if (!made.ok()) return RequireFair(made.status());
    own.connections.push_back(*std::move(made));
  }
  RespConnection& connection = *own.connections.back();
  RequireFair(connection.Feed("SET c 1\r\nGET large\r\nWATCH c\r\nMULTI\r\nINCR c\r\n"));
  if (dice.OneIn(2)) RequireFair(connection.Feed("EXEC\r\nMONITOR\r\n"));
  // Replies left where they are pin what they refer to.
  if (dice.OneIn(2)) connection.ConsumeOutput(connection.output().size());
  if (dice.OneIn(3)) own.connections.pop_back();
}

void Life::UseListener(Dice& dice, Belongings& own) {
  if (own.listener == nullptr) {
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.own_thread = dice.OneIn(2);
    absl::StatusOr<std::unique_ptr<Listener>> started = Listener::Start(*cache_, where);
    if (!started.ok()) return;  // closed, or no descriptors
    own.listener = *std::move(started);
    own.polls = !where.own_thread;
  }
  TalkTo(own.listener->port(), "SET over wire\r\nGET large\r\nWATCH over\r\n", [&] {
    for (int i = 0; own.polls && i < 10; ++i) own.listener->Poll(1);
  });
  if (dice.OneIn(3)) own.listener->Stop();
  if (dice.OneIn(2)) own.listener.reset();
}

// The child has none of the other threads: every call says so at once, and nothing it does touches the parent.
void Life::Fork(Dice& dice) {
  const bool destroys = dice.OneIn(2);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    RequireRefused(cache_->Get("key:1").status());
    RequireRefused(cache_->Close(absl::InfiniteFuture()));
    RequireRefused(cache_->Tick(absl::InfiniteFuture()).status());
    if (destroys) owner_.reset();
    _exit(0);
  }
  if (child < 0) return;
  int status = 0;
  STRESS_REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
  STRESS_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ended with " + std::to_string(status));
}

void Life::CloseSometime(Dice& dice) {
  const absl::Status status = cache_->Close(dice.OneIn(3) ? absl::InfinitePast() : Soon(dice));
  STRESS_REQUIRE(status.ok() || status.code() == Code::kDeadlineExceeded || status.code() == Code::kFailedPrecondition,
                 status.ToString());
  RequireFair(cache_->Get("k").status());
  STRESS_REQUIRE(cache_->Get("k").status().code() == Code::kCancelled, "open after a Close");
}

// ---- The end --------------------------------------------------------------------------------------------------------

void Life::CloseToTheEnd(Dice& dice) {
  for (;;) {
    const absl::Status status = cache_->Close(dice.OneIn(2) ? Soon(dice) : absl::InfiniteFuture());
    if (status.ok()) return;
    // A call that has run may still be copying its value.
    STRESS_REQUIRE(status.code() == Code::kDeadlineExceeded || status.code() == Code::kFailedPrecondition,
                   status.ToString());
  }
}

void Life::End(Dice& dice) {
  while (Take() != nullptr) {  // a callback may be taking one, too
  }
  std::atomic<int> inside{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> lodgers;
  const auto stay = [&] {
    ++inside;
    while (!go) std::this_thread::yield();
  };
  int lodging = 0;
  const auto settle = [&] {
    while (inside != lodging) std::this_thread::yield();
  };
  // Whoever is refused was too late: somebody has closed the cache already.
  if (dice.OneIn(2) && cache_->Get("k").ok()) {
    ++lodging;
    lodgers.emplace_back([&, cache = cache_] {
      (void)cache->GetOrLoad("lodger", absl::InfiniteDuration(), [&]() -> absl::StatusOr<std::string> {
        stay();
        return std::string("late");
      });
    });
    settle();
  }
  if (dice.OneIn(2) && cache_->Get("k").ok()) {
    ++lodging;
    lodgers.emplace_back([&, cache = cache_] { (void)cache->View("k", [&](auto) { stay(); }); });
    settle();
  }
  if (dice.OneIn(2)) {
    std::vector<std::thread> closers;
    for (uint64_t i = dice.Below(3) + 1; i > 0; --i) {
      closers.emplace_back([this, seed = dice.Below(UINT64_MAX)] {
        Dice own(seed);
        CloseToTheEnd(own);
      });
    }
    go = true;
    for (std::thread& closer : closers) closer.join();
    owner_.reset();  // the lodgers have gone, or do nothing but return
  } else {
    go = true;
    for (std::thread& lodger : lodgers) lodger.join();
    lodgers.clear();
    owner_.reset();
  }
  for (std::thread& lodger : lodgers) lodger.join();
}

}  // namespace larder::stress
