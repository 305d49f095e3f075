#include <larder/internal/user_code.h>

namespace larder::inline v0::internal {

FlightTable::Role FlightTable::Join(int db, std::string_view key, Flight* flight,
                                    void (*visit)(void* arg, const absl::Status& status, std::string_view value),
                                    void* arg) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_) return Role::kClosed;
  Flight* other = first_;
  while (other != nullptr && (other->db_ != db || other->key_ != key || other->landed_)) other = other->next_;
  if (other == nullptr) {
    flight->db_ = db;
    flight->key_ = key;
    flight->loader_ = std::this_thread::get_id();
    flight->next_ = first_;
    first_ = flight;
    return Role::kLoads;
  }
  if (other->loader_ == std::this_thread::get_id()) return Role::kOwnLoader;
  ++other->waiting_;
  while (!other->landed_ && !closed_) changed_.wait(lock);
  const bool landed = other->landed_;
  if (landed) {
    // The loader waits in Land until everyone has looked, so its result may be read without the lock.
    lock.unlock();
    visit(arg, *other->status_, other->value_);
    lock.lock();
  }
  if (--other->waiting_ == 0) changed_.notify_all();
  return landed ? Role::kWaited : Role::kClosed;
}

void FlightTable::Land(Flight* flight, const absl::Status& status, std::string_view value) {
  std::unique_lock<std::mutex> lock(mutex_);
  flight->status_ = &status;
  flight->value_ = value;
  flight->landed_ = true;
  changed_.notify_all();
  while (flight->waiting_ != 0) changed_.wait(lock);
  Flight** link = &first_;
  while (*link != flight) link = &(*link)->next_;
  *link = flight->next_;
}

void FlightTable::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace larder::inline v0::internal
