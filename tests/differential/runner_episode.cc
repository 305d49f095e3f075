// An episode from its start, through its steps, to the accounts at its end; and fewer steps that fail alike.
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "tests/differential/runner.h"

namespace differential {
namespace {

// The same fault, as far as one can tell: of the same command, for the same reason, whatever the values.
bool Alike(const Finding& a, const Finding& b) {
  return RuleName(a.command) == RuleName(b.command) &&
         a.why.substr(0, a.why.find(" differs:")) == b.why.substr(0, b.why.find(" differs:"));
}

}  // namespace

double NowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The same start for every episode, so that it can be replayed alone.
void Runner::Prepare(const Episode& episode, const std::vector<Step>& steps) {
  episode_ = nullptr;
  admin_ = Connect(nullptr);
  AskBoth(*admin_, {"AUTH", std::string(kPassword)});  // an error unless the last episode had a password
  Admin({"CONFIG", "SET", "requirepass", ""});
  std::set<std::string> touched = std::exchange(touched_, {});
  touched.insert("proto-max-bulk-len");
  for (const Step& step : steps) {
    for (const Argv& argv : step.commands) {
      if (argv.size() < 4 || RuleName(argv) != "config|set") continue;
      for (size_t i = 2; i < argv.size(); i += 2) touched_.insert(Lower(argv[i]));
    }
  }
  touched.insert(touched_.begin(), touched_.end());
  for (const std::string& name : touched) {
    const auto found = defaults_.find(name);
    if (found != defaults_.end()) Admin({"CONFIG", "SET", name, found->second});
  }
  for (auto& link : links_) link.reset();
  AwaitClients(1);
  Admin({"FLUSHALL"});
  // Nobody looks for expired keys by himself: when one goes away follows from the stream alone.
  Admin({"DEBUG", "SET-ACTIVE-EXPIRE", "0"});
  if (episode.password) Admin({"CONFIG", "SET", "requirepass", std::string(kPassword)});
  episode_ = &episode;
  admin_.reset();
  admin_ = Connect(&episode);
  if (episode.password) AskBoth(*admin_, {"AUTH", std::string(kPassword)});
  AskBoth(*admin_, {"HELLO", "2"});
  AwaitClients(1);
  for (auto& link : links_) link = Connect(&episode);
  Admin({"CONFIG", "RESETSTAT"});
  slack_ms_ = 0;
  strange_keys_.clear();
  finding_.reset();
}

std::optional<Finding> Runner::Run(const Episode& episode, const std::vector<Step>& steps) {
  Prepare(episode, steps);
  for (step_ = 0; step_ < steps.size() && !finding_.has_value(); ++step_) {
    // A mutated request may make a key of any of its words.
    for (const Argv& argv : steps[step_].commands) {
      for (size_t i = 1; steps[step_].short_ttl_ms != 0 && i < argv.size(); ++i) strange_keys_.insert(argv[i]);
    }
    const double start = NowMs();
    RunStep(steps[step_]);
    const double took = NowMs() - start;
    if (finding_.has_value() && finding_->why == kEpisodeOver) {
      finding_.reset();
      return std::nullopt;
    }
    if (finding_.has_value() && steps[step_].short_ttl_ms > 1 && took >= kShortTtlMinMs - 5) {
      ++counts_.abandoned;  // the key may have ended between the two sides
      finding_.reset();
      return std::nullopt;
    }
    slack_ms_ = std::max(slack_ms_, took);
    int settle_ms = steps[step_].short_ttl_ms;
    for (int i = 0; i < kLinks; ++i) {
      if (EndedAlike(*links_[i])) Reconnect(i);
      auto& link = links_[i];
      if (!link->queue.empty()) {
        link->short_ttl_queued_ms = std::max(link->short_ttl_queued_ms, settle_ms);
      } else {
        settle_ms = std::max(settle_ms, std::exchange(link->short_ttl_queued_ms, 0));
      }
    }
    if (settle_ms != 0 && !finding_.has_value()) Settle(settle_ms);
  }
  if (!finding_.has_value()) CheckAccounts();
  return std::exchange(finding_, std::nullopt);
}

// Waits until short times to live have ended, and has both sides notice it.
void Runner::Settle(int ms) {
  if (ms > 1) usleep(static_cast<useconds_t>(ms + 4) * 1000);
  Argv exists = {"EXISTS"};
  for (const std::string& key : AllKeys()) exists.push_back(key);
  exists.insert(exists.end(), strange_keys_.begin(), strange_keys_.end());
  for (const char* db : {"0", "1", "2", "15"}) {
    Admin({"SELECT", db});
    const auto [ours, theirs] = Admin(exists);
    if (ours != theirs) Fail(exists, ours.text, theirs.text, "other keys are left in database " + std::string(db));
  }
}

// What both have counted since the episode began.
void Runner::CheckAccounts() {
  ++step_;
  const Argv argv = {"INFO", "commandstats", "errorstats", "stats", "keyspace"};
  const auto [ours, theirs] = Admin(argv);
  const std::string why = comparer_->Compare(argv, ours, theirs, Context(*admin_));
  if (!why.empty()) Fail(argv, "", "", why);
}

std::vector<Step> Runner::Shrink(const Episode& episode, std::vector<Step> steps, int seconds) {
  const double deadline = NowMs() + seconds * 1000;
  const Counts counts = counts_;
  const std::optional<Finding> first_finding = Run(episode, steps);
  if (!first_finding.has_value()) return steps;  // it does not fail again: all of it is the report
  if (first_finding->step + 1 < steps.size()) steps.resize(first_finding->step + 1);
  for (size_t chunk = std::max<size_t>(steps.size() / 2, 1); chunk >= 1 && NowMs() < deadline;) {
    bool removed = false;
    for (size_t at = 0; at < steps.size() && NowMs() < deadline;) {
      std::vector<Step> fewer = steps;
      const auto from = fewer.begin() + static_cast<ptrdiff_t>(at);
      fewer.erase(from, from + static_cast<ptrdiff_t>(std::min(chunk, fewer.size() - at)));
      const std::optional<Finding> finding = Run(episode, fewer);
      if (finding.has_value() && Alike(*first_finding, *finding)) {
        steps = std::move(fewer);
        removed = true;
      } else {
        at += chunk;
      }
    }
    if (chunk == 1 && !removed) break;
    if (chunk > 1) chunk /= 2;
  }
  counts_ = counts;
  return steps;
}

}  // namespace differential
