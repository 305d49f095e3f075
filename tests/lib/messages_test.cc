// Messages of Statuses are for people and end in logs: a sentence without Redis's error code before it, never empty,
// and without keys and values. Every constant error, every refusal of a typed call and every command are walked.
#include <larder/cache.h>
#include <larder/session.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "lib/keyspace/errors.h"

namespace larder {
namespace {

// What must be in no message: whatever the program gave as key, value or argument has it.
constexpr std::string_view kSecret = "s3cr3t";

// The codes that Redis puts before an error's text, and we.
bool HasWirePrefix(std::string_view message) {
  for (const std::string_view code :
       {"ERR ", "OOM ", "WRONGTYPE ", "NOAUTH ", "WRONGPASS ", "NOPERM ", "NOPROTO ", "EXECABORT ", "BUSY ", "BUSYKEY ",
        "LOADING ", "NOSCRIPT ", "READONLY ", "MISCONF ", "UNKILLABLE ", "NOTBUSY ", "CROSSSLOT "}) {
    if (message.substr(0, code.size()) == code) return true;
  }
  return false;
}

void ExpectGoodMessage(const absl::Status& status, std::string_view what) {
  const std::string message(status.message());
  EXPECT_FALSE(message.empty()) << what << ": " << status;
  EXPECT_FALSE(HasWirePrefix(message)) << what << ": " << message;
  EXPECT_EQ(message.find(kSecret), std::string::npos) << what << ": " << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << what << ": " << message;
}

TEST(MessagesTest, OfEveryConstantError) {
  for (const ErrorText* error : errors::kAll) {
    const absl::Status status = internal::StatusOf(*error);
    EXPECT_EQ(status.code(), error->code);
    ExpectGoodMessage(status, error->text);
    // A refused command says the same as a refused typed call.
    const absl::StatusOr<Reply> reply = Reply::FromResp("-" + std::string(error->text) + "\r\n");
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->ToStatus(), status) << error->text;
  }
}

TEST(MessagesTest, ACodeIsTakenOffAndNothingElse) {
  EXPECT_EQ(internal::WithoutCode("ERR no such key"), "no such key");
  EXPECT_EQ(internal::WithoutCode("WRONGTYPE Operation"), "Operation");
  EXPECT_EQ(internal::WithoutCode("ERR DB index is out of range"), "DB index is out of range");
  EXPECT_EQ(internal::WithoutCode("DB index is out of range"), "DB index is out of range");
  EXPECT_EQ(internal::WithoutCode("there is no memory"), "there is no memory");
  EXPECT_EQ(internal::WithoutCode("OOM"), "OOM");
  EXPECT_EQ(internal::WithoutCode(""), "");
}

class MessagesOfCallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options;
    options.clock = std::make_shared<ManualClock>();
    options.background = Background::kTick;
    options.databases = 4;
    options.enable_debug_command = ProtectedAction::kNo;
    options.requirepass = std::string("the s3cr3t password");
    cache_ = *Cache::Open(options);
    ASSERT_TRUE(cache_->Set("s3cr3t text", "a s3cr3t value").ok());
    ASSERT_TRUE(cache_->Set("s3cr3t most", "9223372036854775807").ok());
  }

  // Each call in turn with what it refuses.
  std::vector<absl::Status> Refusals(const Database& db) {
    const std::string_view text = "s3cr3t text";
    return {
        db.Increment(text).status(),
        db.Increment("s3cr3t most").status(),
        db.IncrementFloat(text, 1).status(),
        db.IncrementFloat("s3cr3t most", 1e308 * 10).status(),
        db.SetRange(text, -1, "s3cr3t").status(),
        db.SetRange(text, int64_t{1} << 40, "s3cr3t").status(),
        db.Set(text, "s3cr3t", {.ttl = absl::ZeroDuration()}).status(),
        db.Set(text, "s3cr3t", {.expire_at = absl::UnixEpoch()}).status(),
        db.Set(text, "s3cr3t", {.ttl = absl::Seconds(1), .keep_ttl = true}).status(),
        db.Expire(text, absl::Hours(1e15)).status(),
        db.ExpireAt(text, absl::FromUnixSeconds(int64_t{1} << 60)).status(),
        db.Execute(std::span<const std::string_view>()).status(),
    };
  }

  // Every call refused as a whole: by a closed cache, inside View.
  std::vector<absl::Status> AllCalls() {
    std::vector<absl::Status> all;
    const std::string_view key = "s3cr3t text";
    all.push_back(cache_->Get(key).status());
    all.push_back(cache_->Set(key, "s3cr3t").status());
    all.push_back(cache_->View(key, [](std::optional<std::string_view>) {}));
    all.push_back(cache_->Delete({key, key}).status());
    all.push_back(cache_->Execute({"GET", key}).status());
    all.push_back(cache_->ExecuteAsync({"GET", key}, [](absl::StatusOr<Reply>) {}));
    all.push_back(
        cache_->GetOrLoad(key, absl::Seconds(1), []() -> absl::StatusOr<std::string> { return std::string(); })
            .status());
    all.push_back(cache_->Atomically([](Transaction&) {}));
    all.push_back(cache_->NewSession().status());
    all.push_back(cache_->NewConnection().status());
    all.push_back(cache_->Stats().status());
    all.push_back(cache_->Tick(absl::InfiniteFuture()).status());
    all.push_back(cache_->Db(1).status());
    return all;
  }

  std::unique_ptr<Cache> cache_;
};

