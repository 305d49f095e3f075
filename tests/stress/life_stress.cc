// The stress of life and death: for so many seconds, threads open, use, load, close and destroy caches, sessions,
// connections and listeners in every legal order, several lives at once, with all kinds of background, a hand-set clock
// or the machine's. Meant for the sanitizers; with --forks also children, and then without.
//
//   bazel run --config=tsan //tests/stress:life_stress_test -- --seconds=60 [--seed=N] [--forks] [--lives=3]
//
// It prints its seed first. A life's own seed is that plus its number, so --seed and one thread come near to a failure,
// though the threads' order is the machine's.
#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "tests/stress/life.h"

namespace {

using Seconds = std::chrono::duration<double>;

double Now() { return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// A check of the library that fails traps, and says nothing: this says where.
void TellOfSignal(int signal) {
  char text[] = "life_stress: signal 00 at:\n";
  text[20] = static_cast<char>('0' + signal / 10);
  text[21] = static_cast<char>('0' + signal % 10);
  (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

void TellOfSignals() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return;  // they tell of signals themselves
#endif
  void* frame[1];
  backtrace(frame, 1);  // loads what it needs
  for (const int each : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP}) signal(each, TellOfSignal);
}

// `--name=N`, or false.
bool Number(const char* argument, const char* name, uint64_t* value) {
  const size_t size = std::strlen(name);
  if (std::strncmp(argument, name, size) != 0) return false;
  *value = std::strtoull(argument + size, nullptr, 10);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seconds = 60;
  uint64_t seed = std::random_device()();
  uint64_t at_once = 3;
  bool forks = false;
  for (int i = 1; i < argc; ++i) {
    if (Number(argv[i], "--seconds=", &seconds) || Number(argv[i], "--seed=", &seed) ||
        Number(argv[i], "--lives=", &at_once)) {
      continue;
    }
    if (std::strcmp(argv[i], "--forks") != 0) {
      std::fprintf(stderr, "life_stress: what is %s?\n", argv[i]);
      return 2;
    }
    forks = true;
  }
  TellOfSignals();
  std::printf("life_stress: --seed=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  const double end = Now() + static_cast<double>(seconds);
  std::atomic<uint64_t> begun{0};
  std::atomic<uint64_t> lived{0};
  std::atomic<uint64_t> running{at_once};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < at_once; ++i) {
    threads.emplace_back([&] {
      while (Now() < end) {
        larder::stress::Life(seed + begun++, forks).Run();
        ++lived;
      }
      --running;
    });
  }
  // A life takes a fraction of a second; what takes minutes hangs.
  double moved = Now();
  for (uint64_t seen = 0; running != 0; std::this_thread::sleep_for(std::chrono::milliseconds(100))) {
    if (lived != seen) moved = Now();
    seen = lived;
    if (Now() - moved > 180) larder::stress::Fail("a life ends", "none has for three minutes");
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("life_stress: %llu lives\n", static_cast<unsigned long long>(lived.load()));
  return 0;
}
