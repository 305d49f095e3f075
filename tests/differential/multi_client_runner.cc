#include "tests/differential/multi_client_runner.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>

namespace differential {
namespace {

// How often a step is looked at again before it is said that the sides differ: the last bytes may be on their way.
constexpr int kLooks = 6;

constexpr size_t kKeysEvery = 4;  // steps after which the keys are looked at, which costs more than the step
constexpr size_t kEndGapMax = 35;  // between two names in replies that follow each other

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Where they part, with what is around it.
std::string Around(const std::string& bytes, size_t at) {
  const size_t from = at > 100 ? at - 100 : 0;
  return (from != 0 ? "..." : "") + Printable(bytes.substr(from, 700), 700);
}

// Whichever client it is.
std::string WithoutDigits(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

// UNSUBSCRIBE without names ends all channels in the order of a hash table: the names in replies that stand one behind
// the other are sorted, while everything around them stays.
std::string WithSortedEnds(const std::string& bytes) {
  static constexpr std::string_view kWord = "unsubscribe\r\n";
  std::string out;
  std::vector<std::string> names;    // "$2\r\nc1", in replies that follow each other
  std::vector<std::string> between;  // and what stands behind each
  const auto end_run = [&] {
    std::sort(names.begin(), names.end());
    for (size_t i = 0; i < names.size(); ++i) out += names[i] + between[i];
    names.clear();
    between.clear();
  };
  size_t from = 0;
  for (size_t at = 0; (at = bytes.find(kWord, at)) != bytes.npos;) {
    at += kWord.size();
    Value name;
    const int64_t size = ParseValue(std::string_view(bytes).substr(at), &name);
    if (size <= 2) break;
    const std::string gap = bytes.substr(from, at - from);
    if (names.empty() || gap.size() > kEndGapMax) {  // "\r\n:12\r\n*3\r\n$12\r\nsunsubscribe\r\n"
      end_run();
      out += gap;
    } else {
      between.back() = gap;
    }
    from = at + static_cast<size_t>(size) - 2;
    names.push_back(bytes.substr(at, from - at));
    between.emplace_back();
    at = from;
  }
  end_run();
  return out + bytes.substr(from);
}

// One message that several patterns let through comes in the order of a hash table of patterns.
std::string WithSortedPatterns(std::string bytes) {
  static constexpr std::string_view kHead = "4\r\n$8\r\npmessage\r\n";
  std::vector<std::string> run;
  size_t run_at = 0, run_end = 0;
  const auto sort_run = [&] {
    std::sort(run.begin(), run.end());
    for (const std::string& message : run) {
      bytes.replace(run_at, message.size(), message);
      run_at += message.size();
    }
    run.clear();
  };
  std::vector<Value> of_run;  // channel and payload
  for (size_t at = 0; (at = bytes.find(kHead, at)) != bytes.npos && at > 0;) {
    Value message;
    const int64_t size = ParseValue(std::string_view(bytes).substr(--at), &message);
    if (size <= 0) break;
    std::vector<Value> what(message.items.begin() + 2, message.items.end());
    if (at != run_end || what != of_run) {
      sort_run();
      run_at = at;
    }
    of_run = std::move(what);
    run.push_back(bytes.substr(at, static_cast<size_t>(size)));
    run_end = at += static_cast<size_t>(size);
  }
  sort_run();
  return bytes;
}

// Redis makes a skiplist of whatever sorted set is sorted, also by SORT_RO; Larder's reads change nothing.
std::string WithTheirSkiplists(std::string ours, const std::string& theirs) {
  static constexpr std::string_view kPacked = " zset listpack";
  static constexpr std::string_view kLarge = " zset skiplist";
  for (size_t at = 0; (at = ours.find(kPacked, at)) != ours.npos; ++at) {
    if (at < theirs.size() && theirs.compare(at, kLarge.size(), kLarge) == 0) ours.replace(at, kLarge.size(), kLarge);
  }
  return ours;
}

bool SameBytes(const std::string& ours, const std::string& theirs) {
  if (ours == theirs) return true;
  if (ours.size() != theirs.size()) return false;
  return WithSortedPatterns(WithSortedEnds(ours)) == WithSortedPatterns(WithSortedEnds(theirs));
}

}  // namespace

bool MultiClientRunner::Fail(size_t number, std::string why, const std::string& ours, const std::string& theirs) {
  const size_t at = static_cast<size_t>(std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end()).first -
                                        ours.begin());
  finding_ = {number, std::move(why), Around(ours, at), Around(theirs, at)};
  return false;
}

void MultiClientRunner::Prepare(uint64_t seed) {
  Random random(seed);
  for (int& protocol : protocols_) protocol = random.Chance(50) ? 3 : 2;
  finding_.reset();
  over_ = false;
  may_be_silent_ = {};
  ours_.Restart(protocols_);
  theirs_.Restart(protocols_);
}

std::string MultiClientRunner::Protocols() const {
  std::string all;
  for (const int protocol : protocols_) all += std::to_string(protocol);
  return all;
}

std::optional<TrafficFinding> MultiClientRunner::Make(TrafficEpisode* episode, int size) {
  Prepare(episode->seed);
  MultiClientGenerator generator(episode->seed, behind_);
  episode->steps.clear();
  for (int i = 0; i < size; ++i) {
    episode->steps.push_back(generator.Next(theirs_.look().state));
    if (!Do(episode->steps.back(), static_cast<size_t>(i))) return finding_;
  }
  CompareEnd(episode->steps.size());
  return finding_;
}

std::optional<TrafficFinding> MultiClientRunner::Replay(const TrafficEpisode& episode) {
  Prepare(episode.seed);
  for (size_t i = 0; i < episode.steps.size(); ++i) {
    if (!Do(episode.steps[i], i)) return finding_;
  }
  CompareEnd(episode.steps.size());
  return finding_;
}

// Whether CLIENT REPLY may keep back all that the step has to bring.
bool MultiClientRunner::MaySilence(const TrafficStep& step) {
  bool& silent = may_be_silent_[static_cast<size_t>(step.client)];
  for (const Argv& argv : step.commands) silent |= argv.size() == 3 && argv[1] == "REPLY";
  if (step.kind == TrafficStep::kHangUp) silent = false;
  return silent;
}

bool MultiClientRunner::Do(const TrafficStep& step, size_t number) {
  const TrafficState before = theirs_.look().state;
  for (MultiClientSide* side : {&theirs_, &ours_}) {
    if (step.kind == TrafficStep::kHangUp) {
      side->HangUp(step.client);
      side->Connect(step.client, protocols_[static_cast<size_t>(step.client)]);
    } else {
      side->Send(step.client, step.commands);
    }
  }
  our_bytes_ = {};
  their_bytes_ = {};
  const bool answers = !MaySilence(step) && step.kind == TrafficStep::kSend;
  const int awaited = answers ? step.client : -1;
  for (int look = 0; look <= kLooks; ++look) {
    for (auto [side, bytes] : {std::pair(&theirs_, &their_bytes_), std::pair(&ours_, &our_bytes_)}) {
      side->Settle(look == 0 ? awaited : -1, look != 0 || number % kKeysEvery == 0);
      const auto more = side->Take();
      for (size_t i = 0; i < kClients; ++i) (*bytes)[i] += WithoutIds(more[i]);
    }
    if (Compare(number)) break;
  }
  if (finding_.has_value()) return false;
  if (over_) {
    ++counts_.given_up;
    return false;
  }
  Count(step, before);
  ReplaceClosed();
  return true;
}

// Whether they agree by now; else there is a finding.
bool MultiClientRunner::Compare(size_t number) {
  finding_.reset();
  for (int i = 0; i < kClients; ++i) {
    const size_t at = static_cast<size_t>(i);
    if (AgreeOnBytes(at)) continue;
    return Fail(number, "client " + std::to_string(i) + " is sent something else", our_bytes_[at], their_bytes_[at]);
  }
  return CompareLooks(number) && CompareKeys(number);
}

// Redis drops what it has not sent yet to a client that another one kills; Larder sends it.
bool MultiClientRunner::AgreeOnBytes(size_t client) {
  const std::string& ours = our_bytes_[client];
  const std::string& theirs = their_bytes_[client];
  if (SameBytes(ours, theirs)) return true;
  const bool is_closed = !ours_.look().is_there[client] && !theirs_.look().is_there[client];
  return is_closed && ours.starts_with(theirs);
}

bool MultiClientRunner::CompareLooks(size_t number) {
  const MultiClientSide::Look& ours = ours_.look();
  const MultiClientSide::Look& theirs = theirs_.look();
  for (int i = 0; i < kClients; ++i) {
    const size_t at = static_cast<size_t>(i);
    if (ours.clients[at] != theirs.clients[at]) {
      return Fail(number, "CLIENT LIST says something else of client " + std::to_string(i), ours.clients[at],
                  theirs.clients[at]);
    }
    const bool is_there = ours.is_there[at];
    if (ours_.closed(i) == !is_there && theirs_.closed(i) == !is_there) continue;
    return Fail(number, "client " + std::to_string(i) + " is not closed on both", ours_.closed(i) ? "closed" : "open",
                theirs_.closed(i) ? "closed" : "open");
  }
  return true;
}

bool MultiClientRunner::CompareKeys(size_t number) {
  const std::string& ours = ours_.look().keys;
  const std::string& theirs = theirs_.look().keys;
  if (ours == theirs) return true;
  over_ = WithTheirSkiplists(ours, theirs) == theirs;
  return over_ || Fail(number, "the keys differ", ours, theirs);
}

bool MultiClientRunner::CompareEnd(size_t number) {
  const std::string ours = ours_.Dump();
  const std::string theirs = theirs_.Dump();
  if (WithTheirSkiplists(ours, theirs) == theirs) return true;
  std::istringstream our_lines(ours), their_lines(theirs);
  std::string our_line, their_line;
  while (our_line == their_line && !(our_lines.eof() && their_lines.eof())) {
    std::getline(our_lines, our_line);
    std::getline(their_lines, their_line);
  }
  return Fail(number, "what is left in the end differs", our_line, their_line);
}

// Those that QUIT, or were killed.
void MultiClientRunner::ReplaceClosed() {
  for (int i = 0; i < kClients; ++i) {
    if (theirs_.look().is_there[static_cast<size_t>(i)]) continue;
    may_be_silent_[static_cast<size_t>(i)] = false;
    ours_.Connect(i, protocols_[static_cast<size_t>(i)]);
    theirs_.Connect(i, protocols_[static_cast<size_t>(i)]);
  }
}

void MultiClientRunner::Count(const TrafficStep& step, const TrafficState& before) {
  counts_.commands += step.commands.size();
  for (size_t i = 0; i < kClients; ++i) {
    const bool waited = before.clients[i].waits;
    const bool waits = theirs_.look().state.clients[i].waits;
    counts_.waits += waits && !waited;
    counts_.ended += waited && !waits;
    const bool acted = static_cast<int>(i) == step.client;
    counts_.messages += !acted && !waited && !their_bytes_[i].empty();
    std::string_view rest = their_bytes_[i];
    Value reply;
    for (int64_t size; !rest.empty() && (size = ParseValue(rest, &reply)) > 0;) {
      rest.remove_prefix(static_cast<size_t>(size));
      ++counts_.replies;
      if (reply.is_error()) ++counts_.errors[reply.text.substr(0, reply.text.find(' '))];
    }
  }
}

TrafficEpisode MultiClientRunner::Shrink(TrafficEpisode episode, const TrafficFinding& finding, int seconds) {
  const double end = NowSeconds() + seconds;
  const TrafficCounts counts = counts_;
  const auto fails = [&](const TrafficEpisode& shorter) {
    const std::optional<TrafficFinding> found = Replay(shorter);
    return found.has_value() && WithoutDigits(found->why) == WithoutDigits(finding.why);
  };
  if (!fails(episode)) return episode;  // it does not fail again: all of it is the report
  for (size_t chunk = std::max<size_t>(episode.steps.size() / 2, 1); NowSeconds() < end;) {
    bool removed = false;
    for (size_t at = 0; at < episode.steps.size() && NowSeconds() < end;) {
      TrafficEpisode shorter = episode;
      const auto from = shorter.steps.begin() + static_cast<std::ptrdiff_t>(at);
      shorter.steps.erase(from, from + static_cast<std::ptrdiff_t>(std::min(chunk, shorter.steps.size() - at)));
      if (fails(shorter)) {
        episode = std::move(shorter);
        removed = true;
      } else {
        at += chunk;
      }
    }
    if (chunk == 1 && !removed) break;
    chunk = std::max<size_t>(chunk / 2, 1);
  }
  counts_ = counts;
  return episode;
}

}  // namespace differential
