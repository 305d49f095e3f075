// Inline parts of cache.h. Include <larder/cache.h> instead.
#ifndef LARDER_INTERNAL_CACHE_INLINE_H_
#define LARDER_INTERNAL_CACHE_INLINE_H_

#include <larder/cache.h>

namespace larder::inline v0 {

namespace internal {

inline const Target& TargetOf(const Database& database) { return database.target_; }
inline Database DatabaseOf(const Target& target) { return Database(target); }

// The key, of several, that is prefetched while the call waits for its turn.
inline std::string_view FirstOf(std::span<const std::string_view> keys) {
  return keys.empty() ? std::string_view() : keys[0];
}
}  // namespace internal

inline absl::StatusOr<std::optional<std::string>> Database::Get(std::string_view key) const {
  internal::Fetched fetched;
  return internal::OptionalStringOf(internal::RunTyped(target_, internal::kGet, key, &fetched), fetched);
}

inline absl::StatusOr<bool> Database::Get(std::string_view key, std::string* value) const {
  // If the new bytes are no more than the string has, they overwrite it in place.
  internal::Fetched fetched(value->data(), value->size());
  const auto* const error = internal::RunTyped(target_, internal::kGet, key, &fetched);
  if (error != nullptr) [[unlikely]] return internal::StatusOf(*error);
  if (!fetched.found()) return false;
  if (fetched.in_target()) [[likely]] {
    value->resize(fetched.view().size());  // it gets no longer, so this allocates nothing
    return true;
  }
  absl::Status filled = internal::FillResult([&] { value->assign(fetched.view()); });
  if (!filled.ok()) return filled;
  return true;
}

template <class F>
absl::Status Database::View(std::string_view key, F&& fn) const {
  internal::Caught caught;
  const auto view = [&](std::optional<std::string_view> value) { caught.Run([&] { fn(value); }); };
  const auto* const error = internal::RunTyped(target_, internal::kView, key, internal::Viewer(view));
  caught.Rethrow();
  return internal::StatusOf(error);
}

inline absl::StatusOr<bool> Database::Set(std::string_view key, std::string_view value,
                                          const SetOptions& options) const {
  bool done = false;
  // Most calls have no options; the compiler sees which.
  const bool plain = options.ttl == absl::InfiniteDuration() && options.expire_at == absl::InfiniteFuture() &&
                     !options.keep_ttl && options.condition == SetOptions::If::kAlways;
  const auto& set = value.size() <= internal::kPlainValueBytesMax ? internal::kSet : internal::kSetLarge;
  const auto* const error = plain ? internal::RunTyped(target_, set, key, value, &done)
                                : internal::RunTyped(target_, internal::kSetWith, key, value, &options, nullptr, &done);
  return internal::ResultOf(error, done);
}

inline absl::StatusOr<std::optional<std::string>> Database::SetAndGet(std::string_view key, std::string_view value,
                                                                      const SetOptions& options) const {
  internal::Fetched fetched;
  bool done = false;
  const auto* const error = internal::RunTyped(target_, internal::kSetWith, key, value, &options, &fetched, &done);
  if (error != nullptr) return internal::StatusOf(*error);
  std::optional<std::string> old_value;
  if (!fetched.found()) return old_value;
  absl::Status filled = internal::FillResult([&] { old_value.emplace(fetched.view()); });
  if (!filled.ok()) return done ? internal::StatusOf(internal::kOldValueLost) : filled;
  return old_value;
}

inline absl::Status Database::MGet(std::span<const std::string_view> keys,
                                   std::vector<std::optional<std::string>>* values) const {
  internal::FetchedList fetched;
  const auto* const error = internal::RunTyped(target_, internal::kGetSeveral, internal::FirstOf(keys), keys, &fetched);
  if (error != nullptr) return internal::StatusOf(*error);
  return internal::FillResult([&] {
    values->resize(fetched.size());
    for (size_t i = 0; i < fetched.size(); ++i) {
      std::optional<std::string>& value = (*values)[i];
      if (!fetched.found(i)) {
        value.reset();
      } else if (value.has_value()) {
        value->assign(fetched.view(i));
      } else {
        value.emplace(fetched.view(i));
      }
    }
  });
}

inline absl::StatusOr<std::vector<std::optional<std::string>>> Database::MGet(
    std::span<const std::string_view> keys) const {
  std::vector<std::optional<std::string>> values;
  absl::Status status = MGet(keys, &values);
  if (!status.ok()) return status;
  return values;
}

inline absl::Status Database::MGet(std::span<const std::string> keys,
                                   std::vector<std::optional<std::string>>* values) const {
  return internal::WithViews(keys, [&](Keys views) { return MGet(views, values); });
}

inline absl::StatusOr<std::vector<std::optional<std::string>>> Database::MGet(std::span<const std::string> keys) const {
  return internal::WithViews(keys, [&](Keys views) { return MGet(views); });
}

inline absl::Status Database::MSet(std::span<const std::pair<std::string_view, std::string_view>> pairs) const {
  return internal::StatusOf(
      internal::RunTyped(target_, internal::kSetSeveral, pairs.empty() ? std::string_view() : pairs[0].first, pairs));
}

inline absl::Status Database::MSet(std::span<const std::pair<std::string, std::string>> pairs) const {
  return internal::WithViews(
      pairs, [&](std::span<const std::pair<std::string_view, std::string_view>> views) { return MSet(views); });
}

inline absl::StatusOr<int64_t> Database::Increment(std::string_view key, int64_t by) const {
  int64_t value = 0;
  const auto* const error = internal::RunTyped(target_, internal::kIncrement, key, by, &value);
  return internal::ResultOf(error, value);
}

inline absl::StatusOr<double> Database::IncrementFloat(std::string_view key, double by) const {
  double value = 0;
  const auto* const error = internal::RunTyped(target_, internal::kIncrementFloat, key, by, &value);
  return internal::ResultOf(error, value);
}

inline absl::StatusOr<int64_t> Database::Append(std::string_view key, std::string_view suffix) const {
  int64_t length = 0;
  const auto* const error = internal::RunTyped(target_, internal::kAppend, key, suffix, &length);
  return internal::ResultOf(error, length);
}

inline absl::StatusOr<int64_t> Database::SetRange(std::string_view key, int64_t offset, std::string_view bytes) const {
  int64_t length = 0;
  const auto* const error = internal::RunTyped(target_, internal::kSetRange, key, offset, bytes, &length);
  return internal::ResultOf(error, length);
}

inline absl::StatusOr<std::string> Database::GetRange(std::string_view key, int64_t first, int64_t last) const {
  internal::Fetched fetched;
  const auto* const error = internal::RunTyped(target_, internal::kGetRange, key, first, last, &fetched);
  if (error != nullptr) return internal::StatusOf(*error);
  std::string value;
  absl::Status filled = internal::FillResult([&] { value.assign(fetched.view()); });
  if (!filled.ok()) return filled;
  return value;
}

inline absl::StatusOr<int64_t> Database::Delete(std::span<const std::string_view> keys) const {
  int64_t deleted = 0;
  const auto* const error = internal::RunTyped(target_, internal::kDelete, internal::FirstOf(keys), keys, &deleted);
  return internal::ResultOf(error, deleted);
}

inline absl::StatusOr<int64_t> Database::Delete(std::span<const std::string> keys) const {
  return internal::WithViews(keys, [&](Keys views) { return Delete(views); });
}

inline absl::StatusOr<bool> Database::Delete(std::string_view key) const {
  int64_t deleted = 0;
  const auto* const error = internal::RunTyped(target_, internal::kDelete, key, Keys(&key, 1), &deleted);
  return internal::ResultOf(error, deleted != 0);
}

inline absl::StatusOr<int64_t> Database::Exists(std::span<const std::string_view> keys) const {
  int64_t found = 0;
  const auto* const error =
      internal::RunTyped(target_, internal::kExistsSeveral, internal::FirstOf(keys), keys, &found);
  return internal::ResultOf(error, found);
}

inline absl::StatusOr<int64_t> Database::Exists(std::span<const std::string> keys) const {
  return internal::WithViews(keys, [&](Keys views) { return Exists(views); });
}

inline absl::StatusOr<Reply> Database::Execute(std::span<const std::string> argv) const {
  return internal::WithViews(argv, [&](Keys views) { return Execute(views); });
}

inline absl::Status Database::ExecuteAsync(std::span<const std::string> argv, ReplyCallback callback) const {
  return internal::WithViews(argv, [&](Keys views) { return ExecuteAsync(views, std::move(callback)); });
}

inline absl::StatusOr<bool> Database::Exists(std::string_view key) const {
  bool found = false;
  const auto* const error = internal::RunTyped(target_, internal::kExists, key, &found);
  return internal::ResultOf(error, found);
}

inline absl::StatusOr<bool> Database::Expire(std::string_view key, absl::Duration ttl) const {
  bool done = false;
  const auto* const error = internal::RunTyped(target_, internal::kExpire, key, ttl, &done);
  return internal::ResultOf(error, done);
}

inline absl::StatusOr<bool> Database::ExpireAt(std::string_view key, absl::Time when) const {
  bool done = false;
  const auto* const error = internal::RunTyped(target_, internal::kExpireAt, key, when, &done);
  return internal::ResultOf(error, done);
}

inline absl::StatusOr<bool> Database::Persist(std::string_view key) const {
  bool done = false;
  const auto* const error = internal::RunTyped(target_, internal::kPersist, key, &done);
  return internal::ResultOf(error, done);
}

inline absl::StatusOr<std::optional<absl::Duration>> Database::Ttl(std::string_view key) const {
  std::optional<absl::Duration> ttl;
  const auto* const error = internal::RunTyped(target_, internal::kTtl, key, &ttl);
  return internal::ResultOf(error, ttl);
}

inline absl::StatusOr<int64_t> Database::Size() const {
  int64_t size = 0;
  const auto* const error = internal::RunTyped(target_, internal::kSize, {}, &size);
  return internal::ResultOf(error, size);
}

inline ScanRange Database::Scan(const ScanOptions& options) const { return ScanRange(*this, options); }

inline ScanRange::ScanRange(const Database& database, const ScanOptions& options)
    : database_(database), batch_size_(options.batch) {
  status_ = internal::FillResult([&] { match_.assign(options.match); });
}

inline void ScanRange::Take(ScanRange& other) noexcept {
  database_ = other.database_;
  match_ = std::move(other.match_);
  batch_size_ = other.batch_size_;
  batch_ = std::move(other.batch_);
  next_ = std::exchange(other.next_, 0);
  cursor_ = std::exchange(other.cursor_, 0);
  started_ = std::exchange(other.started_, true);
  key_ = std::move(other.key_);
  status_ = std::exchange(other.status_, internal::StatusOf(internal::kRangeWasMoved));
}

inline bool ScanRange::Next() {
  while (next_ == batch_.size()) {
    if (!status_.ok() || (started_ && cursor_ == 0)) return false;
    started_ = true;
    next_ = 0;
    batch_.Clear();
    const ScanOptions options{.match = match_, .batch = batch_size_};
    status_ = internal::StatusOf(
        internal::RunTyped(database_.target_, internal::kScan, {}, &cursor_, &options, &batch_));
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
  if (target_.held()) return internal::StatusOf(internal::kLoadInTransaction);
  if (!internal::IsLoadTtl(ttl)) return internal::StatusOf(internal::kBadLoadTtl);
  internal::Fetched fetched;
  const auto* const error = internal::RunTyped(target_, internal::kGet, key, &fetched);
  if (error != nullptr) [[unlikely]] return internal::StatusOf(*error);
  if (!fetched.found()) return LoadMissing(key, ttl, std::forward<Loader>(loader));
  return internal::StringOf(fetched.view());
}

template <class Loader>
absl::StatusOr<std::string> Database::LoadMissing(std::string_view key, absl::Duration ttl, Loader&& loader) const {
  // It is declared before the load, and so ends after it: Close waits for it.
  const internal::Visit visit(*target_.core);
  if (visit.error() != nullptr) return internal::StatusOf(visit.error());
  // It is declared before the load: waiting callers read the value until the load has ended.
  absl::StatusOr<std::string> result;
  internal::Fetched fetched;
  internal::Load load;
  const internal::ErrorText* error = load.Begin(target_, key, &fetched);
  if (error != nullptr) return internal::StatusOf(*error);
  if (fetched.found()) return internal::StringOf(fetched.view());
  if (load.waits()) {
    if (error = load.Await(); error != nullptr) return internal::StatusOf(*error);
    if (!load.status().ok()) return load.status();
    return internal::StringOf(load.value());
  }
  result = std::forward<Loader>(loader)();
  if (result.ok()) {
    error = load.Store(target_, key, *result, ttl);
  } else {
    load.Finish(result.status(), {});
  }
  if (error != nullptr) return internal::StatusOf(*error);
  return result;
}

template <class F>
auto Cache::Atomically(F&& fn) {
  using R = std::invoke_result_t<F, Transaction&>;
  static_assert(internal::kCarriesErrors<R>,
                "Atomically's function must return nothing, an absl::Status or an absl::StatusOr<T>");
  internal::Target target = target_;
  const internal::ErrorText* error = EnterUser(&target.transaction);
  if (error != nullptr) return internal::UserResult<R>(internal::StatusOf(*error));
  Transaction transaction(Transaction::Pass(), target);
  internal::Caught caught;
  if constexpr (std::is_void_v<R>) {
    caught.Run([&] { fn(transaction); });
    LeaveUser();
    caught.Rethrow();
    return absl::OkStatus();
  } else {
    std::optional<R> result;
    caught.Run([&] { result.emplace(fn(transaction)); });
    LeaveUser();
    caught.Rethrow();
    return *std::move(result);
  }
}

}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_CACHE_INLINE_H_
