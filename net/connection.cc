#include "net/connection.h"

namespace larder::inline v0::net {

bool WokenList::Push(Connection& connection) {
  // Once is enough until the loop has looked; and it must not be in the list twice.
  if (connection.is_woken.exchange(true, std::memory_order_acq_rel)) return false;
  Connection* first = first_.load(std::memory_order_relaxed);
  do {
    connection.next_woken = first;
  } while (!first_.compare_exchange_weak(first, &connection, std::memory_order_release, std::memory_order_relaxed));
  return true;
}

Connection* WokenList::TakeAll() { return first_.exchange(nullptr, std::memory_order_acquire); }

void ConnectionList::Append(Connection& connection) {
  connection.older = newest_;
  connection.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &connection;
  newest_ = &connection;
  ++size_;
}

void ConnectionList::Remove(Connection& connection) {
  (connection.older != nullptr ? connection.older->newer : oldest_) = connection.newer;
  (connection.newer != nullptr ? connection.newer->older : newest_) = connection.older;
  connection.older = connection.newer = nullptr;
  --size_;
}

}  // namespace larder::inline v0::net
