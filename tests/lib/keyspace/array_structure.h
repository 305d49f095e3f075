// A kind of structure for tests: an array of up to kMax elements, each in a block of the arena of its own.
#ifndef LARDER_TESTS_LIB_KEYSPACE_ARRAY_STRUCTURE_H_
#define LARDER_TESTS_LIB_KEYSPACE_ARRAY_STRUCTURE_H_

#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/bytes.h"
#include "lib/keyspace/structure.h"
#include "lib/memory/arena.h"
#include "lib/memory/heap.h"

namespace larder::testing {

class ArrayKind final : public keyspace::StructureKind {
 public:
  static constexpr size_t kMax = 1'500;
  static const ArrayKind kKind;

  // An empty one, or nullptr.
  static keyspace::Structure* New(memory::Heap& heap) {
    void* const place = heap.arena().Allocate(sizeof(Root), memory::Tenant::kBlock);
    if (place == nullptr) return nullptr;
    Root* const root = new (place) Root{};
    root->kind = &kKind;
    root->bytes = memory::Arena::RoundUp(sizeof(Root));
    return root;
  }
  // False without memory.
  static bool Append(memory::Heap& heap, keyspace::Structure* structure, Bytes text) {
    Root& root = *static_cast<Root*>(structure);
    EXPECT_LT(root.count, kMax);
    void* const place = heap.arena().Allocate(sizeof(Element) + text.size(), memory::Tenant::kBlock);
    if (place == nullptr) return false;
    auto* const element = static_cast<Element*>(place);
    element->size = text.size();
    base::CopyBytes(reinterpret_cast<char*>(element + 1), text);
    root.elements[root.count++] = element;
    root.bytes += memory::Arena::RoundUp(element->footprint());
    return true;
  }
  static std::vector<std::string> Elements(const keyspace::Structure& root) {
    std::vector<std::string> all;
    root.kind->Walk(root, [&](Bytes text) {
      all.emplace_back(text);
      return true;
    });
    return all;
  }

  size_t Count(const keyspace::Structure& root) const override { return static_cast<const Root&>(root).count; }
  void Walk(const keyspace::Structure& structure, absl::FunctionRef<bool(Bytes)> visit) const override {
    const Root& root = static_cast<const Root&>(structure);
    for (size_t i = 0; i < root.count && visit(root.elements[i]->text()); ++i) {
    }
  }
  keyspace::Structure* Clone(memory::Heap& heap, const keyspace::Structure& from) const override {
    keyspace::Structure* const made = New(heap);
    bool ok = made != nullptr;
    if (ok) {
      Walk(from, [&](Bytes text) { return ok = Append(heap, made, text); });
    }
    if (ok || made == nullptr) return made;
    for (bool done = false; !done;) FreeSome(heap, made, kMax, &done);
    return nullptr;
  }
  size_t FreeSome(memory::Heap& heap, keyspace::Structure* structure, size_t elements, bool* done) const override {
    Root& root = *static_cast<Root*>(structure);
    size_t freed = 0;
    for (; elements != 0 && root.count != 0; --elements) {
      Element* const element = root.elements[--root.count];
      freed += memory::Arena::RoundUp(element->footprint());
      heap.arena().Free(element, element->footprint());
    }
    root.bytes -= freed;
    *done = root.count == 0;
    if (!*done) return freed;
    freed += root.bytes;
    heap.arena().Free(&root, sizeof(Root));
    return freed;
  }
  // Position 0 is the root, the next are the elements.
  bool MoveNext(keyspace::Structure** structure, uint64_t* position, absl::FunctionRef<void*(const void*)> move,
                absl::FunctionRef<void(void*)> end) const override {
    Root* const root = static_cast<Root*>(*structure);
    const uint64_t at = (*position)++;
    if (at == 0) {
      void* const made = move(root);
      if (made != nullptr) {
        *structure = static_cast<Root*>(made);
        end(root);
      }
      return true;
    }
    if (at > root->count) return false;
    Element* const element = root->elements[at - 1];
    void* const made = move(element);
    if (made != nullptr) {
      root->elements[at - 1] = static_cast<Element*>(made);
      end(element);
    }
    return true;
  }

 private:
  struct Element {
    size_t size;
    size_t footprint() const { return sizeof(Element) + size; }
    Bytes text() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  };
  struct Root : keyspace::Structure {
    size_t count = 0;
    Element* elements[kMax];
  };
};

inline constexpr ArrayKind ArrayKind::kKind;

}  // namespace larder::testing

#endif  // LARDER_TESTS_LIB_KEYSPACE_ARRAY_STRUCTURE_H_
