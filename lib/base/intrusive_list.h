// IntrusiveList: a doubly linked list with its links inside the elements, so adding cannot fail and removing any
// element takes constant time.
//
//   struct Client {
//     base::ListLinks<Client> links;
//   };
//   base::IntrusiveList<Client, &Client::links> clients;
//   for (Client* client = clients.front(); client != nullptr; client = client->links.next) ...
//
// An element is in at most one list by the same links. The list does not own its elements: an element must be removed
// before it is destroyed. An element without neighbours may be in no list, or the only one of a list.
//
// Lists that only have a head (the heaps' chunks, WATCH's keys) do not use it: there the second pointer would cost
// memory.
#ifndef LARDER_BASE_INTRUSIVE_LIST_H_
#define LARDER_BASE_INTRUSIVE_LIST_H_

#include "lib/base/check.h"

namespace larder::inline v0::base {

template <class T>
struct ListLinks {
  T* next = nullptr;
  T* previous = nullptr;
};

template <class T, ListLinks<T> T::*kLinks>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return front_ == nullptr; }
  T* front() const { return front_; }  // nullptr if it is empty
  T* back() const { return back_; }

  // REQUIRES of both: the element is in no list of these links.
  void PushBack(T& element) {
    (element.*kLinks) = {.next = nullptr, .previous = back_};
    (back_ != nullptr ? (back_->*kLinks).next : front_) = &element;
    back_ = &element;
  }
  void PushFront(T& element) {
    (element.*kLinks) = {.next = front_, .previous = nullptr};
    (front_ != nullptr ? (front_->*kLinks).previous : back_) = &element;
    front_ = &element;
  }

  // REQUIRES: the element is in this list.
  void Remove(T& element) {
    ListLinks<T>& links = element.*kLinks;
    LARDER_DCHECK(links.previous != nullptr || front_ == &element);
    LARDER_DCHECK(links.next != nullptr || back_ == &element);
    (links.previous != nullptr ? (links.previous->*kLinks).next : front_) = links.next;
    (links.next != nullptr ? (links.next->*kLinks).previous : back_) = links.previous;
    links = {};
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
};

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_INTRUSIVE_LIST_H_
