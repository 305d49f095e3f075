// Every allocation of every command fails once, alone and with all that follow it, whichever way the command comes:
// Cache::Execute, a Session, an in-memory connection in RESP2 and in RESP3.
//
// The quick test takes a part of the cases by one way each; the tests named Whole take all (tags "manual" and "ci").
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include "tests/fault/command_cases.h"
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

enum class Way { kExecute, kSession, kResp2, kResp3 };
constexpr Way kWays[] = {Way::kExecute, Way::kSession, Way::kResp2, Way::kResp3};

const char* NameOf(Way way) {
  switch (way) {
    case Way::kExecute: return "Execute";
    case Way::kSession: return "Session";
    case Way::kResp2: return "RESP2";
    case Way::kResp3: return "RESP3";
  }
  return "";
}

std::vector<std::string_view> ViewsOf(const Argv& argv) { return {argv.begin(), argv.end()}; }

std::string RequestOf(const Argv& argv) {
  std::string request = "*" + std::to_string(argv.size()) + "\r\n";
  for (const std::string& arg : argv) request += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  return request;
}

// One command by one way. `run` is what faults are armed for.
class Call {
 public:
  Call(World& world, Way way, const CommandCase& command) : cache_(world.cache()) {
    switch (way) {
      case Way::kExecute: break;
      case Way::kSession: session_ = *cache_.NewSession(); break;
      case Way::kResp3:
      case Way::kResp2: connection_ = *cache_.NewConnection(); break;
    }
    if (way == Way::kResp3) RunNow({"HELLO", "3"});
    for (const Argv& argv : command.before) RunNow(argv);
    views_ = ViewsOf(command.argv);
    request_ = RequestOf(command.argv);
  }

  void Run() {
    if (connection_ != nullptr) {
      status_ = connection_->Feed(request_);
      (void)connection_->output();
    } else if (session_ != nullptr) {
      reply_.emplace(session_->Execute(views_));
    } else {
      reply_.emplace(cache_.Execute(views_));
    }
  }

  Outcome Describe() {
    if (connection_ == nullptr) return OutcomeOf(*reply_);
    if (!status_.ok()) return OutcomeOf(status_);
    if (connection_->closed()) return {Outcome::kLost, "closed"};
    const std::string_view output = connection_->output();
    if (output.empty()) return {Outcome::kDone, "no reply"};
    size_t length = 0;
    absl::StatusOr<Reply> reply = Reply::FromResp(output, &length);
    if (!reply.ok() || length != output.size()) return {Outcome::kDone, "no whole reply"};
    return OutcomeOf(reply);
  }

  void RunNow(const Argv& argv) {
    if (connection_ != nullptr) {
      ASSERT_TRUE(connection_->Feed(RequestOf(argv)).ok());
      connection_->ConsumeOutput(connection_->output().size());
    } else if (session_ != nullptr) {
      ASSERT_TRUE(session_->Execute(ViewsOf(argv)).ok());
    } else {
      ASSERT_TRUE(cache_.Execute(ViewsOf(argv)).ok());
    }
  }

 private:
  Cache& cache_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<RespConnection> connection_;
  std::vector<std::string_view> views_;
  std::string request_;
  std::optional<absl::StatusOr<Reply>> reply_;
  absl::Status status_;
};

