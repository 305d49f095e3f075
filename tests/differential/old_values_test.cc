// What Cache::OnEvent tells of random commands, held against what can be seen of the keys before and after each: the
// old value is the one that was there, no change goes untold, a key that is told to be gone is gone, and the names are
// those of the notifications, which events_test.cc holds against redis-server's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <larder/cache.h>
#include <larder/clock.h>
#include <larder/events.h>
#include <larder/hash.h>
#include <larder/pubsub.h>
#include <larder/sorted_set.h>
#include <larder/stream.h>
#include "tests/differential/generator.h"
#include "tests/differential/sides.h"
#include "tests/differential/value.h"

namespace differential {
namespace {

using larder::EventClass;
using larder::EventReason;
using larder::KeyType;
using larder::OldValue;

constexpr int kAllDatabases = 16;

using KeyName = std::pair<int, std::string>;  // database, key
using Values = std::map<KeyName, std::string>;

// ---- A value as one text --------------------------------------------------------------------------------------------

std::string Join(std::string_view type, std::vector<std::string> parts, bool ordered) {
  if (!ordered) std::sort(parts.begin(), parts.end());
  std::string text(type);
  for (const std::string& part : parts) text += " " + std::to_string(part.size()) + ":" + part;
  return text;
}

std::string Scored(std::string_view member, double score) {
  char digits[40];
  std::snprintf(digits, sizeof(digits), "%.17g", score);
  return std::string(member) + "=" + digits;
}

std::string OldText(const OldValue& old) {
  std::vector<std::string> parts;
  absl::Status status;
  const auto each = [&](auto elements, auto&& text) {
    for (const auto& element : elements) parts.push_back(text(element));
    status = elements.status();
  };
  switch (old.type()) {
    case KeyType::kString: parts.emplace_back(old.string()); break;
    case KeyType::kList:
    case KeyType::kSet: each(old.Elements<std::string>(), [](const std::string& element) { return element; }); break;
    case KeyType::kHash:
      each(old.Elements<larder::Hash::Entry>(),
           [](const larder::Hash::Entry& entry) { return entry.first + "=" + entry.second; });
      break;
    case KeyType::kSortedSet:
      each(old.Elements<larder::ScoredMember>(),
           [](const larder::ScoredMember& member) { return Scored(member.member, member.score); });
      break;
    case KeyType::kStream:
      each(old.Elements<larder::StreamEntry>(), [](const larder::StreamEntry& entry) {
        std::string text = std::to_string(entry.id.ms) + "-" + std::to_string(entry.id.sequence);
        for (const auto& [field, value] : entry.fields) text += " " + field + "=" + value;
        return text;
      });
      break;
  }
  EXPECT_TRUE(status.ok()) << status;
  const size_t size = old.type() == KeyType::kString ? old.string().size() : parts.size();
  EXPECT_EQ(old.size(), size);
  constexpr const char* kTypes[] = {"string", "list", "set", "zset", "hash", "stream"};
  return Join(kTypes[static_cast<int>(old.type())], parts,
              old.type() != KeyType::kSet && old.type() != KeyType::kHash);
}

std::string NowText(const larder::Database& database, const std::string& key) {
  const std::string type = database.Execute({"TYPE", key})->AsString();
  std::vector<std::string> parts;
  if (type == "string") return Join(type, {database.Execute({"GET", key})->AsString()}, true);
  if (type == "list" || type == "set") {
    const auto reply = type == "list" ? database.Execute({"LRANGE", key, "0", "-1"})
                                      : database.Execute({"SMEMBERS", key});
    for (const larder::ReplyView element : *reply) parts.push_back(element.AsString());
    return Join(type, parts, type == "list");
  }
  if (type == "hash" || type == "zset") {
    const auto reply = type == "hash" ? database.Execute({"HGETALL", key})
                                      : database.Execute({"ZRANGE", key, "0", "-1", "WITHSCORES"});
    std::vector<std::string> words;
    for (const larder::ReplyView each : *reply) {
      if (!each.is_aggregate()) words.push_back(each.AsString());
      for (const larder::ReplyView part : each) words.push_back(part.AsString());
    }
    for (size_t i = 0; i + 1 < words.size(); i += 2) {
      parts.push_back(type == "hash" ? words[i] + "=" + words[i + 1]
                                     : Scored(words[i], std::strtod(words[i + 1].c_str(), nullptr)));
    }
    return Join(type, parts, type == "zset");
  }
  const auto reply = database.Execute({"XRANGE", key, "-", "+"});
  for (const larder::ReplyView entry : *reply) {
    std::string text = entry[0].AsString();
    for (size_t i = 0; i + 1 < entry[1].size(); i += 2) {
      text += " " + entry[1][i].AsString() + "=" + entry[1][i + 1].AsString();
    }
    parts.push_back(text);
  }
  return Join(type, parts, true);
}

// ---- One cache, its listeners, and random commands ------------------------------------------------------------------

struct Told {
  EventClass event_class;
  EventReason reason;
  int db;
  int other_db;
  std::string name;
  std::string key;
  std::optional<std::string> old;
};

bool IsHyperLogLog(const std::string& text) { return text.find(":HYLL") != text.npos; }

// Commands that change no keys, and would change how the others are run.
bool IsLeftOut(const Argv& argv) {
  static const std::set<std::string> kNames = {
      "auth",   "acl",     "client",     "config",     "debug",        "failover",  "function", "hello",   "latency",
      "memory", "monitor", "psubscribe", "psync",      "punsubscribe", "quit",      "replicaof", "reset",  "save",
      "bgsave", "slaveof", "subscribe",  "ssubscribe", "shutdown",     "sync",      "wait",     "publish", "spublish"};
  return argv.empty() || kNames.contains(Lower(argv[0]));
}

class OldValuesTest : public ::testing::Test {
 protected:
  OldValuesTest() {
    EXPECT_TRUE(cache_->Execute({"CONFIG", "SET", "notify-keyspace-events", "EAn"})->is_ok());
    for (auto& link : links_) link = *cache_->NewConnection();
    events_ = *cache_->OnEvent(
        EventClass::kChanges,
        [this](const larder::Event& event) {
          std::optional<std::string> old;
          if (event.old_value != nullptr) old = OldText(*event.old_value);
          told_.push_back({event.event_class, event.reason, event.db, event.other_db, std::string(event.name),
                           std::string(event.key), old});
        },
        {.old_values = true});
    notifications_ = *cache_->Subscribe({.patterns = {"__keyevent@*"}}, [this](const larder::Message& message) {
      notified_.push_back(std::string(message.channel) + " " + std::string(message.payload));
    });
  }

