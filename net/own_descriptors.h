// The set of a listener's descriptors. A forked child closes its copies of them, and of no others, without looking at
// anything that a thread of the parent may have been changing.
//
// The table has a bit for each descriptor. When it is too small a larger one takes its place. The older ones are kept,
// so any table that a child finds is whole. A descriptor is taken out before it is closed, because its number may be
// somebody else's at once.
//
// Threads: any thread may call Add and Remove. CloseInChild takes no lock.
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

  bool Add(int fd);  // false if there is no memory; to add it again does nothing
  void Remove(int fd);
  // Closes all of them, in a forked child. REQUIRES: it is called once at most.
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
