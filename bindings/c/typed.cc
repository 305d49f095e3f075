// The C ABI: typed calls.
#include "bindings/c/internal.h"

namespace {

using larder_c::Arguments;
using larder_c::Fail;
using larder_c::Guard;
using larder_c::InDatabase;
using larder_c::NullArgument;

absl::Duration TtlOf(int64_t ttl_ms) {
  return ttl_ms == LARDER_NO_EXPIRY ? absl::InfiniteDuration() : absl::Milliseconds(ttl_ms);
}

// The result of a loader, for all callers that wait.
absl::StatusOr<std::string> Load(larder_load_fn load, void* arg) {
  larder_loaded loaded;
  larder_error failed = {LARDER_OK, {}};
  const larder_status status = load(arg, &loaded, &failed);
  failed.message[sizeof(failed.message) - 1] = '\0';
  if (status == LARDER_OK) {
    if (!loaded.value.has_value()) return absl::InvalidArgumentError("the loader returned LARDER_OK without a value");
    return *std::move(loaded.value);
  }
  return absl::Status(static_cast<absl::StatusCode>(status),
                      failed.message[0] != '\0' ? failed.message : "the loader failed");
}

}  // namespace

extern "C" {

// --- Typed calls. ---

const char* larder_bytes_data(const larder_bytes* bytes, size_t* length) {
  if (length != nullptr) *length = bytes != nullptr ? bytes->bytes.size() : 0;
  return bytes != nullptr ? bytes->bytes.data() : "";
}

void larder_bytes_free(larder_bytes* bytes) { delete bytes; }

larder_status larder_get(larder_cache* cache, int db, const char* key, size_t key_length, larder_bytes** value,
                         larder_error* error) {
  LARDER_NEED(value);
  *value = nullptr;
  LARDER_NEED_BYTES(key, key_length);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    auto holder = std::make_unique<larder_bytes>();
    const absl::StatusOr<bool> found = database.Get({key, key_length}, &holder->bytes);
    if (!found.ok()) return found.status();
    if (*found) *value = holder.release();
    return absl::OkStatus();
  });
}

larder_status larder_get_into(larder_cache* cache, int db, const char* key, size_t key_length, char* buffer,
                              size_t size, size_t* length, int* found, larder_error* error) {
  LARDER_NEED(length);
  *length = 0;
  if (found != nullptr) *found = 0;
  LARDER_NEED_BYTES(key, key_length);
  LARDER_NEED_BYTES(buffer, size);
  return InDatabase(cache, db, error, [&](const larder::Database& database) {
    return database.View(std::string_view(key, key_length), [&](std::optional<std::string_view> value) {
      if (!value.has_value()) return;
      if (found != nullptr) *found = 1;
      *length = value->size();
      if (size != 0) std::memcpy(buffer, value->data(), std::min(size, value->size()));
    });
  });
}

larder_status larder_set(larder_cache* cache, int db, const char* key, size_t key_length, const char* value,
                         size_t value_length, int64_t ttl_ms, unsigned flags, int* done, larder_error* error) {
  if (done != nullptr) *done = 0;
  LARDER_NEED_BYTES(key, key_length);
  LARDER_NEED_BYTES(value, value_length);
  constexpr unsigned kConditions = LARDER_SET_IF_MISSING | LARDER_SET_IF_PRESENT;
  if ((flags & ~(kConditions | LARDER_SET_KEEP_TTL)) != 0 || (flags & kConditions) == kConditions) {
    return Fail(LARDER_INVALID_ARGUMENT, "flags: no such flag, or two conditions", error);
  }
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    larder::SetOptions options;
    options.ttl = TtlOf(ttl_ms);
    options.keep_ttl = (flags & LARDER_SET_KEEP_TTL) != 0;
    if ((flags & LARDER_SET_IF_MISSING) != 0) options.condition = larder::SetOptions::If::kMissing;
    if ((flags & LARDER_SET_IF_PRESENT) != 0) options.condition = larder::SetOptions::If::kPresent;
    const absl::StatusOr<bool> set =
        database.Set(std::string_view(key, key_length), std::string_view(value, value_length), options);
    if (!set.ok()) return set.status();
    if (done != nullptr) *done = *set ? 1 : 0;
    return absl::OkStatus();
  });
}

larder_status larder_delete(larder_cache* cache, int db, const char* key, size_t key_length, int* existed,
                            larder_error* error) {
  if (existed != nullptr) *existed = 0;
  LARDER_NEED_BYTES(key, key_length);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const absl::StatusOr<bool> deleted = database.Delete(std::string_view(key, key_length));
    if (!deleted.ok()) return deleted.status();
    if (existed != nullptr) *existed = *deleted ? 1 : 0;
    return absl::OkStatus();
  });
}

