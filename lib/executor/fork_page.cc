#include "lib/executor/fork_page.h"

#include <sys/mman.h>
#include <unistd.h>

namespace larder::inline v0::executor {

bool ForkPage::Map(bool wipe) {
  const long page = sysconf(_SC_PAGESIZE);
  size_ = page > 0 ? static_cast<size_t>(page) : 4096;
  void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return false;
  data_ = data;
#if defined(MADV_WIPEONFORK)
  wiped_ = wipe && madvise(data_, size_, MADV_WIPEONFORK) == 0;
#else
  (void)wipe;
#endif
  return true;
}

ForkPage::~ForkPage() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace larder::inline v0::executor