  Values Look() {
    Values values;
    for (int db = 0; db < kAllDatabases; ++db) {
      const larder::Database database = *cache_->Db(db);
      const auto keys = database.Execute({"KEYS", "*"});
      for (const larder::ReplyView key : *keys) values[{db, key.AsString()}] = NowText(database, key.AsString());
    }
    return values;
  }

  void Run(int link, Argv argv) {
    for (std::string& arg : argv) {
      if (std::find(std::begin(kIdOf), std::end(kIdOf), arg) != std::end(kIdOf)) arg = "1";
    }
    std::unique_ptr<larder::RespConnection>& connection = links_[link];
    (void)connection->Feed(Encode(argv));
    const size_t replied = connection->output().size();
    connection->ConsumeOutput(replied);
    // A client that waits, or was closed, is replaced.
    if (replied == 0 || connection->closed()) connection = *cache_->NewConnection();
    Check(Printable(argv));
  }

  void Tick() { ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok()); }

  // After each command or Tick.
  void Check(const std::string& what) {
    SCOPED_TRACE(what);
    Values now = Look();
    Tick();
    CheckNames();
    std::map<KeyName, const Told*> last;
    std::set<int> moved;  // databases that were flushed or swapped
    for (const Told& told : told_) {
      if (told.event_class == EventClass::kDatabase) {
        moved.insert(told.db);
        if (told.reason == EventReason::kSwapped) moved.insert(told.other_db);
        continue;
      }
      const KeyName key(told.db, told.key);
      if (!last.contains(key) && !moved.contains(told.db)) CheckFirst(told);
      last[key] = &told;
    }
    for (const auto& [key, told] : last) {
      if (moved.contains(key.first)) continue;
      EXPECT_EQ(told->reason == EventReason::kWritten, now.contains(key)) << told->name << " " << Printable(key.second);
    }
    for (const Values* values : {&before_, &now}) {
      for (const auto& [key, value] : *values) {
        if (moved.contains(key.first) || last.contains(key)) continue;
        const auto was = before_.find(key);
        const auto is = now.find(key);
        const bool same = was != before_.end() && is != now.end() && was->second == is->second;
        if (!same && IsHyperLogLog(value)) continue;  // PFCOUNT keeps its result there, and Redis tells nobody either
        EXPECT_TRUE(same) << "nothing was told of " << Printable(key.second) << " in " << key.first;
      }
    }
    before_ = std::move(now);
    count_ += told_.size();
    told_.clear();
  }