larder_status larder_increment(larder_cache* cache, int db, const char* key, size_t key_length, int64_t by,
                               int64_t* value, larder_error* error) {
  if (value != nullptr) *value = 0;
  LARDER_NEED_BYTES(key, key_length);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const absl::StatusOr<int64_t> sum = database.Increment(std::string_view(key, key_length), by);
    if (!sum.ok()) return sum.status();
    if (value != nullptr) *value = *sum;
    return absl::OkStatus();
  });
}

larder_status larder_expire(larder_cache* cache, int db, const char* key, size_t key_length, int64_t ttl_ms,
                            int* existed, larder_error* error) {
  if (existed != nullptr) *existed = 0;
  LARDER_NEED_BYTES(key, key_length);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const absl::StatusOr<bool> there = database.Expire(std::string_view(key, key_length), TtlOf(ttl_ms));
    if (!there.ok()) return there.status();
    if (existed != nullptr) *existed = *there ? 1 : 0;
    return absl::OkStatus();
  });
}

larder_status larder_ttl(larder_cache* cache, int db, const char* key, size_t key_length, int64_t* ttl_ms,
                         int* existed, larder_error* error) {
  LARDER_NEED(ttl_ms);
  *ttl_ms = 0;
  if (existed != nullptr) *existed = 0;
  LARDER_NEED_BYTES(key, key_length);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const absl::StatusOr<std::optional<absl::Duration>> ttl = database.Ttl(std::string_view(key, key_length));
    if (!ttl.ok()) return ttl.status();
    if (!ttl->has_value()) return absl::OkStatus();
    *ttl_ms = **ttl == absl::InfiniteDuration() ? LARDER_NO_EXPIRY : absl::ToInt64Milliseconds(**ttl);
    if (existed != nullptr) *existed = 1;
    return absl::OkStatus();
  });
}

larder_status larder_loaded_set(larder_loaded* loaded, const char* value, size_t value_length) {
  larder_error* const error = nullptr;
  LARDER_NEED(loaded);
  LARDER_NEED_BYTES(value, value_length);
  return Guard(error, [&] {
    loaded->value.emplace(value, value_length);
    return absl::OkStatus();
  });
}

larder_status larder_mget(larder_cache* cache, int db, size_t count, const char* const* keys,
                          const size_t* key_lengths, larder_bytes** values, larder_error* error) {
  LARDER_NEED_BYTES(values, count);
  for (size_t i = 0; i < count; ++i) values[i] = nullptr;
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const Arguments names(count, keys, key_lengths);
    if (!names.status().ok()) return absl::InvalidArgumentError("keys, or a key in it, is NULL");
    std::vector<std::unique_ptr<larder_bytes>> holders(count);
    for (auto& holder : holders) holder = std::make_unique<larder_bytes>();
    std::vector<std::optional<std::string>> found;
    if (absl::Status status = database.MGet(names.span(), &found); !status.ok()) return status;
    for (size_t i = 0; i < count; ++i) {
      if (!found[i].has_value()) continue;
      holders[i]->bytes = *std::move(found[i]);
      values[i] = holders[i].release();
    }
    return absl::OkStatus();
  });
}

larder_status larder_mset(larder_cache* cache, int db, size_t count, const char* const* keys,
                          const size_t* key_lengths, const char* const* values, const size_t* value_lengths,
                          larder_error* error) {
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    const Arguments names(count, keys, key_lengths);
    const Arguments texts(count, values, value_lengths);
    if (!names.status().ok()) return absl::InvalidArgumentError("keys, or a key in it, is NULL");
    if (!texts.status().ok()) return absl::InvalidArgumentError("values, or a value in it, is NULL");
    std::vector<std::pair<std::string_view, std::string_view>> pairs(count);
    for (size_t i = 0; i < count; ++i) pairs[i] = {names.span()[i], texts.span()[i]};
    return database.MSet(pairs);
  });
}

larder_status larder_get_or_load(larder_cache* cache, int db, const char* key, size_t key_length, int64_t ttl_ms,
                                 larder_load_fn load, void* arg, larder_bytes** value, larder_error* error) {
  LARDER_NEED(value);
  *value = nullptr;
  LARDER_NEED(load);
  LARDER_NEED_BYTES(key, key_length);
  return InDatabase(cache, db, error, [&](const larder::Database& database) -> absl::Status {
    auto holder = std::make_unique<larder_bytes>();
    absl::StatusOr<std::string> loaded =
        database.GetOrLoad(std::string_view(key, key_length), TtlOf(ttl_ms), [&] { return Load(load, arg); });
    if (!loaded.ok()) return loaded.status();
    holder->bytes = *std::move(loaded);
    *value = holder.release();
    return absl::OkStatus();
  });
}

}  // extern "C"
