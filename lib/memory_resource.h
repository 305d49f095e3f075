// A std::pmr::memory_resource as the source of a cache's memory.
//
//   std::pmr::synchronized_pool_resource pool;
//   options.memory = larder::FromMemoryResource(&pool);
//
// If the resource refuses an allocation by an exception, the cache gets nullptr (see <larder/memory.h>). The exception
// is caught here, in code that is compiled with the program's own flags: the library itself expects no exceptions.
//
// Such a cache gives memory back in whole chunks only: a memory_resource has no call to release single pages.
//
// There is no adapter the other way, from a cache's arena to a memory_resource: an arena belongs to the executor's
// holder, and a memory_resource must throw when it has no memory.
#ifndef LARDER_MEMORY_RESOURCE_H_
#define LARDER_MEMORY_RESOURCE_H_

#include <cstddef>
#include <memory>
#include <memory_resource>

#include <larder/memory.h>

namespace larder::inline v0 {

// REQUIRES: `resource` may be used by several threads at once, and outlives the last of the cache's memory: the cache
// and all values pinned from it.
inline std::shared_ptr<MemorySource> FromMemoryResource(std::pmr::memory_resource* resource) {
  class Source final : public MemorySource {
   public:
    explicit Source(std::pmr::memory_resource* resource) : resource_(resource) {}
    void* Allocate(size_t bytes, size_t alignment) override {
#ifdef __cpp_exceptions
      try {
        return resource_->allocate(bytes, alignment);
      } catch (...) {
        return nullptr;
      }
#else
      return resource_->allocate(bytes, alignment);
#endif
    }
    void Free(void* memory, size_t bytes, size_t alignment) override {
      resource_->deallocate(memory, bytes, alignment);
    }

   private:
    std::pmr::memory_resource* resource_;
  };
  return std::make_shared<Source>(resource);
}

}  // namespace larder::inline v0

#endif  // LARDER_MEMORY_RESOURCE_H_
