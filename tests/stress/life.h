// Life: one cache, from Open to its destructor, with several threads that use it in every legal order meanwhile.
#ifndef LARDER_TESTS_STRESS_LIFE_H_
#define LARDER_TESTS_STRESS_LIFE_H_

#include <larder/cache.h>
#include <larder/net/listener.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace larder::stress {

// Draws of one thread.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  uint64_t Below(uint64_t n) { return engine_() % n; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// Says what was broken, and ends the process: a failure is looked at by its seed.
[[noreturn]] void Fail(const char* what, const std::string& detail);
#define STRESS_REQUIRE(condition, detail) \
  do {                                    \
    if (!(condition)) ::larder::stress::Fail(#condition, detail); \
  } while (false)

class Life {
 public:
  Life(uint64_t seed, bool forks);
  ~Life();
  // Lives it to the end, which is this object's too.
  void Run();

 private:
  struct Belongings;  // of one actor: sessions, connections, a listener

  // What an actor does, one of them at a time.
  void Act(uint64_t seed);
  void Step(Dice& dice, Belongings& own);
  void CallTyped(Dice& dice);
  void CallUserCode(Dice& dice, Belongings& own);
  void Load(Dice& dice, int depth);
  void CallAsync(Dice& dice);
  void UseSession(Dice& dice, Belongings& own);
  void UseConnection(Dice& dice, Belongings& own);
  void UseListener(Dice& dice, Belongings& own);
  void Fork(Dice& dice);
  void CloseSometime(Dice& dice);

  // The end: threads that are inside as the cache closes, and that nobody joins before it is destroyed.
  void End(Dice& dice);
  void CloseToTheEnd(Dice& dice);

  absl::Time Soon(Dice& dice);
  std::string Key(Dice& dice) { return "key:" + std::to_string(dice.Below(50)); }
  void Count(absl::StatusOr<Reply> reply);
  void Put(std::unique_ptr<Session> session);
  std::unique_ptr<Session> Take();

  Dice dice_;
  const bool forks_;
  std::shared_ptr<ManualClock> manual_;  // null: the machine's
  std::shared_ptr<Clock> clock_;
  Options options_;
  std::unique_ptr<Cache> owner_;
  Cache* cache_ = nullptr;  // the same: callbacks that the destructor delivers find owner_ empty
  std::atomic<bool> hand_stops_{false};
  std::atomic<uint64_t> accepted_{0};  // callbacks that were promised
  std::atomic<uint64_t> called_{0};
  std::mutex shelf_mutex_;
  std::vector<std::unique_ptr<Session>> shelf_;  // sessions go from thread to thread
};

}  // namespace larder::stress

#endif  // LARDER_TESTS_STRESS_LIFE_H_
