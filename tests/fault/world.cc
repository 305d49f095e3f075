#include "tests/fault/world.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "gtest/gtest.h"

namespace larder::testing {
namespace {

constexpr int kDatabases = 3;

std::string StateOf(Cache& cache, int db, std::string_view key) {
  absl::StatusOr<Database> database = cache.Db(db);
  if (!database.ok()) return database.status().ToString();
  const auto type = database->Execute({"TYPE", key});
  const std::string kind = type.ok() ? type->AsString() : "";
  const auto value = kind == "hash"   ? database->Execute({"HGETALL", key})
                     : kind == "list" ? database->Execute({"LRANGE", key, "0", "-1"})
                     : kind == "set"  ? database->Execute({"SMEMBERS", key})
                     : kind == "zset" ? database->Execute({"ZRANGE", key, "0", "-1", "WITHSCORES"})
                     : kind == "stream" ? database->Execute({"XINFO", "STREAM", key, "FULL"})
                                        : database->Execute({"GET", key});
  const auto ttl = database->Execute({"PTTL", key});
  if (!type.ok() || !value.ok() || !ttl.ok()) return "unreadable";
  // An error would be the same one before and after, whatever had become of the value.
  EXPECT_FALSE(value->is_error()) << "StateOf does not know how to read a value of type " << type->AsString();
  return type->AsString() + " " + (value->is_aggregate() ? value->DebugString() : value->AsString()) + ", ttl " +
         ttl->AsString();
}

void LookAtKeys(Cache& cache, int db, Snapshot* to) {
  absl::StatusOr<Database> database = cache.Db(db);
  ASSERT_TRUE(database.ok()) << database.status();
  ScanRange keys = database->Scan();
  for (const std::string& key : keys) (*to)["key " + std::to_string(db) + " " + key] = StateOf(cache, db, key);
  ASSERT_TRUE(keys.status().ok()) << keys.status();
}

void LookAtStats(Cache& cache, Snapshot* to) {
  const absl::StatusOr<Stats> stats = cache.Stats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  const auto add = [&](const char* name, uint64_t value) {
    (*to)[std::string("stats ") + name] = std::to_string(value);
  };
  add("keys", stats->keys);
  add("expires", stats->expires);
  add("used_memory", stats->used_memory);
  add("used_memory_arena", stats->used_memory_arena);
  add("used_memory_blocks", stats->used_memory_blocks);
  add("used_memory_clients", stats->used_memory_clients);
  add("arena_blocks", stats->arena_blocks);
  add("value_blocks", stats->value_blocks);
  add("connected_clients", stats->connected_clients);
  add("watched_keys", stats->watched_keys);
}

void LookAtConfig(Cache& cache, Snapshot* to) {
  const absl::StatusOr<Reply> config = cache.Execute({"CONFIG", "GET", "*"});
  ASSERT_TRUE(config.ok()) << config.status();
  for (size_t i = 0; i + 1 < config->size(); i += 2) {
    (*to)["config " + (*config)[i].AsString()] = (*config)[i + 1].AsString();
  }
}

std::string Shortened(const std::string& text) {
  return text.size() <= 80 ? text : text.substr(0, 60) + "... (" + std::to_string(text.size()) + " bytes)";
}

// What differs, in words; "" if nothing does.
std::string Difference(const Snapshot& wanted, const Snapshot& found) {
  std::string text;
  for (const auto& [name, value] : wanted) {
    const auto other = found.find(name);
    if (other == found.end()) text += "  " + name + " is gone\n";
    else if (other->second != value) {
      text += "  " + name + " is " + Shortened(other->second) + " and not " + Shortened(value) + "\n";
    }
  }
  for (const auto& [name, value] : found) {
    if (wanted.find(name) == wanted.end()) text += "  " + name + " is new: " + Shortened(value) + "\n";
  }
  return text;
}

// What one run came to.
struct Run {
  Outcome outcome;
  Snapshot after;
  bool threw = false;  // the rest is unknown then
  size_t refused = 0;
};

constexpr size_t kNever = SIZE_MAX;

// How many allocations a quick test fails each; of those that follow, only some.
constexpr size_t kQuickEach = 24;

// What there is to see when the call has been prepared, and never made.
Snapshot Before(const Case& test_case) {
  World world(test_case.options);
  (void)world.Look(test_case.config);
  {
    const Attempt attempt = test_case.prepare(world);
  }
  return world.Look(test_case.config);
}

Run RunOnce(const Case& test_case, size_t n, Faults::Mode mode) {
  Run result;
  World world(test_case.options);
  (void)world.Look(test_case.config);  // which uses the keys: each run has as many uses of each
  {
    Attempt attempt = test_case.prepare(world);
    Faults::Arm(n, mode);
    try {
      attempt.run();
    } catch (const std::bad_alloc&) {
      result.threw = true;
    }
    result.refused = Faults::Disarm();
    if (result.threw) {
      // It may have left the executor held, where everything else would wait for ever.
      (void)new Attempt(std::move(attempt));
      world.Abandon();
      return result;
    }
    result.outcome = attempt.describe();
  }
  result.after = world.Look(test_case.config);
  world.CheckThatItWorks();
  return result;
}

// The snapshot after only those parts of an EXEC.
Snapshot AfterParts(const Case& test_case, const std::vector<bool>& parts) {
  World world(test_case.options);
  {
    Attempt attempt = test_case.only_parts(world, parts);
    attempt.run();
  }
  return world.Look(test_case.config);
}

// Whether each key is as before or as done: an EXEC whose reply is lost, of which some commands refused themselves.
bool EachIsOneOf(const Snapshot& before, const Snapshot& done, const Snapshot& after) {
  const auto same = [](const Snapshot& a, const Snapshot& b, const std::string& name) {
    const auto in_a = a.find(name);
    const auto in_b = b.find(name);
    return in_a == a.end() ? in_b == b.end() : in_b != b.end() && in_a->second == in_b->second;
  };
  for (const Snapshot* names : {&before, &done, &after}) {
    for (const auto& [name, value] : *names) {
      if (name.starts_with("key ") && !same(after, before, name) && !same(after, done, name)) return false;
    }
  }
  return true;
}

// Without what an empty database or an empty table takes.
Snapshot WithoutArena(Snapshot snapshot) {
  for (const char* name : {"used_memory", "used_memory_arena", "arena_blocks"}) {
    snapshot.erase(std::string("stats ") + name);
  }
  return snapshot;
}

// "" if the run ended as it may.
std::string Judge(const Case& test_case, const Run& run, const Run& clean, const Snapshot& before) {
  if (run.threw) return "std::bad_alloc was thrown\n";
  std::string from_before = Difference(before, run.after);
  const std::string from_done = Difference(clean.after, run.after);
  if (test_case.keeps_room && Difference(WithoutArena(before), WithoutArena(run.after)).empty()) from_before.clear();
  switch (run.outcome.kind) {
    case Outcome::kDone:
      if (!run.outcome.parts.empty()) {
        const std::string wrong = Difference(AfterParts(test_case, run.outcome.parts), run.after);
        return wrong.empty() ? "" : "parts of EXEC were done, but:\n" + wrong;
      }
      if (!test_case.varies && run.outcome.text != clean.outcome.text) {
        return "the result is " + Shortened(run.outcome.text) + " and not " + Shortened(clean.outcome.text) + "\n";
      }
      return from_done.empty() ? "" : "it was done, but:\n" + from_done;
    case Outcome::kRefused:
      return from_before.empty() ? "" : "it was refused (" + Shortened(run.outcome.text) + "), but:\n" + from_before;
    case Outcome::kLost:
      if (from_before.empty() || from_done.empty()) return "";
      if (test_case.only_parts != nullptr && EachIsOneOf(before, clean.after, run.after)) return "";
      return "lost, and neither as before:\n" + from_before + "nor as done:\n" + from_done;
  }
  return "";
}

}  // namespace

World::World(const std::function<void(Options&)>& change) : clock_(std::make_shared<ManualClock>()) {
  Options options;
  options.clock = clock_;
  options.seed = 20261126;
  options.background = Background::kTick;
  options.enable_debug_command = ProtectedAction::kYes;
  options.enable_protected_configs = ProtectedAction::kYes;
  if (change != nullptr) change(options);
  auto cache = Cache::Open(options);
  EXPECT_TRUE(cache.ok()) << cache.status();
  if (!cache.ok()) return;
  cache_ = *std::move(cache);
  const auto set = [&](int db, std::string_view key, std::string_view value, absl::Duration ttl) {
    SetOptions how;
    if (ttl != absl::InfiniteDuration()) how.ttl = ttl;
    const auto done = cache_->Db(db)->Set(key, value, how);
    ASSERT_TRUE(done.ok()) << done.status();
  };
  set(0, "short", "hello", absl::InfiniteDuration());
  set(0, "number", "42", absl::InfiniteDuration());
  set(0, "medium", ValueOf(700), absl::InfiniteDuration());
  set(0, "large", ValueOf(3000), absl::InfiniteDuration());
  set(0, "huge", ValueOf(40'000), absl::InfiniteDuration());
  set(0, "ttl", "soon gone", absl::Seconds(100));
  set(0, "ttl-large", ValueOf(2000), absl::Seconds(1000));
  set(1, "other", "in db 1", absl::InfiniteDuration());
  set(2, "number", "7", absl::InfiniteDuration());
}

World::~World() {
  if (cache_ == nullptr) return;
  const absl::Status status = cache_->Close(absl::InfiniteFuture());
  EXPECT_TRUE(status.ok()) << status;
}

void World::Abandon() { (void)cache_.release(); }

const std::string& World::ValueOf(size_t bytes) {
  static std::map<size_t, std::string> made;
  std::string& value = made[bytes];
  for (size_t i = value.size(); i < bytes; ++i) value += static_cast<char>('a' + (i * 7 + i / 26) % 26);
  return value;
}

Snapshot World::Look(bool config) {
  Snapshot snapshot;
  LookAtStats(*cache_, &snapshot);
  for (int db = 0; db < kDatabases; ++db) LookAtKeys(*cache_, db, &snapshot);
  if (config) LookAtConfig(*cache_, &snapshot);
  return snapshot;
}

void World::CheckThatItWorks() {
  const auto set = cache_->Set("probe", ValueOf(5000));
  EXPECT_TRUE(set.ok() && *set) << set.status();
  const auto got = cache_->Get("probe");
  EXPECT_TRUE(got.ok() && *got == ValueOf(5000)) << got.status();
  const auto deleted = cache_->Execute({"DEL", "probe"});
  EXPECT_TRUE(deleted.ok() && deleted->integer() == 1) << deleted.status();
  const auto tick = cache_->Tick(absl::InfinitePast());
  EXPECT_TRUE(tick.ok()) << tick.status();
}

Outcome OutcomeOf(const absl::Status& status) {
  const std::string text = absl::StatusCodeToString(status.code());  // a message is a luxury
  if (status.ok()) return {Outcome::kDone, text};
  if (status.code() == absl::StatusCode::kResourceExhausted) return {Outcome::kRefused, text};
  if (status.code() == absl::StatusCode::kDataLoss) return {Outcome::kLost, text};
  return {Outcome::kDone, text};  // an error that a run without failures has too, or else a wrong one
}

Outcome OutcomeOf(const absl::StatusOr<Reply>& reply) {
  if (!reply.ok()) return OutcomeOf(reply.status());
  const auto out_of_memory = [](const ReplyView& one) { return one.is_error() && one.error_code() == "OOM"; };
  if (out_of_memory(*reply)) return {Outcome::kRefused, reply->DebugString()};
  Outcome outcome{Outcome::kDone, reply->DebugString()};
  if (reply->type() == ReplyView::Type::kArray &&
      std::any_of(reply->begin(), reply->end(), out_of_memory)) {
    for (ReplyView part : *reply) outcome.parts.push_back(!out_of_memory(part));
  }
  return outcome;
}

size_t FailEach(const Case& test_case, Modes modes) {
  SCOPED_TRACE(test_case.name);
  const Snapshot before = Before(test_case);
  const Run clean = RunOnce(test_case, kNever, Faults::Mode::kOnce);
  size_t most = 0;
  for (const Faults::Mode mode : {Faults::Mode::kFromOn, Faults::Mode::kOnce}) {
    if (mode == Faults::Mode::kOnce && modes == Modes::kFromOnOnly) break;
    for (size_t n = 0;; ++n) {
      const Faults::Live live = Faults::live();
      std::string wrong;
      bool failed_none = false;
      {
        const Run run = RunOnce(test_case, n, mode);
        if (::testing::Test::HasFatalFailure()) return most;
        wrong = Judge(test_case, run, clean, before);
        failed_none = run.refused == 0;
      }
      const std::string_view how = mode == Faults::Mode::kOnce ? " alone" : " and all later ones";
      if (wrong.empty()) {
        const Faults::Live now = Faults::live();
        EXPECT_EQ(now.blocks, live.blocks) << test_case.name << ", allocation " << n << how << ": leaked";
        EXPECT_EQ(now.mapped_bytes, live.mapped_bytes)
            << test_case.name << ", allocation " << n << how << ": mapped memory leaked";
        if (now.blocks != live.blocks || now.mapped_bytes != live.mapped_bytes) return most;
      } else {
        ADD_FAILURE() << test_case.name << ", allocation " << n << how << ": " << wrong;
        return most;  // one report a case is enough
      }
      if (failed_none) {
        most = std::max(most, n);
        break;
      }
      if (modes == Modes::kFromOnOnly && n >= kQuickEach) n += n / 4;
    }
  }
  return most;
}

}  // namespace larder::testing
