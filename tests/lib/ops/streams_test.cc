// The stream ops with allocations of the arena refused one after another: what fails has changed nothing, and every
// byte is counted.
#include "lib/ops/streams.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/stream_groups.h"
#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Effects;
using keyspace::Entry;
using keyspace::Keyspace;
using keyspace::Lookup;
namespace streams = ops::streams;
using streams::Stream;
using streams::StreamId;
using ::testing::ElementsAre;

// Lets so many allocations of the arena's pass.
class FailAt final : public memory::Arena::Gate {
 public:
  bool Allow(size_t) override { return left == 0 ? false : (--left, true); }
  size_t left = 0;
};

class StreamsTest : public KeyspaceTest {
 protected:
  ~StreamsTest() override {
    keyspace_->FlushAll();
    Sweep();
    EXPECT_EQ(keyspace_->arena().used(), 0u);
  }
  void Sweep() {
    while (keyspace_->garbage().FreeStep()) {
    }
  }
  Result<StreamId> Add(std::string_view key, uint64_t ms, std::vector<Bytes> words, streams::Trim trim = {}) {
    base::AssertHolder();
    bool added = false;
    return streams::Add(db_, key, {streams::NewId::kGiven, {ms, 0}}, true, trim, words, &added);
  }
  void Make(std::string_view key, uint64_t entries) {
    for (uint64_t i = 1; i <= entries; ++i) ASSERT_TRUE(Add(key, i, {"field", "a value", "other", "12345"}).ok());
    if (entries == 0) return;
    const StreamId zero;
    ASSERT_TRUE(streams::CreateGroup(db_, key, "g", &zero, -1, {}).ok());
    size_t first = 0, given = 0;
    ASSERT_TRUE(streams::DeliverNew(db_, key, {"g", "c", entries / 2, false}, &first, &given).ok());
    ASSERT_TRUE(streams::DeliverNew(db_, key, {"g", "d", entries / 4, false}, &first, &given).ok());
  }
  static std::string Text(StreamId id) {
    streams::IdText text;
    return std::string(streams::FormatId(id, text));
  }
  // All that there is to say of a stream.
  std::string Read(std::string_view key) {
    const Stream stream = *streams::Open(db_, key, Lookup::kPeek);
    if (!stream.exists()) return "nothing";
    const streams::StreamRoot& root = stream.root();
    std::string all = Text(root.last_id) + " " + Text(root.max_deleted) + " " + std::to_string(root.entries_added) +
                      " " + std::to_string(stream.nodes());
    stream.ForRange(0, stream.length(), false, [&](const streams::EntryView& entry) {
      all += " " + Text(entry.id);
      entry.ForFields([&](const streams::Text& field, const streams::Text& value) {
        all += "," + std::string(field.bytes) + "=" + std::string(value.bytes);
      });
      return true;
    });
    streams::ForGroups(root, [&](Bytes name, const streams::Space& group) {
      all += "; group " + std::string(name) + " " + Text(group.info.last()) + " " + std::to_string(group.info.pending) +
             " " + std::to_string(group.info.entries_read);
      for (streams::PendingWalk walk(root, group, {}); !walk.done(); walk.Next()) {
        all += " " + Text(walk.id()) + "@" + std::string(streams::NameOf(root, walk.info().consumer)) + "x" +
               std::to_string(walk.info().deliveries);
      }
      streams::ForConsumers(root, group, [&](Bytes consumer_name, const streams::Space& consumer) {
        all += " " + std::string(consumer_name) + ":" + std::to_string(consumer.info.pending);
        streams::ForOwned(root, consumer, {}, [&](StreamId id) { return all += " " + Text(id), true; });
        return true;
      });
      return true;
    });
    return all;
  }
  void ExpectExact() {
    Sweep();
    size_t entries = 0;
    db_.ForEach([&](Entry& entry) { entries += Keyspace::BytesOf(entry); });
    EXPECT_EQ(db_.bytes(), entries);
    db_.ForEach([&](Entry& entry) {
      for (const ds::CountedTree& tree : static_cast<streams::StreamRoot*>(entry.structure())->trees) {
        ASSERT_TRUE(tree.Valid());
      }
    });
  }
};

