// What the ranges of the public headers have in common: an iterator over what is fetched as it goes on. Part of the
// public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_RANGE_ITERATOR_H_
#define LARDER_INTERNAL_RANGE_ITERATOR_H_

#include <cstddef>
#include <iterator>

namespace larder::inline v0::internal {

// `Range` befriends it, and has Next(), which goes to the next element (false at the end), and current(), which is that
// element. All iterators of a range are at the same place.
template <class Range, class Element>
class RangeIterator {
 public:
  using value_type = Element;
  using difference_type = ptrdiff_t;
  using reference = const Element&;
  using pointer = const Element*;
  using iterator_category = std::input_iterator_tag;
  RangeIterator() = default;
  explicit RangeIterator(Range* range) : range_(range) {}
  const Element& operator*() const { return range_->current(); }
  const Element* operator->() const { return &range_->current(); }
  RangeIterator& operator++() {
    if (!range_->Next()) range_ = nullptr;
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const RangeIterator& a, const RangeIterator& b) { return a.range_ == b.range_; }
  friend bool operator!=(const RangeIterator& a, const RangeIterator& b) { return a.range_ != b.range_; }

 private:
  Range* range_ = nullptr;  // null: at the end
};

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_RANGE_ITERATOR_H_
