#include "lib/keyspace/effects.h"

#include <string>

#include "tests/lib/keyspace/keyspace_testing.h"

namespace larder::testing {
namespace {

using keyspace::Effects;
using keyspace::EventClass;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EffectsTest, WantsAreTheUnionOfThoseThatListen) {
  Effects effects;
  EXPECT_FALSE(effects.wants(Effects::kCommands));
  {
    Recorder commands(effects, Effects::kCommands);
    Recorder old_values(effects, Effects::kOldValues);
    EXPECT_TRUE(effects.wants(Effects::kCommands));
    EXPECT_TRUE(effects.wants(Effects::kOldValues));
    EXPECT_FALSE(effects.wants(Effects::kEvents));
    effects.Remove(&commands);
    EXPECT_FALSE(effects.wants(Effects::kCommands));
    EXPECT_TRUE(effects.wants(Effects::kOldValues));
  }
  EXPECT_FALSE(effects.wants(Effects::kOldValues));
}

TEST(EffectsTest, EveryListenerHearsAndChangesAreCountedWithoutOne) {
  Effects effects;
  effects.Emit({.event = "set", .key = "a"});
  Recorder first(effects, Effects::kEvents);
  Recorder second(effects, Effects::kEvents);
  effects.Emit({.event_class = EventClass::kString, .event = "set", .key = "b"});
  EXPECT_THAT(first.Take(), ElementsAre("$set db0 b"));
  EXPECT_THAT(second.Take(), ElementsAre("$set db0 b"));
  effects.Remove(&first);
  effects.Emit({.event_class = EventClass::kString, .event = "set", .key = "c"});
  EXPECT_THAT(first.Take(), IsEmpty());
  EXPECT_THAT(second.Take(), ElementsAre("$set db0 c"));
  EXPECT_EQ(effects.changes(), 3u);
}

class DbEffectsTest : public KeyspaceTest {};

TEST_F(DbEffectsTest, AnOldValueIsThereDuringTheCall) {
  Recorder recorder(keyspace_->effects(), Effects::kOldValues);
  Put("k", "first");
  Put("k", "other");  // fits in place, but then the old value would be gone
  Put("k", "7");
  Put("k", std::string(2000, 'x'));
  Put("k", "8");
  EXPECT_THAT(recorder.Take(),
              ElementsAre("$set db0 k was nothing", "$set db0 k was 'first'", "$set db0 k was 'other'",
                          "$set db0 k was '7'", "$set db0 k was '" + std::string(2000, 'x') + "'"));
}

TEST_F(DbEffectsTest, ANamelessChangeEmitsNothing) {
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  ASSERT_TRUE(db_.PutString("k", Find("k"), keyspace::StringSource::Of(Bytes("v")), keyspace::kNoExpiry, {}).ok());
  db_.Delete(Find("k"), {});
  EXPECT_THAT(recorder.Take(), IsEmpty());
}

// What else an effect says of itself, as "event origin group new", and "end group" when a group is complete.
class Teller final : public keyspace::EffectListener {
 public:
  Teller(Effects& effects, const void* client) : effects_(effects), client_(client) {
    effects.Add(this, Effects::kEvents | Effects::kGroups);
  }
  ~Teller() { effects_.Remove(this); }
  void OnEffect(const keyspace::Effect& effect) override {
    std::string line(effect.event);
    line += effect.origin == client_ ? " client" : effect.origin == nullptr ? "" : " stranger";
    if (effect.group != 0) line += " of " + std::to_string(effect.group);
    if (effect.is_new) line += " new";
    seen_.push_back(line);
  }
  void OnGroupEnd(uint64_t group) override { seen_.push_back("end " + std::to_string(group)); }
  std::vector<std::string> Take() { return std::exchange(seen_, {}); }

 private:
  Effects& effects_;
  const void* client_;
  std::vector<std::string> seen_;
};

TEST_F(DbEffectsTest, AnEffectSaysWhoseItIsAndWhetherTheKeyIsNew) {
  const int client = 0;
  Teller teller(keyspace_->effects(), &client);
  keyspace_->BeginOp(0, &client);
  Put("k", "v");
  Put("k", "w");
  Put("k", std::string(300, 'x'));
  keyspace_->BeginTypedOp();
  db_.Delete(Find("k"), {EventClass::kGeneric, "del"});
  Put("k", "again");
  EXPECT_THAT(teller.Take(), ElementsAre("set client new", "set client", "set client", "del", "set new"));
}

TEST_F(DbEffectsTest, WhatOneOpDoesToSeveralKeysIsOneGroup) {
  Put("from", "v");
  Put("to", "w");
  const int nobody = 0;
  Teller teller(keyspace_->effects(), &nobody);
  constexpr keyspace::Change kGone{EventClass::kGeneric, "rename_from"};
  constexpr keyspace::Change kCame{EventClass::kGeneric, "rename_to"};
  ASSERT_TRUE(db_.PutMoved("to", Find("to"), db_, Find("from"), kGone, kCame).ok());
  EXPECT_THAT(teller.Take(), ElementsAre("rename_from of 1", "rename_to of 1", "end 1"));
  ASSERT_TRUE(db_.PutMoved("back", Find("back"), db_, Find("to"), kGone, kCame).ok());
  EXPECT_THAT(teller.Take(), ElementsAre("rename_from of 2", "rename_to of 2 new", "end 2"));

  const std::pair<Bytes, Bytes> pairs[] = {{"a", "1"}, {"back", "2"}, {"a", "3"}};
  ASSERT_TRUE(db_.PutStrings(3, [&](size_t i) { return pairs[i]; }, "set").ok());
  EXPECT_THAT(teller.Take(), ElementsAre("set of 3 new", "set of 3", "set of 3", "end 3"));

  // A group within a group is a part of it.
  {
    const Effects::Group group(keyspace_->effects());
    Put("a", "4");
    ASSERT_TRUE(db_.PutMoved("b", Find("b"), db_, Find("a"), kGone, kCame).ok());
  }
  EXPECT_THAT(teller.Take(), ElementsAre("set of 4", "rename_from of 4", "rename_to of 4 new", "end 4"));
  Put("a", "5");
  EXPECT_THAT(teller.Take(), ElementsAre("set new")) << "alone";
}

TEST_F(DbEffectsTest, AnEffectMayHaveThreeEvents) {
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  constexpr keyspace::Event kMore[] = {{EventClass::kGeneric, "expire"}, {EventClass::kList, "third"}};
  const uint64_t changes = keyspace_->effects().changes();
  ASSERT_TRUE(db_.PutString("k", Find("k"), keyspace::StringSource::Of(Bytes("v")), now_ms() + 100,
                            {EventClass::kString, "set", {}, kMore}).ok());
  EXPECT_THAT(recorder.Take(), ElementsAre("$set db0 k", "gexpire db0 k", "lthird db0 k"));
  EXPECT_EQ(keyspace_->effects().changes(), changes + 1) << "one effect";
}

TEST_F(DbEffectsTest, FlushingAllTellsOfEveryDatabaseThatWasMade) {
  PutIn(*keyspace_->db(2), "k", "v");
  Put("k", "v");
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  EXPECT_EQ(keyspace_->FlushAll(), 2u);
  EXPECT_THAT(recorder.Take(), ElementsAre("flush db0", "flush db2"));
}

}  // namespace
}  // namespace larder::testing
