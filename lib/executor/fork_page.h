// One page of zeroed memory that the kernel zeroes again in a forked child.
//
// A word in it that is never 0 in the process that made it tells a child that it is one, at the price of the compare
// that its user makes anyway: no getpid (142 ns), no pthread_atfork (which would outlive a library that is unloaded).
#ifndef LARDER_EXECUTOR_FORK_PAGE_H_
#define LARDER_EXECUTOR_FORK_PAGE_H_

#include <cstddef>

namespace larder::inline v0::executor {

class ForkPage {
 public:
  ForkPage() = default;
  ~ForkPage();
  ForkPage(const ForkPage&) = delete;
  ForkPage& operator=(const ForkPage&) = delete;

  // False if there is no memory. With `wipe` false the page is left as kernels before 4.14 leave it: see wiped().
  bool Map(bool wipe = true);

  void* data() const { return data_; }

  // Whether a child will find zeroes. If not, the owner has to ask getpid on every use.
  bool wiped() const { return wiped_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
  bool wiped_ = false;
};

}  // namespace larder::inline v0::executor

#endif  // LARDER_EXECUTOR_FORK_PAGE_H_