// A configuration file for CONFIG REWRITE, removed at the end.
class ConfigFile {
 public:
  ConfigFile() {
    // In memory if that can be had: it is replaced some thousand times, and each waits for a disk.
    const char* folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TEST_TMPDIR");
    path_ = std::string(folder == nullptr ? "." : folder) + "/larder_fault_" + std::to_string(getpid()) + ".conf";
    std::ofstream(path_) << "# A comment\nmaxmemory 64mb\nhz 20\nsave 900 1\n";
  }
  ~ConfigFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool ChangesConfig(const CommandCase& command) {
  const auto is_config = [](const Argv& argv) { return argv[0] == "CONFIG"; };
  return is_config(command.argv) || std::any_of(command.before.begin(), command.before.end(), is_config);
}

Case CaseOf(const CommandCase& command, Way way, const std::string& config_file) {
  Case result;
  result.name = std::string(NameOf(way)) + ": " + command.ToString();
  result.prepare = [&command, way](World& world) {
    auto call = std::make_shared<Call>(world, way, command);
    Attempt attempt;
    attempt.run = [call] { call->Run(); };
    attempt.describe = [call] { return call->Describe(); };
    return attempt;
  };
  result.options = [&command, &config_file](Options& options) {
    options.config_file = config_file;
    if (command.policy == "allkeys-lfu") options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLfu;
  };
  result.varies = (command.traits & (CommandCase::kVaries | CommandCase::kCloses)) != 0;
  result.keeps_room = (command.traits & CommandCase::kKeepsRoom) != 0;
  result.config = ChangesConfig(command);
  static const CommandCase kNothing{{"PING"}};  // made here, so that no run's memory is counted with it
  // What the transaction's commands do when only some of them are done.
  if (command.argv[0] == "EXEC") result.only_parts = [&command, way](World& world, const std::vector<bool>& parts) {
    auto call = std::make_shared<Call>(world, way, kNothing);
    Attempt attempt;
    attempt.run = [call, &command, parts] {
      bool open = false;
      size_t part = 0;
      for (const Argv& argv : command.before) {
        if (argv[0] == "MULTI") open = true;
        else if (!open || parts[part++]) call->RunNow(argv);
      }
    };
    return attempt;
  };
  return result;
}

bool NeedsSession(const CommandCase& command) { return !command.before.empty(); }

// Whether the case can come this way.
bool Suits(Way way, const CommandCase& command) {
  if (way == Way::kExecute && NeedsSession(command)) return false;
  return (command.traits & CommandCase::kWaits) == 0 || way == Way::kResp2 || way == Way::kResp3;
}

TEST(CommandsFaultTest, EveryCommandHasACase) {
  World world;
  const absl::StatusOr<Reply> all = world.cache().Execute({"COMMAND"});
  ASSERT_TRUE(all.ok()) << all.status();
  std::set<std::string> wanted;
  for (ReplyView row : *all) {
    const ReplyView subcommands = row[9];
    if (subcommands.size() == 0 || row[0].string_view() == "command") wanted.insert(row[0].AsString());
    for (ReplyView subcommand : subcommands) wanted.insert(subcommand[0].AsString());
  }
  ASSERT_GT(wanted.size(), 80u);
  std::set<std::string> tested;
  for (const CommandCase& command : CommandCases("some file")) tested.insert(command.command());
  for (const std::string& name : wanted) EXPECT_TRUE(tested.count(name) != 0) << name << " has no case";
}

// Each case by one way, in turn.
TEST(CommandsFaultTest, AllFromOneOnFail) {
  const ConfigFile file;
  const std::vector<CommandCase> cases = CommandCases(file.path());
  size_t allocations = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    Way way = kWays[i % 4];
    while (!Suits(way, cases[i])) way = kWays[(static_cast<int>(way) + 1) % 4];
    if (i % 5 == 0 || NeedsSession(cases[i])) {
      allocations += FailEach(CaseOf(cases[i], way, file.path()), Modes::kFromOnOnly);
    }
  }
  RecordProperty("allocations", static_cast<int>(allocations));
}

// A loop that went on after its output has failed would ask for memory again and again, in vain and for seconds.
TEST(CommandsFaultTest, LoopsEndWhenTheirOutputHasFailed) {
  constexpr int kKeys = 20'000;
  World world;
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) {
    keys.push_back("a key with a name of some length " + std::to_string(i));
    ASSERT_TRUE(world.cache().Set(keys.back(), "v").ok());
  }
  std::vector<std::string_view> mget(keys.begin(), keys.end());
  mget.insert(mget.begin(), "MGET");
  const std::vector<std::vector<std::string_view>> commands = {
      {"KEYS", "*"}, {"KEYS", "*key*"}, {"SCAN", "0", "COUNT", "1000000"}, mget};
  for (const auto& argv : commands) {
    for (size_t n : {2, 4, 6}) {
      Faults::Arm(n, Faults::Mode::kFromOn);
      const auto reply = world.cache().Execute(argv);
      const size_t refused = Faults::Disarm();
      EXPECT_TRUE(!reply.ok() || reply->is_error()) << argv[0];
      EXPECT_LT(refused, 2500u) << argv[0];
    }
  }
}

class WholeCommandsFaultTest : public ::testing::TestWithParam<Way> {};

TEST_P(WholeCommandsFaultTest, EachAllocationFails) {
  const ConfigFile file;
  const std::vector<CommandCase> cases = CommandCases(file.path());
  size_t allocations = 0;
  for (const CommandCase& command : cases) {
    if (!Suits(GetParam(), command)) continue;
    allocations += FailEach(CaseOf(command, GetParam(), file.path()), Modes::kBoth);
  }
  std::printf("%zu cases, %zu allocations\n", cases.size(), allocations);
  EXPECT_GT(allocations, cases.size() / 2);
}

INSTANTIATE_TEST_SUITE_P(Ways, WholeCommandsFaultTest, ::testing::ValuesIn(kWays),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

}  // namespace
}  // namespace larder::testing
