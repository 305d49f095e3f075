#include "tests/lib/commands/command_test_base.h"

#include <ostream>

namespace larder {
inline namespace v0 {

void PrintTo(const ReplyView& reply, std::ostream* os) { *os << reply.DebugString(); }
void PrintTo(const Reply& reply, std::ostream* os) { *os << reply.DebugString(); }

}  // namespace v0

namespace testing {
namespace {

int current_protocol = 3;  // cases run one after another

}  // namespace

std::string NameOf(Via via) {
  switch (via) {
    case Via::kDirect: return "Direct";
    case Via::kResp2: return "Resp2";
    case Via::kResp3: return "Resp3";
  }
  return "";
}

std::string EncodeRequest(std::span<const std::string_view> argv) {
  std::string request = "*" + std::to_string(argv.size()) + "\r\n";
  for (std::string_view arg : argv) {
    request += "$" + std::to_string(arg.size()) + "\r\n";
    request += arg;
    request += "\r\n";
  }
  return request;
}

TestClient::TestClient(Cache& cache, Via via) {
  if (via == Via::kDirect) {
    auto session = cache.NewSession();
    EXPECT_TRUE(session.ok()) << session.status();
    if (session.ok()) session_ = *std::move(session);
    return;
  }
  auto connection = cache.NewConnection();
  EXPECT_TRUE(connection.ok()) << connection.status();
  if (!connection.ok()) return;
  connection_ = *std::move(connection);
  if (via == Via::kResp3) {
    const Reply hello = Run({"HELLO", "3"});
    EXPECT_EQ(hello.type(), ReplyView::Type::kMap) << hello.DebugString();
  }
}

Reply TestClient::Run(std::span<const std::string_view> argv) {
  if (session_ == nullptr) return RunOverResp(argv);
  auto reply = session_->Execute(argv);
  EXPECT_TRUE(reply.ok()) << reply.status();
  return reply.ok() ? *std::move(reply) : Reply();
}

Reply TestClient::RunOverResp(std::span<const std::string_view> argv) {
  if (connection_ == nullptr) return Reply();
  const std::string request = EncodeRequest(argv);
  const size_t cut = (requests_++ * 7) % request.size();
  const absl::Status fed_first = connection_->Feed(std::string_view(request).substr(0, cut));
  EXPECT_TRUE(fed_first.ok()) << fed_first;
  EXPECT_EQ(connection_->output(), "") << "a reply to half a request";
  const absl::Status fed_rest = connection_->Feed(std::string_view(request).substr(cut));
  EXPECT_TRUE(fed_rest.ok()) << fed_rest;
  const std::string_view output = connection_->output();
  if (output.empty()) return Reply();  // CLIENT REPLY OFF
  size_t length = 0;
  auto reply = Reply::FromResp(output, &length);
  EXPECT_TRUE(reply.ok()) << reply.status() << " in: " << output;
  EXPECT_EQ(length, output.size()) << "more than one reply: " << output;
  connection_->ConsumeOutput(output.size());
  return reply.ok() ? *std::move(reply) : Reply();
}

CommandTest::CommandTest(const std::function<void(Options&)>& change) : clock_(std::make_shared<ManualClock>()) {
  current_protocol = protocol();
  Options options;
  options.clock = clock_;
  options.seed = 20240229;
  options.background = Background::kTick;
  if (change != nullptr) change(options);
  auto cache = Cache::Open(options);
  EXPECT_TRUE(cache.ok()) << cache.status();
  if (!cache.ok()) return;
  cache_ = *std::move(cache);
  client_ = std::make_unique<TestClient>(*cache_, via());
}

CommandTest::~CommandTest() = default;

std::vector<ReplyView> ElementsOf(const ReplyView& reply) {
  std::vector<ReplyView> elements;
  for (ReplyView element : reply) elements.push_back(element);
  return elements;
}

std::vector<std::pair<ReplyView, ReplyView>> PairsOf(const ReplyView& reply) {
  std::vector<std::pair<ReplyView, ReplyView>> pairs;
  for (size_t i = 0; i + 1 < reply.size(); i += 2) pairs.emplace_back(reply[i], reply[i + 1]);
  return pairs;
}

// gmock's matchers, which describe themselves by their names; what is shown to other files hides their types.
namespace matchers {
namespace {

bool BeginsWithWords(std::string_view text, std::string_view words) {
  if (text.substr(0, words.size()) != words) return false;
  if (text.size() == words.size()) return true;
  const char next = text[words.size()];
  return !(next >= 'a' && next <= 'z') && !(next >= 'A' && next <= 'Z') && !(next >= '0' && next <= '9');
}

MATCHER(IsNil, "") { return arg.is_nil(); }
MATCHER(IsOk, "") { return arg.is_ok(); }

MATCHER_P(IsBulk, text, "") {
  return arg.type() == ReplyView::Type::kString &&
         ::testing::ExplainMatchResult(text, std::string(arg.string_view()), result_listener);
}

MATCHER_P(IsStatus, text, "") {
  return arg.type() == ReplyView::Type::kStatus &&
         ::testing::ExplainMatchResult(text, std::string(arg.string_view()), result_listener);
}

MATCHER_P(IsInt, value, "") {
  return arg.type() == ReplyView::Type::kInteger &&
         ::testing::ExplainMatchResult(value, arg.integer(), result_listener);
}

MATCHER_P(IsDouble, value, "") {
  const auto type = current_protocol == 2 ? ReplyView::Type::kString : ReplyView::Type::kDouble;
  return arg.type() == type && arg.AsNumber().has_value() &&
         ::testing::ExplainMatchResult(value, arg.number(), result_listener);
}

MATCHER_P(IsBool, value, "") {
  const auto type = current_protocol == 2 ? ReplyView::Type::kInteger : ReplyView::Type::kBoolean;
  return arg.type() == type && ::testing::ExplainMatchResult(value, arg.boolean(), result_listener);
}

MATCHER_P(IsVerbatim, text, "") {
  const auto type = current_protocol == 2 ? ReplyView::Type::kString : ReplyView::Type::kVerbatim;
  return arg.type() == type && ::testing::ExplainMatchResult(text, std::string(arg.string_view()), result_listener);
}

MATCHER_P(IsError, text, "") { return arg.is_error() && BeginsWithWords(arg.string_view(), text); }

MATCHER_P(IsArray, elements, "") {
  return arg.type() == ReplyView::Type::kArray &&
         ::testing::ExplainMatchResult(elements, ElementsOf(arg), result_listener);
}

MATCHER_P(IsSet, elements, "") {
  const auto type = current_protocol == 2 ? ReplyView::Type::kArray : ReplyView::Type::kSet;
  return arg.type() == type && ::testing::ExplainMatchResult(elements, ElementsOf(arg), result_listener);
}

MATCHER_P(IsMap, pairs, "") {
  const auto type = current_protocol == 2 ? ReplyView::Type::kArray : ReplyView::Type::kMap;
  return arg.type() == type && arg.size() % 2 == 0 &&
         ::testing::ExplainMatchResult(pairs, PairsOf(arg), result_listener);
}

}  // namespace
}  // namespace matchers

ReplyMatcher IsNil() { return matchers::IsNil(); }
ReplyMatcher IsOk() { return matchers::IsOk(); }
ReplyMatcher IsBulk(const TextMatcher& text) { return matchers::IsBulk(text); }
ReplyMatcher IsStatus(const TextMatcher& text) { return matchers::IsStatus(text); }
ReplyMatcher IsInt(const ::testing::Matcher<int64_t>& value) { return matchers::IsInt(value); }
ReplyMatcher IsDouble(const ::testing::Matcher<double>& value) { return matchers::IsDouble(value); }
ReplyMatcher IsBool(bool value) { return matchers::IsBool(value); }
ReplyMatcher IsVerbatim(const TextMatcher& text) { return matchers::IsVerbatim(text); }
ReplyMatcher IsError(std::string_view text) { return matchers::IsError(std::string(text)); }
ReplyMatcher IsArray(const ::testing::Matcher<const std::vector<ReplyView>&>& elements) {
  return matchers::IsArray(elements);
}
ReplyMatcher IsSet(const ::testing::Matcher<const std::vector<ReplyView>&>& elements) {
  return matchers::IsSet(elements);
}
ReplyMatcher IsMap(const ::testing::Matcher<const std::vector<ReplyPair>&>& pairs) { return matchers::IsMap(pairs); }

}  // namespace testing
}  // namespace larder