TEST_F(MessagesOfCallsTest, OfEveryRefusedTypedCall) {
  for (const absl::Status& status : Refusals(*cache_)) {
    EXPECT_FALSE(status.ok());
    ExpectGoodMessage(status, "refused");
  }
  ExpectGoodMessage(cache_->Db(4).status(), "Db");
  ExpectGoodMessage(cache_->ExecuteAsync({"GET", "s3cr3t"}, nullptr), "ExecuteAsync");
  ExpectGoodMessage(cache_->ExecuteAsync(std::span<const std::string_view>(), [](absl::StatusOr<Reply>) {}), "no argv");
  ASSERT_TRUE(cache_->Atomically([&](Transaction& t) {
    for (const absl::Status& status : Refusals(t)) ExpectGoodMessage(status, "in a transaction");
    ExpectGoodMessage(t.Db(4).status(), "Transaction::Db");
  }).ok());
}

TEST_F(MessagesOfCallsTest, OfEveryCallInsideViewAndAfterClose) {
  ASSERT_TRUE(cache_->View("s3cr3t text", [&](std::optional<std::string_view>) {
    for (const absl::Status& status : AllCalls()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
      ExpectGoodMessage(status, "inside View");
    }
  }).ok());
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  for (const absl::Status& status : AllCalls()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
    ExpectGoodMessage(status, "after Close");
  }
}

// Every command and subcommand, with nothing and with up to six arguments that are not to be seen in a log.
TEST_F(MessagesOfCallsTest, OfEveryCommand) {
  const Reply commands = *cache_->Execute({"COMMAND", "LIST"});
  ASSERT_GT(commands.size(), 50u);
  size_t refused = 0;
  std::vector<std::vector<std::string>> beginnings = {{"s3cr3t"}};
  std::set<std::string> waits = {"wait"};  // in a Transaction they do not
  for (ReplyView name : commands) {
    beginnings.push_back({name.AsString()});
    const Reply info = *cache_->Execute({"COMMAND", "INFO", name.string_view()});
    for (ReplyView flag : info[0][2]) {
      if (flag.string_view() == "blocking") waits.insert(name.AsString());
    }
    for (ReplyView sub : info[0][9]) {
      std::string both = sub[0].AsString();
      const size_t bar = both.find('|');
      beginnings.push_back({both.substr(0, bar), both.substr(bar + 1)});
    }
  }
  ASSERT_GT(beginnings.size(), 90u);
  for (const std::vector<std::string>& beginning : beginnings) {
    if (beginning[0] == "shutdown" || beginning[0] == "monitor") continue;  // they end, or change, the session
    for (const char* word : {"s3cr3t", "s3cr3t text", "1"}) {
      std::vector<std::string> argv = beginning;
      for (int more = 0; more <= 6; ++more) {
        auto session = *cache_->NewSession();
        const absl::StatusOr<Reply> reply =
            !waits.contains(beginning[0])
                ? session->Execute(argv)
                : cache_->Atomically([&](Transaction& t) -> absl::StatusOr<Reply> { return t.Execute(argv); });
        if (reply.ok() && reply->is_error()) {
          ++refused;
          ExpectGoodMessage(reply->ToStatus(), reply->string_view());
          EXPECT_NE(reply->ToStatus().code(), absl::StatusCode::kUnknown);
        }
        argv.push_back(more == 3 ? "s3cr3t" : word);
      }
    }
  }
  EXPECT_GT(refused, 1000u);
}

// Redis's texts that quote an argument only when all before it is in order, so that OfEveryCommand does not meet them.
TEST_F(MessagesOfCallsTest, OfACommandWhoseErrorQuotesAnArgument) {
  ASSERT_TRUE(cache_->Execute({"XGROUP", "CREATE", "stream-s3cr3t", "there", "0", "MKSTREAM"}).ok());
  const std::vector<std::vector<std::string>> commands = {
      {"XREADGROUP", "GROUP", "s3cr3t", "me", "STREAMS", "s3cr3t", ">"},
      {"XPENDING", "s3cr3t", "s3cr3t"},
      {"XAUTOCLAIM", "s3cr3t", "s3cr3t", "me", "0", "0"},
      {"XCLAIM", "s3cr3t", "s3cr3t", "me", "0", "1-1"},
      {"XCLAIM", "stream-s3cr3t", "there", "me", "0", "1-1", "s3cr3t"},
      {"XINFO", "CONSUMERS", "stream-s3cr3t", "s3cr3t"},
      {"XGROUP", "SETID", "stream-s3cr3t", "s3cr3t", "0"},
      {"XGROUP", "CREATECONSUMER", "stream-s3cr3t", "s3cr3t", "me"},
      {"XGROUP", "DELCONSUMER", "stream-s3cr3t", "s3cr3t", "me"},
  };
  for (const std::vector<std::string>& argv : commands) {
    const Reply reply = *cache_->Execute(argv);
    ASSERT_TRUE(reply.is_error()) << argv[0] << ' ' << argv[1] << ": " << reply.DebugString();
    EXPECT_NE(reply.string_view().find(kSecret), std::string_view::npos) << reply.string_view();
    ExpectGoodMessage(reply.ToStatus(), reply.string_view());
  }
  const Reply place = *cache_->Execute({"GEOADD", "places", "181", "2", "here"});
  EXPECT_EQ(place.string_view(), "ERR invalid longitude,latitude pair 181.000000,2.000000");
  EXPECT_EQ(place.ToStatus().message(), "invalid longitude,latitude pair");
}

TEST_F(MessagesOfCallsTest, OfACommandThatIsNotLetIn) {
  auto connection = *cache_->NewConnection();
  ASSERT_TRUE(connection->Feed("GET s3cr3t\r\n").ok());
  const Reply reply = *Reply::FromResp(connection->output());
  EXPECT_EQ(reply.ToStatus().code(), absl::StatusCode::kUnauthenticated);
  ExpectGoodMessage(reply.ToStatus(), "NOAUTH");
}

}  // namespace
}  // namespace larder
