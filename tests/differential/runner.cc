#include "tests/differential/runner.h"

#include <unistd.h>

#include <algorithm>
#include <set>

namespace differential {
namespace {

Value Parsed(const std::string& reply) {
  Value value;
  if (ParseValue(reply, &value) <= 0) value = {.type = '?', .null = false, .text = reply, .items = {}};
  return value;
}

bool IsQueued(const Value& value) { return value.type == '+' && value.text == "QUEUED"; }

}  // namespace

Runner::Runner(Side& ours, Side& theirs) : ours_(ours), theirs_(theirs) {
  admin_ = Connect(nullptr);
  std::set<std::string> names;
  for (const Value& name : Ask(*admin_->ours, {"COMMAND", "LIST"}).items) names.insert(name.text);
  comparer_ = std::make_unique<Comparer>(std::move(names));
  const Value all = Ask(*admin_->theirs, {"CONFIG", "GET", "*"});
  for (size_t i = 0; i + 1 < all.items.size(); i += 2) defaults_[all.items[i].text] = all.items[i + 1].text;
  // Far less than the real limit, so that no stream can make the machine pay for a string of 512 MB.
  defaults_["proto-max-bulk-len"] = "1048576";
}

Runner::~Runner() = default;

std::unique_ptr<Runner::Pair> Runner::Connect(const Episode* episode) {
  auto pair = std::make_unique<Pair>();
  pair->ours = ours_.Connect();
  pair->theirs = theirs_.Connect();
  const bool password = episode != nullptr && episode->password;
  if (password) AskBoth(*pair, {"AUTH", std::string(kPassword)});
  std::tie(pair->our_id, pair->their_id) = [&] {
    const auto [a, b] = AskBoth(*pair, {"CLIENT", "ID"});
    return std::pair(a.type == ':' ? a.integer() : 0, b.type == ':' ? b.integer() : 0);
  }();
  if (password) AskBoth(*pair, {"RESET"});
  if (episode != nullptr && episode->protocol == 3) {
    AskBoth(*pair, password ? Argv{"HELLO", "3", "AUTH", "default", std::string(kPassword)} : Argv{"HELLO", "3"});
  }
  return pair;
}

std::pair<Value, Value> Runner::AskBoth(Pair& pair, const Argv& argv) {
  const std::string request = Encode(argv);
  pair.theirs->Send(request);
  pair.ours->Send(request);
  Value ours = Parsed(pair.ours->Receive());
  return {std::move(ours), Parsed(pair.theirs->Receive())};
}

std::pair<Value, Value> Runner::Admin(const Argv& argv) {
  auto replies = AskBoth(*admin_, argv);
  if (!admin_->ours->closed() && !admin_->theirs->closed()) return replies;
  admin_ = Connect(episode_);
  return AskBoth(*admin_, argv);
}

void Runner::Fail(const Argv& argv, std::string_view ours, std::string_view theirs, std::string why) {
  if (finding_.has_value()) return;
  finding_ = Finding{step_, argv, std::string(ours), std::string(theirs), std::move(why)};
}

CompareContext Runner::Context(Pair& pair) {
  CompareContext context;
  context.tolerance_ms = 5 + static_cast<int64_t>(slack_ms_ + step_ms_) + 1;
  context.our_id = pair.our_id;
  context.their_id = pair.their_id;
  context.ask = [this, &pair](const Argv& argv) { return AskBoth(pair, argv); };
  return context;
}

void Runner::RunStep(const Step& step) {
  Pair& pair = *links_[step.link];
  switch (step.kind) {
    case Step::kCommands: RunCommands(pair, step.commands); break;
    case Step::kQuiet: RunQuiet(pair, step); break;
    case Step::kFullScan: RunFullScan(pair, step.commands[0]); break;
    case Step::kReconnect: Reconnect(step.link); break;
    case Step::kNoMemory: RunNoMemory(pair, step.commands); break;
    case Step::kPause: RunPause(pair, step.commands); break;
  }
}

// A server learns of a hang-up when it polls: wait until both have no more than `count` clients, asking both alike.
void Runner::AwaitClients(size_t count) {
  auto lines = [](const Value& list) {
    return static_cast<size_t>(std::count(list.text.begin(), list.text.end(), '\n'));
  };
  for (int i = 0; i < 10'000; ++i) {
    const auto [ours, theirs] = Admin({"CLIENT", "LIST"});
    if (lines(ours) <= count && lines(theirs) <= count) return;
    if (i > 100) usleep(100);
  }
}

// Whether both sides have closed the client; if one has, the other does, if not at the same moment.
bool Runner::EndedAlike(Pair& pair) {
  bool ours = false, theirs = false;  // each is asked once a round: it may close between two questions
  for (int i = 0; i < 10'000; ++i) {
    ours = pair.ours->closed();
    theirs = pair.theirs->closed();
    if (ours == theirs) return ours;
    usleep(200);
  }
  Fail({"(close)"}, ours ? "closed" : "open", theirs ? "closed" : "open", "one has closed the client");
  return false;
}

void Runner::Reconnect(int link) {
  links_[link].reset();
  size_t alive = 1;  // admin_
  for (const auto& each : links_) alive += each != nullptr && !each->ours->closed();
  AwaitClients(alive);
  links_[link] = Connect(episode_);
}

void Runner::RunCommands(Pair& pair, const std::vector<Argv>& commands) {
  std::string our_request, their_request;
  for (const Argv& argv : commands) {
    Argv ours = argv, theirs = argv;
    for (size_t i = 0; i < argv.size(); ++i) {
      for (int link = 0; link < kLinks; ++link) {
        if (argv[i] != kIdOf[link]) continue;
        ours[i] = std::to_string(links_[link]->our_id);
        theirs[i] = std::to_string(links_[link]->their_id);
      }
    }
    our_request += Encode(ours);
    their_request += Encode(theirs);
  }
  const double start = NowMs();
  pair.theirs->Send(their_request);
  pair.ours->Send(our_request);
  std::vector<std::string> our_replies, their_replies;
  for (size_t i = 0; i < commands.size(); ++i) {
    our_replies.push_back(pair.ours->Receive());
    their_replies.push_back(pair.theirs->Receive());
  }
  step_ms_ = NowMs() - start;
  for (size_t i = 0; i < commands.size() && !finding_.has_value(); ++i) {
    CompareOne(pair, commands[i], our_replies[i], their_replies[i], commands.size() > 1);
  }
}

void Runner::Count(const Argv& argv, bool error) {
  ++counts_.commands;
  counts_.errors += error;
  auto& [good, bad] = counts_.by_command[RuleName(argv)];
  ++(error ? bad : good);
}

void Runner::CompareOne(Pair& pair, const Argv& argv, const std::string& ours, const std::string& theirs,
                        bool in_batch) {
  if (ours.empty() || theirs.empty()) {  // closed, or nothing came
    bool alike = ours.empty() && theirs.empty() && pair.ours->closed() == pair.theirs->closed();
    if (pair.ours->closed() && pair.theirs->closed()) alike |= comparer_->ForgiveCutReply(argv, ours, theirs);
    if (!alike || pair.ours->timed_out() || pair.theirs->timed_out()) Fail(argv, ours, theirs, "one gave no reply");
    return;
  }
  const Value our_value = Parsed(ours);
  const Value their_value = Parsed(theirs);
  const std::string name = argv.empty() ? "" : Lower(argv[0]);
  Count(argv, their_value.is_error());
  if (IsQueued(our_value) && IsQueued(their_value)) {
    pair.queue.push_back(argv);
  } else if (name == "exec" && our_value.is_aggregate() && their_value.is_aggregate()) {
    CompareExec(pair, our_value, their_value);
    pair.queue.clear();
    return;
  } else if ((name == "exec" && (!their_value.is_error() || their_value.text.starts_with("EXECABORT"))) ||
             (name == "discard" && !their_value.is_error()) || (name == "reset" && !their_value.is_error())) {
    pair.queue.clear();
  }
  if (ours == theirs) return;
  CompareContext context = Context(pair);
  context.in_batch = in_batch || !pair.queue.empty();
  const std::string why = comparer_->Compare(argv, our_value, their_value, context);
  if (!why.empty()) Fail(argv, ours, theirs, why);
}

void Runner::CompareExec(Pair& pair, const Value& ours, const Value& theirs) {
  if (ours.items.size() != pair.queue.size() || theirs.items.size() != pair.queue.size()) {
    return Fail({"EXEC"}, std::to_string(ours.items.size()), std::to_string(theirs.items.size()),
                "not a reply for each of " + std::to_string(pair.queue.size()) + " commands");
  }
  CompareContext context = Context(pair);
  context.in_batch = true;
  for (size_t i = 0; i < pair.queue.size(); ++i) {
    Count(pair.queue[i], theirs.items[i].is_error());
    // In EXEC Redis looks at no limit: it has the value now and we have not, so the episode can say nothing more.
    if (ours.items[i].text == "OOM the value is larger than 'maxmemory'" && !theirs.items[i].is_error()) {
      return Fail({"EXEC"}, "", "", std::string(kEpisodeOver));
    }
    const std::string why = comparer_->Compare(pair.queue[i], ours.items[i], theirs.items[i], context);
    if (why.empty()) continue;
    Argv argv = {"(in EXEC)"};
    argv.insert(argv.end(), pair.queue[i].begin(), pair.queue[i].end());
    return Fail(argv, ours.items[i].text, theirs.items[i].text, why);
  }
}

void Runner::RunNoMemory(Pair& pair, const std::vector<Argv>& commands) {
  for (size_t i = 0; i < commands.size() && !finding_.has_value() && !pair.ours->closed(); ++i) {
    RunCommands(pair, {commands[i]});
    ours_.Settle();
  }
  if (pair.ours->closed()) Admin({"CONFIG", "SET", "maxmemory", "0"});  // it has not come to this itself
}

void Runner::RunPause(Pair& pair, const std::vector<Argv>& commands) {
  for (size_t i = 0; i < commands.size() && !finding_.has_value() && !pair.ours->closed(); ++i) {
    if (i + 1 == commands.size()) usleep((kShortTtlMaxMs + 4) * 1000);
    RunCommands(pair, {commands[i]});
  }
}

// Commands of which some have no reply: everything up to an ECHO must be the same.
void Runner::RunQuiet(Pair& pair, const Step& step) {
  RunCommands(pair, {{"DISCARD"}});
  if (finding_.has_value() || pair.ours->closed()) return;
  const auto [ours_ready, theirs_ready] = AskBoth(pair, {"PING"});
  if (ours_ready.text != "PONG" || theirs_ready.text != "PONG") return;  // not authenticated: the next step compares
  const std::string nonce = "nonce" + std::to_string(++nonce_);
  std::string request;
  Argv all = {"(quiet)"};
  for (const Argv& argv : step.commands) {
    request += Encode(argv);
    all.insert(all.end(), argv.begin(), argv.end());
  }
  request += Encode({"CLIENT", "REPLY", "ON"}) + Encode({"ECHO", nonce});
  pair.theirs->Send(request);
  pair.ours->Send(request);
  const std::string last = "$" + std::to_string(nonce.size()) + "\r\n" + nonce + "\r\n";
  auto gather = [&](Link& link) {
    std::string all_replies;
    for (;;) {
      const std::string reply = link.Receive();
      all_replies += reply;
      if (reply.empty() || reply == last) return all_replies;
    }
  };
  const std::string ours = gather(*pair.ours);
  const std::string theirs = gather(*pair.theirs);
  counts_.commands += step.commands.size();
  if (ours != theirs || !theirs.ends_with(last)) Fail(all, ours, theirs, "quiet commands differ");
}

void Runner::RunFullScan(Pair& pair, const Argv& options) {
  std::multiset<std::string> found[2];
  Link* sides[2] = {pair.ours.get(), pair.theirs.get()};
  for (int side = 0; side < 2; ++side) {
    std::string cursor = "0";
    for (int calls = 0; calls < 10'000; ++calls) {
      Argv argv = {"SCAN", cursor};
      argv.insert(argv.end(), options.begin(), options.end());
      const Value reply = Ask(*sides[side], argv);
      if (reply.items.size() != 2) {  // queued, refused or closed: an ordinary command then, asked the other side too
        if (side == 1 || IsQueued(reply)) {
          if (side == 0) Ask(*sides[1], argv);
          if (IsQueued(reply)) pair.queue.push_back(argv);
        } else {
          Ask(*sides[1], argv);
        }
        return;
      }
      for (const Value& key : reply.items[1].items) found[side].insert(key.text);
      cursor = reply.items[0].text;
      if (cursor == "0") break;
    }
  }
  Argv argv = {"(full SCAN)"};
  argv.insert(argv.end(), options.begin(), options.end());
  Count({"SCAN"}, false);
  std::string sets[2];
  for (int side = 0; side < 2; ++side) {
    const std::set<std::string> once(found[side].begin(), found[side].end());
    for (const std::string& key : once) sets[side] += key + "\n";
  }
  if (sets[0] != sets[1]) Fail(argv, sets[0], sets[1], "a full iteration found other keys");
  // Redis may return a key twice; our table promises not to.
  for (const std::string& key : found[0]) {
    if (found[0].count(key) > 1) Fail(argv, key, "", "a full iteration found a key twice");
  }
}

}  // namespace differential
