// What a transaction changes is one group of effects, whether it is MULTI's or Atomically's.
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/session.h>
#include "lib/core/core.h"
#include "lib/engine/engine.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/keyspace.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;

// "key of group", with groups counted from 1, 0 for none; "end group".
class Recorder final : public keyspace::EffectListener {
 public:
  void OnEffect(const keyspace::Effect& effect) override {
    seen_.push_back(std::string(effect.key) + " of " + std::to_string(Named(effect.group)));
  }
  void OnGroupEnd(uint64_t group) override { seen_.push_back("end " + std::to_string(Named(group))); }
  std::vector<std::string> TakeSeen() { return std::exchange(seen_, {}); }

 private:
  size_t Named(uint64_t group) {
    if (group == 0) return 0;
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i] == group) return i + 1;
    }
    groups_.push_back(group);
    return groups_.size();
  }

  std::vector<uint64_t> groups_;
  std::vector<std::string> seen_;
};

class EffectGroupsTest : public ::testing::Test {
 protected:
  EffectGroupsTest() {
    Options options;
    options.background = Background::kTick;
    cache_ = *Cache::Open(options);
    EXPECT_TRUE(cache_->core().Run([&] { effects().Add(&recorder_, keyspace::Effects::kGroups); }).ok());
  }
  ~EffectGroupsTest() override {
    EXPECT_TRUE(cache_->core().Run([&] { effects().Remove(&recorder_); }).ok());
  }
  keyspace::Effects& effects() { return cache_->core().engine().keyspace().effects(); }

  std::unique_ptr<Cache> cache_;
  Recorder recorder_;
};

TEST_F(EffectGroupsTest, WhatIsOneChangeHasNone) {
  ASSERT_TRUE(cache_->Set("a", "1").ok());
  EXPECT_EQ(cache_->Execute({"SET", "b", "2"})->string_view(), "OK");
  EXPECT_THAT(recorder_.TakeSeen(), ElementsAre("a of 0", "b of 0"));
}

TEST_F(EffectGroupsTest, AllOfExecIsOne) {
  const std::unique_ptr<Session> session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"MULTI"}).ok());
  ASSERT_TRUE(session->Execute({"SET", "a", "1"}).ok());
  ASSERT_TRUE(session->Execute({"GET", "a"}).ok());
  ASSERT_TRUE(session->Execute({"MSET", "b", "2", "c", "3"}).ok());
  EXPECT_THAT(recorder_.TakeSeen(), ElementsAre());
  ASSERT_TRUE(session->Execute({"EXEC"}).ok());
  EXPECT_THAT(recorder_.TakeSeen(), ElementsAre("a of 1", "b of 1", "c of 1", "end 1"));
  ASSERT_TRUE(session->Execute({"SET", "a", "4"}).ok());
  EXPECT_THAT(recorder_.TakeSeen(), ElementsAre("a of 0"));
}

TEST_F(EffectGroupsTest, AllOfAtomicallyIsOne) {
  ASSERT_TRUE(cache_
                  ->Atomically([](Transaction& t) {
                    EXPECT_TRUE(t.Set("a", "1").ok());
                    EXPECT_TRUE(t.Delete("a").ok());
                    EXPECT_TRUE(t.Execute({"SET", "b", "2"}).ok());
                  })
                  .ok());
  EXPECT_THAT(recorder_.TakeSeen(), ElementsAre("a of 1", "a of 1", "b of 1", "end 1"));
  ASSERT_TRUE(cache_->Set("a", "1").ok());
  EXPECT_THAT(recorder_.TakeSeen(), ElementsAre("a of 0"));
}

}  // namespace
}  // namespace larder::testing
