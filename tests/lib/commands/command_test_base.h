// The fixture of command tests: every case runs by direct call, over RESP2 and over RESP3.
//
//   class GetRangeTest : public CommandTest {};
//   LARDER_COMMAND_TEST(GetRangeTest);
//
//   TEST_P(GetRangeTest, NegativeOffsetsCountFromTheEnd) {
//     Run({"SET", "k", "lighthouse"});
//     EXPECT_THAT(Run({"GETRANGE", "k", "-5", "-1"}), IsBulk("house"));
//   }
//
// A cache of its own for each case, in memory, with a clock that stands still until Advance and a fixed seed. Over RESP
// each request arrives in two pieces, cut at another byte each time, and must be answered by exactly one reply.
#ifndef LARDER_TESTS_LIB_COMMANDS_COMMAND_TEST_BASE_H_
#define LARDER_TESTS_LIB_COMMANDS_COMMAND_TEST_BASE_H_

#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/clock.h>
#include <larder/reply.h>
#include <larder/session.h>

namespace larder {

// gtest prints replies as redis-cli does.
inline namespace v0 {
void PrintTo(const ReplyView& reply, std::ostream* os);
void PrintTo(const Reply& reply, std::ostream* os);
}  // namespace v0

namespace testing {

// How a case reaches the cache.
enum class Via { kDirect, kResp2, kResp3 };
std::string NameOf(Via via);

// One client of a cache, by any of the ways.
class TestClient {
 public:
  TestClient(Cache& cache, Via via);

  // Runs a command, any reply to which is fine: an error reply too.
  Reply Run(std::span<const std::string_view> argv);
  Reply Run(std::initializer_list<std::string_view> argv) {
    return Run(std::span<const std::string_view>(argv.begin(), argv.size()));
  }
  Reply Run(const std::vector<std::string>& argv) {
    return Run(std::vector<std::string_view>(argv.begin(), argv.end()));
  }

  // The client's RESP connection, for cases about bytes. REQUIRES: not kDirect.
  RespConnection& connection() { return *connection_; }
  // What its connection has for it by now.
  std::string Take() {
    const std::string output(connection_->output());
    connection_->ConsumeOutput(output.size());
    return output;
  }
  // The same, after these bytes.
  std::string Send(std::string_view bytes) {
    EXPECT_TRUE(connection_->Feed(bytes).ok());
    return Take();
  }
  // The direct session. REQUIRES: kDirect.
  Session& session() { return *session_; }
  // Whether QUIT or the like has ended it. Always false for kDirect.
  bool closed() const { return connection_ != nullptr && connection_->closed(); }

 private:
  Reply RunOverResp(std::span<const std::string_view> argv);

  std::unique_ptr<Session> session_;
  std::unique_ptr<RespConnection> connection_;
  size_t requests_ = 0;
};

// A request as clients send it: an array of bulks.
std::string EncodeRequest(std::span<const std::string_view> argv);

class CommandTest : public ::testing::TestWithParam<Via> {
 protected:
  // `change` may change the options before the cache is opened.
  explicit CommandTest(const std::function<void(Options&)>& change = nullptr);
  ~CommandTest() override;

  template <class Argv>
  Reply Run(const Argv& argv) {
    return client_->Run(argv);
  }
  Reply Run(std::initializer_list<std::string_view> argv) { return client_->Run(argv); }

  // Lets time pass.
  void Advance(absl::Duration by) { clock_->Advance(by); }
  int64_t now_ms() const { return clock_->NowUs() / 1000; }
  ManualClock& clock() { return *clock_; }

  Via via() const { return GetParam(); }
  // The replies' shapes: 2 or 3.
  int protocol() const { return via() == Via::kResp2 ? 2 : 3; }
  Cache& cache() { return *cache_; }
  TestClient& client() { return *client_; }
  // Another client of the same kind.
  std::unique_ptr<TestClient> Connect() { return std::make_unique<TestClient>(*cache_, via()); }

  // Shorthands of what many cases ask.
  // Whether EXEC runs after `watched` was watched and another client has sent this.
  bool RunsAfter(std::string_view watched, const std::vector<std::string>& argv) {
    const auto other = Connect();
    Run({"WATCH", watched});
    other->Run(argv);
    Run({"MULTI"});
    return !Run({"EXEC"}).is_nil();
  }
  std::string EncodingOf(std::string_view key) { return Run({"OBJECT", "ENCODING", key}).AsString(); }
  int64_t TtlMs(std::string_view key) { return Run({"PTTL", key}).integer(); }

 private:
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<TestClient> client_;
};

#define LARDER_COMMAND_TEST(suite)                                                                                  \
  INSTANTIATE_TEST_SUITE_P(Via, suite,                                                                              \
                           ::testing::Values(::larder::testing::Via::kDirect, ::larder::testing::Via::kResp2,       \
                                             ::larder::testing::Via::kResp3),                                       \
                           [](const ::testing::TestParamInfo<::larder::testing::Via>& info) {                       \
                             return ::larder::testing::NameOf(info.param);                                          \
                           })

// --- Matchers of replies -----------------------------------------------------------------------------------------------
// Where RESP2 has no such type they expect what Redis sends to RESP2 clients: IsMap an array, IsDouble a bulk, and so
// on. An argument may be a value or a matcher of one.
//
// They are functions of fixed types, not gmock's templates, since each type of matcher is compiled anew in each file.
using ReplyMatcher = ::testing::Matcher<const ReplyView&>;
using TextMatcher = ::testing::Matcher<const std::string&>;
using ReplyPair = std::pair<ReplyView, ReplyView>;

std::vector<ReplyView> ElementsOf(const ReplyView& reply);
std::vector<ReplyPair> PairsOf(const ReplyView& reply);

ReplyMatcher IsNil();
ReplyMatcher IsOk();
ReplyMatcher IsBulk(const TextMatcher& text);
// A simple string such as QUEUED.
ReplyMatcher IsStatus(const TextMatcher& text);
ReplyMatcher IsInt(const ::testing::Matcher<int64_t>& value);
ReplyMatcher IsDouble(const ::testing::Matcher<double>& value);
ReplyMatcher IsBool(bool value);
ReplyMatcher IsVerbatim(const TextMatcher& text);
// An error whose text is `text`, or begins with these words.
ReplyMatcher IsError(std::string_view text);
// IsArray(ElementsAre(IsBulk("a"), IsNil())), or any other matcher of containers.
ReplyMatcher IsArray(const ::testing::Matcher<const std::vector<ReplyView>&>& elements);
ReplyMatcher IsSet(const ::testing::Matcher<const std::vector<ReplyView>&>& elements);
// IsMap(ElementsAre(Pair(IsBulk("matches"), IsArray(...)), ...))
ReplyMatcher IsMap(const ::testing::Matcher<const std::vector<ReplyPair>&>& pairs);

}  // namespace testing
}  // namespace larder

#endif  // LARDER_TESTS_LIB_COMMANDS_COMMAND_TEST_BASE_H_
