// The C ABI: options of caches and listeners, clocks and memory that a C program supplies.
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "bindings/c/internal.h"

namespace {

using larder_c::Arguments;
using larder_c::Fail;
using larder_c::Guard;
using larder_c::NullArgument;

static_assert(static_cast<int>(LARDER_LOG_WARNING) == static_cast<int>(larder::LogLevel::kWarning));

class CallbackClock final : public larder::Clock {
 public:
  CallbackClock(larder_now_fn now_us, void* arg) : now_us_(now_us), arg_(arg) {}
  int64_t NowUs() override { return now_us_(arg_); }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us) override {
    if (deadline_us == INT64_MAX) {
      cv.wait(lock);
      return true;
    }
    const int64_t now_us = NowUs();
    if (deadline_us <= now_us) return false;
    constexpr int64_t kHourUs = 3'600'000'000;
    const bool soon = now_us >= 0 ? deadline_us - now_us < kHourUs : false;
    cv.wait_for(lock, std::chrono::microseconds(soon ? deadline_us - now_us : kHourUs));
    return NowUs() < deadline_us;
  }

 private:
  const larder_now_fn now_us_;
  void* const arg_;
};

class CallbackMemory final : public larder::MemorySource {
 public:
  CallbackMemory(larder_allocate_fn allocate, larder_release_fn release, larder_discard_fn discard, void* arg)
      : allocate_(allocate), release_(release), discard_(discard), arg_(arg) {}
  void* Allocate(size_t bytes, size_t alignment) override { return allocate_(arg_, bytes, alignment); }
  void Free(void* memory, size_t bytes, size_t alignment) override { release_(arg_, memory, bytes, alignment); }
  void Discard(void* memory, size_t bytes) override {
    if (discard_ != nullptr) discard_(arg_, memory, bytes);
  }

 private:
  const larder_allocate_fn allocate_;
  const larder_release_fn release_;
  const larder_discard_fn discard_;
  void* const arg_;
};

// `*to` gets copies of `count` strings.
larder_status CopyNames(size_t count, const char* const* names, std::vector<std::string>* to, larder_error* error) {
  return Guard(error, [&]() -> absl::Status {
    std::vector<std::string> copies;
    if (count > copies.max_size()) return absl::InvalidArgumentError("count is more than an array can have");
    copies.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      if (names == nullptr || names[i] == nullptr) return absl::InvalidArgumentError("a name in the array is NULL");
      copies.emplace_back(names[i]);
    }
    to->swap(copies);
    return absl::OkStatus();
  });
}

}  // namespace

