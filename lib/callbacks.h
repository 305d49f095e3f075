// CallbackOptions: what callbacks of Subscribe and OnEvent may cost, and what happens beyond that.
//
// Callbacks run on the thread that Options::background names, one at a time; those of one handle in the order in which
// things happened; see cache.h, User code. The first may run before the call that makes the handle has returned. Whoever
// publishes or writes never waits for them. What is not delivered yet is kept in memory up to bytes_max, and counts as
// used memory.
//
//   larder::CallbackOptions options;
//   options.bytes_max = 1 << 20;
//   options.on_dropped = [](uint64_t count) { std::cout << count << " were lost\n"; };
#ifndef LARDER_CALLBACKS_H_
#define LARDER_CALLBACKS_H_

#include <cstddef>
#include <cstdint>
#include <functional>

namespace larder::inline v0 {

// What happens if callbacks are slower than what they are to be told.
enum class OnOverflow : uint8_t {
  // What comes is dropped until there is room again. on_dropped tells how many, before the next callback.
  kDrop,
  // There is no gap: what comes is dropped for good. What was kept is delivered; then on_dropped is called, and closed()
  // of the handle is true from the moment of overflow.
  kClose,
};

struct CallbackOptions {
  // How much may wait, with some hundred bytes for each; 32 MB is what Redis allows a subscriber. More than 0.
  size_t bytes_max = size_t{32} << 20;
  // The same happens to what there is no memory for.
  OnOverflow on_overflow = OnOverflow::kDrop;
  // Told as a callback of its own. May be empty; dropped() of the handle counts in any case.
  std::function<void(uint64_t count)> on_dropped = nullptr;
};

}  // namespace larder::inline v0

#endif  // LARDER_CALLBACKS_H_
