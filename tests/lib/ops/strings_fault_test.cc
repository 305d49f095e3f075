// Every op, with every one of its allocations failing: the error says so and nothing has changed.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/keyspace/errors.h"
#include "lib/ops/lcs.h"
#include "lib/ops/strings.h"
#include "tests/lib/keyspace/keyspace_testing.h"
#include "tests/lib/ops/malloc_faults.h"

namespace larder::testing {
namespace {

using keyspace::Encoding;
using keyspace::kNoExpiry;
using keyspace::Lookup;
using keyspace::StringSource;
using ops::strings::SetOptions;

// What of a database can be seen, and what it weighs.
struct Picture {
  std::map<std::string, std::tuple<std::string, Encoding, int64_t>> keys;
  size_t expiring = 0;
  size_t blocks = 0;
  uint64_t changes = 0;
  bool operator==(const Picture&) const = default;
};

// The arena's blocks fail as malloc's do, and count against the same limit.
class ArenaFaults final : public memory::Arena::Gate {
 public:
  explicit ArenaFaults(const memory::Arena& arena) : arena_(arena) {}
  bool Allow(size_t bytes) override {
    const size_t grown = arena_.used() > used_before_ ? arena_.used() - used_before_ : 0;
    return !MallocFaults::Refuse(bytes + grown);
  }
  void CountFromHere() { used_before_ = arena_.used(); }

 private:
  const memory::Arena& arena_;
  size_t used_before_ = 0;
};

class StringFaultTest : public KeyspaceTest {
 protected:
  using Op = std::function<Error()>;

  StringFaultTest() {
    Put("number", "12", now_ms() + 100000);
    Put("text", "some text", now_ms() + 100000);
    Put("plain", "plain");
    Put("large", std::string(5000, 'x'));
    keyspace_->arena().SetGate(&gate_);
  }
  ~StringFaultTest() override {
    MallocFaults::Off();
    keyspace_->arena().SetGate(nullptr);
  }

  Picture Look() {
    Picture picture;
    db_.ForEach([&](keyspace::Entry& entry) {
      picture.keys[std::string(entry.key())] = {ValueOf(entry), entry.encoding(), entry.expiry_ms()};
    });
    picture.expiring = db_.expiring();
    picture.blocks = keyspace_->blocks().blocks();
    picture.changes = keyspace_->effects().changes();
    return picture;
  }

  // Runs `op` with its 1st, 2nd... allocation failing, until it needs no more; it must then succeed.
  void ExpectAllOrNothing(const Op& op) {
    for (size_t n = 0; n < 100; ++n) {
      const Picture before = Look();
      MallocFaults::FailOnly(n);
      const Error error = op();
      const size_t failed = MallocFaults::Off();
      if (failed == 0 || error.ok()) {  // a table that cannot grow is no error
        EXPECT_TRUE(error.ok());
        if (failed == 0) {
          EXPECT_NE(Look(), before) << "the op did nothing";
          return;
        }
      } else {
        EXPECT_EQ(error, errors::kAllocationFailed) << "allocation " << n;
        EXPECT_EQ(Look(), before) << "allocation " << n;
      }
    }
    FAIL() << "it never came to an end";
  }

  Error Set(std::string_view key, std::string_view value, const SetOptions& options = {}) {
    return ops::strings::Set(db_, key, db_.Locate(key, Lookup::kWrite), StringSource::Of(Bytes(value)), options)
        .error();
  }

