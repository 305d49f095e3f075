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

TEST_F(DbEffectsTest, FlushingAllTellsOfEveryDatabaseThatWasMade) {
  PutIn(*keyspace_->db(2), "k", "v");
  Put("k", "v");
  Recorder recorder(keyspace_->effects(), Effects::kEvents);
  EXPECT_EQ(keyspace_->FlushAll(), 2u);
  EXPECT_THAT(recorder.Take(), ElementsAre("flush db0", "flush db2"));
}

}  // namespace
}  // namespace larder::testing