  // The first event of a key: its old value is what was seen before.
  void CheckFirst(const Told& told) {
    const auto was = before_.find({told.db, told.key});
    const bool is_new = told.event_class == EventClass::kNew;
    EXPECT_EQ(told.old.has_value(), was != before_.end() && !is_new) << told.name << " " << Printable(told.key);
    if (!told.old.has_value() || was == before_.end()) return;
    olds_ += *told.old == was->second ? 1 : 0;
    EXPECT_EQ(Printable(*told.old), Printable(was->second)) << told.name << " " << Printable(told.key);
  }

  void CheckNames() {
    std::vector<std::string> names;
    for (const Told& told : told_) {
      if (told.event_class == EventClass::kDatabase) continue;
      names.push_back("__keyevent@" + std::to_string(told.db) + "__:" + told.name + " " + told.key);
    }
    EXPECT_EQ(names, notified_);
    notified_.clear();
  }

  std::shared_ptr<larder::ManualClock> clock_ = std::make_shared<larder::ManualClock>();
  std::unique_ptr<larder::Cache> cache_ =
      *larder::Cache::Open({.clock = clock_, .seed = 7, .background = larder::Background::kTick});
  std::unique_ptr<larder::RespConnection> links_[kLinks];
  std::vector<Told> told_;
  std::vector<std::string> notified_;
  std::optional<larder::EventSubscription> events_;
  std::optional<larder::Subscription> notifications_;
  Values before_;
  size_t count_ = 0;  // events
  size_t olds_ = 0;   // old values that were those seen before
};

TEST_F(OldValuesTest, OfChangesThatChangeNothing) {
  const Argv commands[] = {{"RPUSH", "l", "a"},
                           {"LMOVE", "l", "l", "LEFT", "RIGHT"},
                           {"RPUSH", "l", "b"},
                           {"LTRIM", "l", "0", "-1"},
                           {"LMOVE", "l", "l", "LEFT", "LEFT"}};
  for (const Argv& argv : commands) Run(0, argv);
  EXPECT_EQ(olds_, 4u) << "all but the first have one";
}

TEST_F(OldValuesTest, AreThoseThatWereThere) {
  const uint64_t seed = 20261203;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (int number = 0; number < 20 && !HasFailure(); ++number) {
    Episode episode = MakeEpisode(seed, number, 250);
    episode.password = false;
    episode.large = number % 4 == 3;
    Generator generator(episode);
    for (int i = 0; i < episode.size && !HasFailure(); ++i) {
      const Step step = generator.Next();
      SCOPED_TRACE("episode " + std::to_string(number) + ", step " + std::to_string(i));
      if (step.kind != Step::kFullScan) {
        for (const Argv& argv : step.commands) {
          if (!IsLeftOut(argv) && !HasFailure()) Run(step.link, argv);
        }
      }
      if (step.short_ttl_ms == 0) continue;
      clock_->Advance(absl::Milliseconds(step.short_ttl_ms + 4));
      if (i % 2 == 0) Tick();  // else the next command meets keys that have expired
      if (i % 2 == 0) Check("Tick");
    }
    Run(0, {"DISCARD"});
    Run(0, {"FLUSHALL"});
  }
  EXPECT_GT(count_, 1000u);
  EXPECT_GT(olds_, 150u);
}

}  // namespace
}  // namespace differential
