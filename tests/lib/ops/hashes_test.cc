// The hash ops on hashes of each form, with allocations of the arena refused one after another: what fails has changed
// nothing, and every byte is counted.
#include "lib/ops/hashes.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/keyspace/errors.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Collection;
using keyspace::Effects;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;
namespace hashes = ops::hashes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Lets so many allocations of the arena's pass.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = 0;
};

class HashesTest : public KeyspaceTest {
 protected:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  ~HashesTest() override {
    keyspace_->FlushAll();
    while (keyspace_->garbage().FreeStep()) {
    }
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }
  // A hash of so many fields, in one call.
  void Make(std::string_view key, size_t fields, size_t value_bytes = 12) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < fields; ++i) {
      texts.push_back("field" + std::to_string(i));
      texts.push_back(std::string(value_bytes, 'v'));
    }
    const std::vector<Bytes> words(texts.begin(), texts.end());
    ASSERT_EQ(*hashes::Set(db_, key, words, {}), static_cast<int64_t>(fields));
  }
  Pairs Read(std::string_view key) {
    const Collection hash = *hashes::Open(db_, key, Lookup::kPeek);
    Pairs pairs;
    hash.ForEach([&](const char* record) {
      pairs.emplace_back(hashes::FieldOf(hash, record), hashes::ValueOf(hash, record));
      return true;
    });
    return pairs;
  }
  std::string EncodingOf(std::string_view key) {
    const Entry* const entry = db_.FindUnchanged(key);
    return entry == nullptr ? "none" : entry->encoding() == Encoding::kListpack ? "listpack" : "hashtable";
  }
  void ExpectExact() {
    while (keyspace_->garbage().FreeStep()) {
    }
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
  }
};

struct Case {
  const char* name;
  std::function<Error(keyspace::Db&)> run;
};

std::vector<Case> Cases() {
  static const std::string long_text(700, 'x');
  const auto set = [](std::vector<Bytes> words) {
    return [words](keyspace::Db& db) {
      base::AssertHolder();
      return hashes::Set(db, "h", words, {}).error();
    };
  };
  const auto erase = [](std::vector<Bytes> fields) {
    return [fields](keyspace::Db& db) {
      base::AssertHolder();
      return hashes::Delete(db, "h", fields, {}).error();
    };
  };
  return {
      {"a new field", set({"fresh", "value"})},
      {"another value", set({"field1", "another value, a longer one"})},
      {"a long value", set({"field1", long_text})},
      {"a long field", set({long_text, "value"})},
      {"several", set({"field1", "a", "fresh", "b", "field2", long_text, "more", "c"})},
      {"a field goes", erase({"field1"})},
      {"several go", erase({"field1", "nothing", "field0", "field2"})},
      {"if missing", [](keyspace::Db& db) {
         base::AssertHolder();
         return hashes::SetIfMissing(db, "h", "fresh", "value").error();
       }},
      {"counts", [](keyspace::Db& db) {
         base::AssertHolder();
         return hashes::IncrementBy(db, "h", "fresh", 5).error();
       }},
      {"counts in fractions", [](keyspace::Db& db) {
         base::AssertHolder();
         ops::strings::FloatDigits digits;
         return hashes::IncrementByFloat(db, "h", "fresh", 0.5L, digits).error();
       }},
  };
}

TEST_F(HashesTest, AFailingAllocationAtAnyPointChangesNothing) {
  // Nothing, packed, packed and full, a tree in order of arrival, the last before it becomes a table, a table; each alone,
  // sharing its nodes with a copy, and with somebody who wants old values.
  int failures = 0;
  for (const size_t fields : {0u, 3u, 128u, 200u, 512u, 900u}) {
    for (const bool shared : {false, true}) {
      for (const bool seen : {false, true}) {
        for (const Case& one : Cases()) {
          SCOPED_TRACE(::testing::Message() << one.name << ", fields " << fields << ", shared " << shared << ", seen " << seen);
          std::optional<Recorder> recorder;
          if (seen) recorder.emplace(keyspace_->effects(), Effects::kOldValues);
          if (fields != 0) Make("h", fields);
          if (shared && fields != 0) {
            ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("h"), keyspace::kNoExpiry, {}).ok());
          }
          const Pairs before = Read("h");
          const std::string encoding = EncodingOf("h");
          const uint64_t changes = keyspace_->effects().changes();
          FailAt gate;
          bool done = false;
          for (size_t allowed = 0; !done; ++allowed) {
            gate.left = allowed;
            keyspace_->arena().SetGate(&gate);
            const Error error = one.run(db_);
            keyspace_->arena().SetGate(nullptr);
            done = error.ok();
            ASSERT_TRUE(done || error == errors::kAllocationFailed);
            if (done) {
              // One effect, or none if nothing was there to be done.
              EXPECT_EQ(keyspace_->effects().changes() - changes, Read("h") == before ? 0u : 1u);
            } else {
              ++failures;
              ASSERT_EQ(Read("h"), before);
              EXPECT_EQ(EncodingOf("h"), encoding);
              EXPECT_EQ(keyspace_->effects().changes(), changes);
            }
            ExpectExact();
          }
          if (shared && fields != 0) {
            EXPECT_EQ(Read("copy"), before);
          }
          for (const char* key : {"h", "copy"}) {
            if (keyspace::Entry* const entry = db_.Find(key, Lookup::kPeek)) db_.Delete(entry, {});
          }
        }
      }
    }
  }
  EXPECT_GT(failures, 500);
}

TEST_F(HashesTest, OneEffectTellsOfAChange) {
  Recorder recorder(keyspace_->effects(), Effects::kCommands);
  const Bytes two[] = {"a", "1", "b", "2"};
  const Bytes command[] = {"HSET", "h", "a", "1", "b", "2"};
  ASSERT_TRUE(hashes::Set(db_, "h", two, command).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("hhset db0 h [HSET h a 1 b 2]"));
  ASSERT_TRUE(*hashes::SetIfMissing(db_, "h", "c", "3"));
  EXPECT_THAT(recorder.Take(), ElementsAre("hhset db0 h [HSET h c 3]"));
  ASSERT_FALSE(*hashes::SetIfMissing(db_, "h", "c", "4"));
  EXPECT_THAT(recorder.Take(), IsEmpty());
  ASSERT_EQ(*hashes::IncrementBy(db_, "h", "a", 6), 7);
  EXPECT_THAT(recorder.Take(), ElementsAre("hhincrby db0 h [HINCRBY h a 6]"));
  ops::strings::FloatDigits digits;
  ASSERT_EQ(*hashes::IncrementByFloat(db_, "h", "a", 0.5L, digits), "7.5");
  EXPECT_THAT(recorder.Take(), ElementsAre("hhincrbyfloat db0 h [HSET h a 7.5]"));
  const Bytes some[] = {"a", "nothing"};
  ASSERT_EQ(*hashes::Delete(db_, "h", some, {}), 1);
  EXPECT_THAT(recorder.Take(), ElementsAre("hhdel db0 h"));
  const Bytes rest[] = {"b", "c"};
  ASSERT_EQ(*hashes::Delete(db_, "h", rest, {}), 2);
  EXPECT_THAT(recorder.Take(), ElementsAre("hhdel db0 h", "gdel db0 h"));
  EXPECT_EQ(db_.FindUnchanged("h"), nullptr);
}

}  // namespace
}  // namespace larder::testing
