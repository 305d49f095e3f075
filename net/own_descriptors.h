// Which descriptors of the process are a listener's, so that a forked child can close its copies of them, and of no
// others, without looking at anything that a thread of the parent may have been changing.
//
// A bit a descriptor. The table is replaced by a larger one, never changed in place, and older ones are kept: whatever a
// child finds is whole. A descriptor is taken out before it is closed, since its number may be somebody else's at once.
//
// Threads: any, but CloseInChild, which takes no lock.
#ifndef LARDER_NET_OWN_DESCRIPTORS_H_
#define LARDER_NET_OWN_DESCRIPTORS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace larder::inline v0::net {

class OwnDescriptors {
 public:
  OwnDescriptors() = default;
  OwnDescriptors(const OwnDescriptors&) = delete;
  OwnDescriptors& operator=(const OwnDescriptors&) = delete;
  ~OwnDescriptors();

  bool Add(int fd);  // false if there is no memory; again is once
  void Remove(int fd);
  // In a forked child: closes all of them. Once.
  void CloseInChild();

 private:
  static constexpr size_t kBits = 64;
  struct Table {
    Table* older;
    size_t words;
    std::atomic<uint64_t>* bits() { return reinterpret_cast<std::atomic<uint64_t>*>(this + 1); }
  };

  Table* Grow(Table* old, size_t words);

  std::mutex mutex_;
  std::atomic<Table*> table_{nullptr};
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_OWN_DESCRIPTORS_H_
