// Inline parts of cache.h. Include <larder/cache.h> instead.
#ifndef LARDER_INTERNAL_CACHE_INLINE_H_
#define LARDER_INTERNAL_CACHE_INLINE_H_

#include <larder/cache.h>

namespace larder::inline v0 {

inline absl::StatusOr<std::optional<std::string>> Database::Get(std::string_view key) const {
  internal::Fetched fetched;
  if (absl::Status status = Fetch(key, &fetched); !status.ok()) return status;
  std::optional<std::string> value;
  if (!fetched.found()) return value;
  absl::Status filled = internal::FillResult([&] { value.emplace(fetched.view()); });
  if (!filled.ok()) return filled;
  return value;
}

inline absl::StatusOr<bool> Database::Get(std::string_view key, std::string* value) const {
  internal::Fetched fetched;
  if (absl::Status status = Fetch(key, &fetched); !status.ok()) return status;
  if (!fetched.found()) return false;
  absl::Status filled = internal::FillResult([&] { value->assign(fetched.view()); });
  if (!filled.ok()) return filled;
  return true;
}

template <class F>
absl::Status Database::View(std::string_view key, F&& fn) const {
  internal::Caught caught;
  absl::Status status = ViewInPlace(key, [&](std::optional<std::string_view> value) { caught.Run([&] { fn(value); }); });
  caught.Rethrow();
  return status;
}

inline absl::StatusOr<std::optional<std::string>> Database::SetAndGet(std::string_view key, std::string_view value,
                                                                      const SetOptions& options) const {
  internal::Fetched fetched;
  absl::StatusOr<bool> done = SetAndFetch(key, value, options, &fetched);
  if (!done.ok()) return done.status();
  std::optional<std::string> old_value;
  if (!fetched.found()) return old_value;
  absl::Status filled = internal::FillResult([&] { old_value.emplace(fetched.view()); });
  if (!filled.ok()) return filled;
  return old_value;
}

inline absl::StatusOr<std::vector<std::optional<std::string>>> Database::MGet(
    std::span<const std::string_view> keys) const {
  internal::FetchedList fetched;
  if (absl::Status status = FetchMany(keys, &fetched); !status.ok()) return status;
  std::vector<std::optional<std::string>> values;
  absl::Status filled = internal::FillResult([&] {
    values.resize(fetched.size());
    for (size_t i = 0; i < fetched.size(); ++i) {
      if (fetched.found(i)) values[i].emplace(fetched.view(i));
    }
  });
  if (!filled.ok()) return filled;
  return values;
}

inline absl::StatusOr<std::string> Database::GetRange(std::string_view key, int64_t first, int64_t last) const {
  internal::Fetched fetched;
  if (absl::Status status = FetchRange(key, first, last, &fetched); !status.ok()) return status;
  std::string value;
  absl::Status filled = internal::FillResult([&] { value.assign(fetched.view()); });
  if (!filled.ok()) return filled;
  return value;
}

inline ScanRange Database::Scan(const ScanOptions& options) const { return ScanRange(*this, options); }

inline bool ScanRange::Next() {
  while (next_ == batch_.size()) {
    if (!status_.ok() || (started_ && cursor_ == 0)) return false;
    started_ = true;
    next_ = 0;
    batch_.Clear();
    status_ = database_.FetchKeys(&cursor_, options_, &batch_);
    if (!status_.ok()) {
      batch_.Clear();
      return false;
    }
  }
  status_ = internal::FillResult([&] { key_.assign(batch_.view(next_)); });
  ++next_;
  return status_.ok();
}

template <class Loader>
absl::StatusOr<std::string> Database::GetOrLoad(std::string_view key, absl::Duration ttl, Loader&& loader) const {
  if (held_) return absl::FailedPreconditionError("GetOrLoad waits, so it may not be called inside Atomically");
  absl::StatusOr<std::optional<std::string>> found = Get(key);
  if (!found.ok()) return found.status();
  if (found->has_value()) return **std::move(found);
  internal::Flight flight;
  absl::StatusOr<std::string> result = absl::UnknownError("");
  auto take = [&](const absl::Status& status, std::string_view value) {
    if (!status.ok()) {
      result = status;
      return;
    }
    absl::Status filled = internal::FillResult([&] { result = std::string(value); });
    if (!filled.ok()) result = filled;
  };
  const auto role = flights()->Join(
      index_, key, &flight,
      [](void* arg, const absl::Status& status, std::string_view value) {
        (*static_cast<decltype(take)*>(arg))(status, value);
      },
      &take);
  if (role == internal::FlightTable::Role::kClosed) return absl::CancelledError("the cache is closed");
  if (role == internal::FlightTable::Role::kOwnLoader) {
    return absl::FailedPreconditionError("the loader of a key asked GetOrLoad for that key");
  }
  if (role == internal::FlightTable::Role::kWaited) return result;
  internal::Caught caught;
  caught.Run([&] {
    // Between the miss and this moment another loader may have landed.
    found = Get(key);
    if (!found.ok()) {
      result = found.status();
    } else if (found->has_value()) {
      result = **std::move(found);
    } else {
      result = loader();
      if (result.ok()) {
        SetOptions options;
        if (ttl != absl::InfiniteDuration()) options.ttl = ttl;
        absl::StatusOr<bool> stored = Set(key, *result, options);
        if (!stored.ok()) result = stored.status();
      }
    }
  });
  if (caught.any()) {
    flights()->Land(&flight, absl::AbortedError("the loader threw an exception"), {});
    caught.Rethrow();
  }
  flights()->Land(&flight, result.status(), result.ok() ? std::string_view(*result) : std::string_view());
  return result;
}

template <class F>
auto Cache::Atomically(F&& fn) {
  using R = std::invoke_result_t<F, Transaction&>;
  Transaction transaction(core_, index_);
  internal::Caught caught;
  if constexpr (std::is_void_v<R>) {
    absl::Status status = EnterUser();
    if (!status.ok()) return status;
    caught.Run([&] { fn(transaction); });
    LeaveUser();
    caught.Rethrow();
    return status;
  } else {
    absl::Status status = EnterUser();
    if (!status.ok()) return R(status);
    std::optional<R> result;
    caught.Run([&] { result.emplace(fn(transaction)); });
    LeaveUser();
    caught.Rethrow();
    return *std::move(result);
  }
}

}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_CACHE_INLINE_H_