struct Case {
  const char* name;
  std::function<Error(keyspace::Db&)> run;
};

Error AddTo(keyspace::Db& db, std::vector<Bytes> words, streams::Trim trim) {
  base::AssertHolder();
  bool added = false;
  return streams::Add(db, "s", {streams::NewId::kGiven, {1'000'000, 5}}, true, trim, words, &added).error();
}

std::vector<Case> Cases() {
  static const std::string long_text(700, 'x');
  const auto add = [](std::vector<Bytes> words, streams::Trim trim = {}) {
    return [=](keyspace::Db& db) { return AddTo(db, words, trim); };
  };
  streams::Trim to_three;
  to_three.strategy = streams::Trim::kMaxLen;
  to_three.length_max = 3;
  const auto ids = [](size_t i) { return StreamId{2 + 3 * i, 0}; };
  return {
      {"an entry", add({"field", "v", "other", "w"})},
      {"other fields", add({"fresh", "v"})},
      {"a long field and value", add({long_text, long_text})},
      {"and less", add({"field", "v", "other", "w"}, to_three)},
      {"trim", [=](keyspace::Db& db) {
         base::AssertHolder();
         return streams::TrimTo(db, "s", to_three).error();
       }},
      {"delete", [=](keyspace::Db& db) {
         base::AssertHolder();
         return streams::Delete(db, "s", 4, ids, {}).error();
       }},
      {"a group", [](keyspace::Db& db) {
         base::AssertHolder();
         return streams::CreateGroup(db, "s", long_text, nullptr, -1, {});
       }},
      {"a group goes", [](keyspace::Db& db) {
         base::AssertHolder();
         return streams::DestroyGroup(db, "s", "g", {}).error();
       }},
      {"a consumer goes", [](keyspace::Db& db) {
         base::AssertHolder();
         const Error error = streams::DeleteConsumer(db, "s", "g", "c", {}).error();
         return error == streams::kNoGroup ? kOk : error;
       }},
      {"acknowledge", [=](keyspace::Db& db) {
         base::AssertHolder();
         return streams::Acknowledge(db, "s", "g", 4, ids, {}).error();
       }},
      {"deliver", [](keyspace::Db& db) {
         base::AssertHolder();
         size_t first = 0, given = 0;
         const Error error = streams::DeliverNew(db, "s", {"g", "new one", 0, false}, &first, &given);
         return error == streams::kNoGroup ? kOk : error;
       }},
      {"deliver again", [](keyspace::Db& db) {
         base::AssertHolder();
         base::Buffer given;
         const Error error = streams::DeliverAgain(db, "s", {"g", "c", 7, false}, {}, &given);
         return error == streams::kNoGroup ? kOk : error;
       }},
      {"claim", [=](keyspace::Db& db) {
         base::AssertHolder();
         base::Buffer claimed;
         streams::Claim claim;
         claim.group = "g";
         claim.consumer = "d";
         claim.force = true;
         const Error error = streams::ClaimSome(db, "s", claim, 6, ids, {}, &claimed);
         return error == streams::kNoGroup ? kOk : error;
       }},
      {"claim what is idle", [](keyspace::Db& db) {
         base::AssertHolder();
         base::Buffer claimed, deleted;
         StreamId next;
         streams::Claim claim;
         claim.group = "g";
         claim.consumer = "another";
         const Error error = streams::ClaimIdle(db, "s", claim, {}, 20, {}, &claimed, &deleted, &next);
         return error == streams::kNoGroup ? kOk : error;
       }},
  };
}

