// A keyspace with a hand-set clock, and a listener that remembers what it was told.
#ifndef LARDER_TESTS_LIB_KEYSPACE_KEYSPACE_TESTING_H_
#define LARDER_TESTS_LIB_KEYSPACE_KEYSPACE_TESTING_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/clock.h>
#include "lib/base/numbers.h"
#include "lib/keyspace/keyspace.h"

namespace larder::testing {

inline std::string ValueOf(const keyspace::Entry& entry) {
  switch (entry.storage()) {
    case keyspace::Entry::Storage::kInteger: return std::to_string(entry.integer());
    case keyspace::Entry::Storage::kInline: return std::string(entry.inline_value());
    case keyspace::Entry::Storage::kBlock: return std::string(entry.block()->view());
    case keyspace::Entry::Storage::kStructure: break;
  }
  return "";
}

// Writes each effect as one line: "$set db0 key [SET key value]", a flush as "flush db0", a swap as "swap db0 db1";
// with old values asked for, " was value" or " was nothing" at the end. Further events of the effect are lines that
// follow: "gexpire db0 key".
class Recorder final : public keyspace::EffectListener {
 public:
  Recorder(keyspace::Effects& effects, uint32_t wants) : effects_(effects), wants_(wants) { effects.Add(this, wants); }
  ~Recorder() { effects_.Remove(this); }

  void OnEffect(const keyspace::Effect& effect) override {
    using keyspace::Effect;
    const std::string db = "db" + std::to_string(effect.db);
    if (effect.kind == Effect::Kind::kFlush) {
      seen_.push_back("flush " + db);
      return;
    }
    if (effect.kind == Effect::Kind::kSwap) {
      seen_.push_back("swap " + db + " db" + std::to_string(effect.other_db));
      return;
    }
    std::string line(1, static_cast<char>(effect.event_class));
    line += std::string(effect.event) + " " + db + " " + std::string(effect.key);
    if ((wants_ & keyspace::Effects::kCommands) != 0 && !effect.command.empty()) {
      line += " [";
      for (Bytes word : effect.command) line += (line.back() == '[' ? "" : " ") + std::string(word);
      line += "]";
    }
    if ((wants_ & keyspace::Effects::kOldValues) != 0) {
      line += " was " + (effect.old_value == nullptr ? "nothing" : "'" + ValueOf(*effect.old_value) + "'");
    }
    seen_.push_back(std::move(line));
    for (const keyspace::Event& event : effect.more) {
      line.assign(1, static_cast<char>(event.event_class));
      seen_.push_back(line + std::string(event.name) + " " + db + " " + std::string(effect.key));
    }
  }

  // What has been told since the last call.
  std::vector<std::string> Take() { return std::exchange(seen_, {}); }

 private:
  keyspace::Effects& effects_;
  uint32_t wants_;
  std::vector<std::string> seen_;
};

class KeyspaceTest : public ::testing::Test {
 protected:
  static keyspace::KeyspaceConfig SeededConfig() {
    keyspace::KeyspaceConfig config;
    config.seed = 12345;
    return config;
  }
  explicit KeyspaceTest(const keyspace::KeyspaceConfig& config = SeededConfig())
      : keyspace_(keyspace::Keyspace::Create(config, clock_)), db_(*keyspace_->db(0)) {
    keyspace_->BeginOp(0);
  }

  int64_t now_ms() { return clock_.NowUs() / 1000; }
  // Lets time pass, and starts an op at the new time.
  void Advance(absl::Duration by) {
    clock_.Advance(by);
    keyspace_->BeginOp(0);
  }

  keyspace::Place Find(std::string_view key) { return db_.Locate(key, keyspace::Lookup::kPeek); }
  // The value, or nullopt.
  std::optional<std::string> Value(std::string_view key) {
    const keyspace::Entry* entry = Find(key);
    if (entry == nullptr) return std::nullopt;
    return ValueOf(*entry);
  }
  // Sets by the table's own call, as SET would.
  keyspace::Entry* Put(std::string_view key, std::string_view value, int64_t expiry_ms = keyspace::kNoExpiry) {
    return PutIn(db_, key, value, expiry_ms);
  }
  keyspace::Entry* PutIn(keyspace::Db& db, std::string_view key, std::string_view value,
                         int64_t expiry_ms = keyspace::kNoExpiry) {
    const keyspace::Place existing = db.Locate(key, keyspace::Lookup::kWrite);
    auto result = db.PutString(key, existing, keyspace::StringSource::Of(Bytes(value)), expiry_ms,
                               {keyspace::EventClass::kString, "set"});
    EXPECT_TRUE(result.ok());
    return *result;
  }

  ManualClock clock_;
  std::unique_ptr<keyspace::Keyspace> keyspace_;
  keyspace::Db& db_;
};

}  // namespace larder::testing

#endif  // LARDER_TESTS_LIB_KEYSPACE_KEYSPACE_TESTING_H_
