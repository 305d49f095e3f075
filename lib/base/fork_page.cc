#include "lib/base/fork_page.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace larder::inline v0::base {

ForkPage::Ptr ForkPage::Create(bool wipe) {
  Ptr page(new (std::nothrow) ForkPage);
  return page != nullptr && page->Map(wipe) ? std::move(page) : nullptr;
}

bool ForkPage::Map(bool wipe) {
  const long page = sysconf(_SC_PAGESIZE);
  size_ = page > 0 ? static_cast<size_t>(page) : 4096;
  void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return false;
  data_ = data;
  bool wiped = false;
#if defined(MADV_WIPEONFORK)
  wiped = wipe && madvise(data_, size_, MADV_WIPEONFORK) == 0;
#else
  (void)wipe;
#endif
  if (!wiped) pid_ = static_cast<int>(getpid());
  alive_ = new (static_cast<char*>(data_) + kOwnersBytes) std::atomic<uint32_t>(1);
  return true;
}

ForkPage::~ForkPage() {
  if (data_ != nullptr) munmap(data_, size_);
}

bool ForkPage::ProcessChanged() const { return static_cast<int>(getpid()) != pid_; }

}  // namespace larder::inline v0::base