  ArenaFaults gate_{keyspace_->arena()};
  const std::string large_ = std::string(3000, 'y');
};

TEST_F(StringFaultTest, SetOfANewKey) {
  int made = 0;  // an attempt that got through in spite of the failure has made its key
  ExpectAllOrNothing([&] { return Set("new" + std::to_string(made++), "value"); });
  ExpectAllOrNothing([&] { return Set("new" + std::to_string(made++), large_); });
  ExpectAllOrNothing([&] { return Set("new" + std::to_string(made++), "v", {.expiry_ms = now_ms() + 10}); });
}

TEST_F(StringFaultTest, SetOverAnotherValue) {
  ExpectAllOrNothing([&] { return Set("plain", std::string(500, 'z')); });
  ExpectAllOrNothing([&] { return Set("plain", large_); });
  ExpectAllOrNothing([&] { return Set("large", "12", {.expiry_ms = now_ms() + 10}); });
  ExpectAllOrNothing([&] { return Set("text", large_, {.keep_ttl = true}); });
  ExpectAllOrNothing([&] { return Set("number", "without an expiry"); });
}

TEST_F(StringFaultTest, SetIntoAnEmptyDatabase) {
  db_.Flush();
  ExpectAllOrNothing([&] { return Set("k", "v"); });
}

TEST_F(StringFaultTest, TheTableGrows) {
  int made = 0;
  for (int i = 0; i < 150; ++i) {
    ExpectAllOrNothing([&] { return Set("e" + std::to_string(made++), "v", {.expiry_ms = now_ms() + 10}); });
  }
}

TEST_F(StringFaultTest, Append) {
  ExpectAllOrNothing([&] { return ops::strings::Append(db_, "text", "more").error(); });
  ExpectAllOrNothing([&] { return ops::strings::Append(db_, "text", large_).error(); });
  ExpectAllOrNothing([&] { return ops::strings::Append(db_, "large", large_).error(); });
  ExpectAllOrNothing([&] { return ops::strings::Append(db_, "number", "0").error(); });
  ExpectAllOrNothing([&] { return ops::strings::Append(db_, "new", large_).error(); });
}

TEST_F(StringFaultTest, SetRange) {
  ExpectAllOrNothing([&] { return ops::strings::SetRange(db_, "text", 2, "xx").error(); });
  ExpectAllOrNothing([&] { return ops::strings::SetRange(db_, "large", 10000, "xx").error(); });
  ExpectAllOrNothing([&] { return ops::strings::SetRange(db_, "new", 2000, "xx").error(); });
}

TEST_F(StringFaultTest, Increments) {
  ops::strings::FloatDigits digits;
  ExpectAllOrNothing([&] { return ops::strings::IncrementBy(db_, "new", 1).error(); });
  ExpectAllOrNothing([&] { return ops::strings::IncrementBy(db_, "number", 1).error(); });
  ExpectAllOrNothing([&] { return ops::strings::IncrementByFloat(db_, "number", 0.5L, digits).error(); });
  ExpectAllOrNothing([&] { return ops::strings::IncrementByFloat(db_, "number", 1e4000L, digits).error(); });
}

// With a limit on memory, rather than one unlucky allocation: all of the keys or none.
TEST_F(StringFaultTest, SetManyWithinALimitIsAllOrNothing) {
  const std::string middle(700, 'm');
  const Bytes pairs[] = {"a", "1", "plain", large_, "b", middle, "c", large_, "number", middle, "d", "4", "e", middle};
  for (const bool if_none : {false, true}) {
    bool succeeded = false;
    for (size_t limit = 0; limit < 40000 && !succeeded; limit += 24) {
      if (if_none) {
        for (const char* key : {"plain", "number"}) {
          if (Find(key) != nullptr) db_.Delete(Find(key), {});
        }
      }
      const Picture before = Look();
      gate_.CountFromHere();
      MallocFaults::Limit(limit);
      const auto set = ops::strings::SetMany(db_, pairs, if_none);
      MallocFaults::Off();
      succeeded = set.ok();
      if (!succeeded) {
        ASSERT_EQ(set.error(), errors::kAllocationFailed);
        ASSERT_EQ(Look(), before) << "limit " << limit;
      }
    }
    ASSERT_TRUE(succeeded);
    EXPECT_EQ(Value("c"), large_);
    EXPECT_EQ(Value("e"), middle);
    for (size_t i = 0; i < std::size(pairs); i += 2) db_.Delete(Find(pairs[i]), {});
  }
}

TEST_F(StringFaultTest, Lcs) {
  const std::string text(500, 'x');
  for (size_t n = 0; n < 2; ++n) {
    ops::Lcs lcs;
    MallocFaults::FailFrom(n);
    const Error error = lcs.Compute(text, text, 1 << 30, false);
    MallocFaults::Off();
    EXPECT_EQ(error, errors::kAllocationFailed);
  }
}

}  // namespace
}  // namespace larder::testing