TEST_F(StreamsTest, AFailingAllocationAtAnyPointChangesNothing) {
  // Each alone, sharing its nodes with a copy, and with somebody who wants old values.
  int failures = 0;
  for (const uint64_t entries : {0u, 3u, 40u, 400u}) {
    for (const bool shared : {false, true}) {
      for (const bool seen : {false, true}) {
        for (const Case& one : Cases()) {
          SCOPED_TRACE(::testing::Message() << one.name << ", entries " << entries << ", shared " << shared << ", seen "
                                            << seen);
          Make("s", entries);
          std::optional<Recorder> recorder;
          if (shared && entries != 0) {
            ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("s"), keyspace::kNoExpiry, {}).ok());
          }
          const std::string before = Read("s");
          if (seen) recorder.emplace(keyspace_->effects(), Effects::kOldValues);
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
            if (!done) {
              ++failures;
              ASSERT_EQ(Read("s"), before);
              EXPECT_EQ(keyspace_->effects().changes(), changes);
            }
            ExpectExact();
          }
          recorder.reset();
          if (shared && entries != 0) {
            EXPECT_EQ(Read("copy"), before);
          }
          for (const char* key : {"s", "copy"}) {
            if (keyspace::Entry* const entry = db_.Find(key, Lookup::kPeek)) db_.Delete(entry, {});
          }
          Sweep();
        }
      }
    }
  }
  EXPECT_GT(failures, 300);
}

TEST_F(StreamsTest, EffectsCarryTheIdThatWasGiven) {
  Recorder recorder(keyspace_->effects(), Effects::kCommands);
  const Bytes words[] = {"a", "b"};
  bool added = false;
  ASSERT_TRUE(streams::Add(db_, "s", {streams::NewId::kGiven, {7, 1}}, true, {}, words, &added).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("txadd db0 s [XADD s 7-1 a b]"));
  streams::Trim trim;
  trim.strategy = streams::Trim::kMaxLen;
  trim.length_max = 1;
  ASSERT_TRUE(streams::Add(db_, "s", {streams::NewId::kAutoSequence, {7, 0}}, true, trim, words, &added).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("txadd db0 s [XADD s MAXLEN = 1 7-2 a b]", "txtrim db0 s"));
}

TEST_F(StreamsTest, ASweepEndsWhatADeletedConsumerHasLeft) {
  Make("s", 4000);
  const size_t before = keyspace_->arena().used();
  ASSERT_EQ(*streams::DeleteConsumer(db_, "s", "g", "c", {}), 2000);
  EXPECT_GT(keyspace_->arena().used(), before - 1000);
  ASSERT_TRUE(db_.PutCopy("copy", Find("copy"), *Find("s"), keyspace::kNoExpiry, {}).ok());
  const std::string said = Read("s");
  Sweep();
  EXPECT_EQ(Read("s"), said);
  EXPECT_EQ(Read("copy"), said);
  const Stream stream = *streams::Open(db_, "s", Lookup::kPeek);
  EXPECT_EQ(stream.root().dead, 0u);
  EXPECT_EQ(stream.root().tree(streams::kPending).size(), 2 * 1000u);
  // The copy's dead are swept when it is changed.
  ASSERT_TRUE(Add("copy", 9999, {"a", "b"}).ok());
  ASSERT_TRUE(*streams::DestroyGroup(db_, "copy", "g", {}));
  Sweep();
  EXPECT_TRUE(streams::Open(db_, "copy", Lookup::kPeek)->root().tree(streams::kPending).empty());
  ASSERT_TRUE(Add("s", 9999, {"a", "b"}).ok());
  ExpectExact();
}

// Each is looked up in the group's list too: 128 of them take 200 us.
TEST_F(StreamsTest, AStepOfASweepTakesFewEntriesOfADeletedConsumer) {
  Make("s", 4000);
  ASSERT_EQ(*streams::DeleteConsumer(db_, "s", "g", "c", {}), 2000);
  const auto pending = [&] { return streams::Open(db_, "s", Lookup::kPeek)->root().tree(streams::kPending).size(); };
  size_t before = pending();
  ASSERT_EQ(before, 2 * 3000u);
  for (bool more = true; more;) {
    more = keyspace_->garbage().FreeStep();
    EXPECT_LE(before - pending(), 2 * 16u);
    before = pending();
  }
  EXPECT_EQ(before, 2 * 1000u);
}

}  // namespace
}  // namespace larder::testing
