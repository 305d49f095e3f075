// One page of zeroed memory that the kernel zeroes again in a forked child.
//
// A word in it is never 0 in the process that made it, so a child sees that it is a child. That costs only a compare
// that the word's user makes anyway: no getpid (142 ns), and no pthread_atfork (which would outlive a library that is
// unloaded).
//
//   data()        the first 128 bytes: its owner's (the executor's lock word stands there)
//   behind them   a word of the page's own, for Forked
//
// Lifetime: by count, since pinned values outlive their cache and need the page too.
#ifndef LARDER_BASE_FORK_PAGE_H_
#define LARDER_BASE_FORK_PAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace larder::inline v0::base {

class ForkPage {
 public:
  struct Drop {
    void operator()(ForkPage* page) const { page->Unref(); }
  };
  using Ptr = std::unique_ptr<ForkPage, Drop>;

  // Null if there is no memory. With `wipe` false the kernel does not wipe the page, like kernels before 4.14: see
  // wiped().
  static Ptr Create(bool wipe = true);
  ForkPage(const ForkPage&) = delete;
  ForkPage& operator=(const ForkPage&) = delete;
  Ptr Share() {
    references_.fetch_add(1, std::memory_order_relaxed);
    return Ptr(this);
  }

  void* data() const { return data_; }

  // Whether a child will find zeroes. If not, the owner has to ask getpid on every use.
  bool wiped() const { return pid_ == 0; }

  // Whether this process is a child of the one that made the page. It is one load if the page is wiped.
  bool Forked() const {
    return alive_->load(std::memory_order_relaxed) == 0 || (pid_ != 0 && ProcessChanged());
  }

 private:
  static constexpr size_t kOwnersBytes = 128;

  ForkPage() = default;
  ~ForkPage();
  bool Map(bool wipe);
  bool ProcessChanged() const;
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::atomic<uint32_t> references_{1};
  void* data_ = nullptr;
  std::atomic<uint32_t>* alive_ = nullptr;
  size_t size_ = 0;
  int pid_ = 0;  // set if the page is not wiped
};

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_FORK_PAGE_H_