extern "C" {

// --- Options. ---

larder_status larder_options_new(larder_options** options, larder_error* error) {
  LARDER_NEED(options);
  *options = nullptr;
  return Guard(error, [&] {
    *options = new larder_options();
    return absl::OkStatus();
  });
}

void larder_options_free(larder_options* options) { delete options; }

larder_status larder_options_text(larder_options* options, const char* text, size_t length, larder_error* error) {
  LARDER_NEED(options);
  LARDER_NEED_BYTES(text, length);
  return Guard(error, [&] { return larder::ApplyConfigText(options->options, {text, length}, "options"); });
}

larder_status larder_options_arguments(larder_options* options, size_t argc, const char* const* argv,
                                       larder_error* error) {
  LARDER_NEED(options);
  return Guard(error, [&]() -> absl::Status {
    const Arguments arguments(argc, argv, nullptr);
    if (absl::Status status = arguments.status(); !status.ok()) return status;
    return larder::ApplyArguments(options->options, arguments.span());
  });
}

larder_status larder_options_background(larder_options* options, larder_background background, larder_error* error) {
  LARDER_NEED(options);
  int value = 0;  // C may pass an int that is no enumerator, which C++ may not even read as one
  static_assert(sizeof(value) == sizeof(background));
  std::memcpy(&value, &background, sizeof(value));
  switch (value) {
    case LARDER_BACKGROUND_THREAD: options->options.background = larder::Background::kThread; return LARDER_OK;
    case LARDER_BACKGROUND_LOOP: options->options.background = larder::Background::kLoop; return LARDER_OK;
    case LARDER_BACKGROUND_TICK: options->options.background = larder::Background::kTick; return LARDER_OK;
    default: break;
  }
  return Fail(LARDER_INVALID_ARGUMENT, "background: no such way to work in the background", error);
}

void larder_options_seed(larder_options* options, uint64_t seed) {
  if (options != nullptr) options->options.seed = seed;
}

void larder_options_log(larder_options* options, larder_log_fn log, void* arg) {
  if (options == nullptr) return;
  options->options.log = nullptr;
  if (log == nullptr) return;
  // Two pointers fit inside std::function, so this cannot throw.
  options->options.log = [log, arg](larder::LogLevel level, std::string_view line) {
    log(arg, static_cast<larder_log_level>(level), line.data(), line.size());
  };
}

void larder_options_on_shutdown(larder_options* options, larder_shutdown_fn on_shutdown, void* arg) {
  if (options == nullptr) return;
  options->options.on_shutdown = nullptr;
  if (on_shutdown == nullptr) return;
  options->options.on_shutdown = [on_shutdown, arg](const larder::ShutdownRequest&) {
    return on_shutdown(arg) == 0 ? absl::OkStatus()
                                 : absl::FailedPreconditionError("the program refuses to shut down");
  };
}

larder_status larder_options_clock(larder_options* options, larder_now_fn now_us, void* arg, larder_error* error) {
  LARDER_NEED(options);
  return Guard(error, [&] {
    options->options.clock = now_us != nullptr ? std::make_shared<CallbackClock>(now_us, arg) : nullptr;
    return absl::OkStatus();
  });
}

larder_status larder_manual_clock_new(int64_t now_us, larder_manual_clock** clock, larder_error* error) {
  LARDER_NEED(clock);
  *clock = nullptr;
  return Guard(error, [&] {
    *clock = new larder_manual_clock{std::make_shared<larder::ManualClock>(now_us)};
    return absl::OkStatus();
  });
}

void larder_manual_clock_set(larder_manual_clock* clock, int64_t now_us) {
  if (clock != nullptr) clock->clock->SetUs(now_us);
}

void larder_manual_clock_free(larder_manual_clock* clock) { delete clock; }

void larder_options_manual_clock(larder_options* options, const larder_manual_clock* clock) {
  if (options == nullptr) return;
  options->options.clock = clock != nullptr ? clock->clock : nullptr;
}

larder_status larder_options_memory(larder_options* options, larder_allocate_fn allocate, larder_release_fn release,
                                    larder_discard_fn discard, void* arg, larder_error* error) {
  LARDER_NEED(options);
  if (allocate != nullptr) LARDER_NEED(release);
  return Guard(error, [&] {
    options->options.memory =
        allocate != nullptr ? std::make_shared<CallbackMemory>(allocate, release, discard, arg) : nullptr;
    return absl::OkStatus();
  });
}

// --- A listener's options. ---

larder_status larder_listener_options_new(larder_listener_options** options, larder_error* error) {
  LARDER_NEED(options);
  *options = nullptr;
  return Guard(error, [&] {
    *options = new larder_listener_options();
    return absl::OkStatus();
  });
}

void larder_listener_options_free(larder_listener_options* options) { delete options; }

void larder_listener_options_read_only(larder_listener_options* options, int read_only) {
  if (options != nullptr) options->options.read_only = read_only != 0;
}

larder_status larder_listener_options_refused_commands(larder_listener_options* options, size_t count,
                                                       const char* const* commands, larder_error* error) {
  LARDER_NEED(options);
  return CopyNames(count, commands, &options->options.refused_commands, error);
}

larder_status larder_listener_options_host_keeps(larder_listener_options* options, size_t count,
                                                 const char* const* directives, larder_error* error) {
  LARDER_NEED(options);
  return CopyNames(count, directives, &options->options.host_keeps, error);
}

}  // extern "C"
