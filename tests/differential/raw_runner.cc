#include "tests/differential/raw_runner.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/differential/temp_folder.h"

namespace differential {
namespace {

// How often a link is looked at again before it is said that the sides differ: the last bytes may be on their way.
constexpr int kLooks = 6;

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Where they part, with what is around it.
std::string Around(const std::string& bytes, size_t at) {
  const size_t from = at > 40 ? at - 40 : 0;
  return (from != 0 ? "..." : "") + Printable(bytes.substr(from, 200));
}

}  // namespace

RawRunner::RawRunner(Side& ours, Side& theirs) : ours_(ours), theirs_(theirs) {
  std::set<std::string> known;
  for (const Value& name : AskAdmin(ours_, our_admin_, {"COMMAND", "LIST"}).items) known.insert(Lower(name.text));
  for (const Value& name : AskAdmin(theirs_, their_admin_, {"COMMAND", "LIST"}).items) {
    if (!known.contains(Lower(name.text))) only_theirs_.insert(Lower(name.text));
  }
}

Value RawRunner::AskAdmin(Side& side, std::unique_ptr<Link>& link, const Argv& argv) {
  if (link == nullptr || link->closed()) link = side.Connect();
  return Ask(*link, argv);
}

void RawRunner::Prepare(const RawEpisode& episode) {
  for (auto [side, admin] : {std::pair(&ours_, &our_admin_), std::pair(&theirs_, &their_admin_)}) {
    for (const Argv& argv : {Argv{"FLUSHALL"}, Argv{"CONFIG", "SET", "requirepass", "", "proto-max-bulk-len", "512mb"},
                             Argv{"CONFIG", "SET", "requirepass", episode.password ? kRawPassword : ""}}) {
      const Value reply = AskAdmin(*side, *admin, argv);
      if (reply.text != "OK") Fail("an episode cannot begin: " + argv[0] + " gets " + reply.text);
    }
  }
}

// Whoever answers on another connection has run what came before: each turn of a loop reads what is there. It may have
// been cut there by a quota, hence several rounds.
void RawRunner::Settle(size_t rounds) {
  for (size_t i = 0; i < rounds; ++i) {
    AskAdmin(ours_, our_admin_, {"PING"});
    AskAdmin(theirs_, their_admin_, {"PING"});
  }
}

// ---- What may differ, and why ---------------------------------------------------------------------------------------

// A command that only Redis has. The traffic asks for none, but a mutation may make one; the sides have different keys
// from then on, so the episode ends.
constexpr char kOnlyTheirs[] = "a command that only Redis has";
// Redis closes a client that has broken the protocol when it has sent the error; if CLIENT REPLY silences that, it
// never does, and reads no more of what the client sends: a place of maxclients that nobody can use. Larder closes it.
constexpr char kDeaf[] = "a protocol error that is silenced closes";
// POST and Host: close a client at once, and replies that are not sent by then are lost: on Redis those to what came in
// the same read of 16 KB, on Larder those to what ran in the same batch (RESET, AUTH and CONFIG SET end one).
constexpr char kSentBefore[] = "how many replies before POST and Host: are sent";

bool RawRunner::OnlyTheirs(const std::string& ours, const std::string& theirs) const {
  static constexpr std::string_view kUnknown = "-ERR unknown command '";
  const size_t at = static_cast<size_t>(std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end()).first -
                                        ours.begin());
  const size_t line = ours.rfind("-ERR", at == ours.size() ? at : at + kUnknown.size());
  if (line == ours.npos || ours.compare(line, kUnknown.size(), kUnknown) != 0) return false;
  const size_t name = line + kUnknown.size();
  return only_theirs_.contains(Lower(ours.substr(name, ours.find('\'', name) - name)));
}

// Whatever the state of its replies and of its transaction, one that listens would answer one of these.
bool RawRunner::IsDeaf(Link& link) {
  link.Send("CLIENT REPLY ON\r\nDISCARD\r\nCLIENT REPLY ON\r\nPING\r\n");
  Settle(3);
  return link.Drain().empty() && !link.closed();
}

std::optional<RawFinding> RawRunner::CompareLink(Pair& pair, size_t send) {
  if (!pair.open) return std::nullopt;
  std::string ours = pair.ours->Drain();
  std::string theirs = pair.theirs->Drain();
  bool our_end = pair.ours->closed();
  bool their_end = pair.theirs->closed();
  for (int look = 0; look < kLooks && (our_end != their_end || WithoutIds(ours) != WithoutIds(theirs)); ++look) {
    Settle(1);
    ours += pair.ours->Drain();
    theirs += pair.theirs->Drain();
    our_end = pair.ours->closed();
    their_end = pair.theirs->closed();
  }
  bytes_compared_ += theirs.size();
  pair.open = !their_end && !our_end;
  closed_ += their_end;
  ours = WithoutIds(ours);
  theirs = WithoutIds(theirs);
  if (ours == theirs && our_end == their_end) return std::nullopt;
  const std::string sent = Lower(pair.sent);
  if (ours == theirs && our_end && sent.find("reply") != sent.npos && IsDeaf(*pair.theirs)) {
    ++forgiven_[kDeaf];
    return std::nullopt;
  }
  const bool is_http = sent.find("post") != sent.npos || sent.find("host:") != sent.npos;
  if (our_end && their_end && is_http && (ours.starts_with(theirs) || theirs.starts_with(ours))) {
    ++forgiven_[kSentBefore];
    return std::nullopt;
  }
  RawFinding finding;
  finding.send = send;
  if (ours == theirs) {
    finding.why = "the same bytes, but only one connection is closed";
    finding.ours = our_end ? "closed" : "open";
    finding.theirs = their_end ? "closed" : "open";
    return finding;
  }
  const size_t at = static_cast<size_t>(std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end()).first -
                                        ours.begin());
  finding.why = OnlyTheirs(ours, theirs) ? "" : "other bytes, from byte " + std::to_string(at) + " on";
  finding.ours = Around(ours, at) + (our_end ? " (closed)" : "");
  finding.theirs = Around(theirs, at) + (their_end ? " (closed)" : "");
  return finding;
}

std::optional<RawFinding> RawRunner::CompareKeys(size_t sends) {
  const auto dump = [&](Side& side, std::unique_ptr<Link>& admin) {
    std::string all;
    for (const char* db : {"0", "1", "2"}) {
      AskAdmin(side, admin, {"SELECT", db});
      std::vector<std::string> names;
      for (const Value& key : AskAdmin(side, admin, {"KEYS", "*"}).items) names.push_back(key.text);
      std::sort(names.begin(), names.end());
      for (const std::string& name : names) {
        const std::string value = AskAdmin(side, admin, {"GET", name}).text;
        const bool expires = AskAdmin(side, admin, {"TTL", name}).text != "-1";
        all += std::string(db) + " " + name + (expires ? " (expires) " : " ") + value + "\n";
      }
    }
    AskAdmin(side, admin, {"SELECT", "0"});
    return all;
  };
  const std::string ours = dump(ours_, our_admin_);
  const std::string theirs = dump(theirs_, their_admin_);
  if (ours == theirs) return std::nullopt;
  const size_t at = static_cast<size_t>(std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end()).first -
                                        ours.begin());
  return RawFinding{sends, "other keys", Around(ours, at), Around(theirs, at)};
}

std::optional<RawFinding> RawRunner::Run(const RawEpisode& episode) {
  Prepare(episode);
  Pair pairs[kRawLinks];
  for (Pair& pair : pairs) {
    pair.ours = ours_.Connect();
    pair.theirs = theirs_.Connect();
  }
  for (size_t i = 0; i < episode.sends.size(); ++i) {
    const RawSend& send = episode.sends[i];
    Pair& pair = pairs[send.link];
    if (!pair.open) continue;
    pair.sent += send.bytes;
    pair.ours->Send(send.bytes);
    pair.theirs->Send(send.bytes);
    const auto lines = static_cast<size_t>(std::count(send.bytes.begin(), send.bytes.end(), '\n'));
    Settle(2 + lines / 64 + send.bytes.size() / 16384);
    std::optional<RawFinding> finding = CompareLink(pair, i);
    if (!finding.has_value()) continue;
    if (!finding->why.empty()) return finding;
    ++forgiven_[kOnlyTheirs];
    return std::nullopt;
  }
  return CompareKeys(episode.sends.size());
}

RawEpisode RawRunner::Shrink(RawEpisode episode, int seconds) {
  const double end = NowSeconds() + seconds;
  const auto forgiven_before = forgiven_;
  const auto fails = [&](const RawEpisode& shorter) { return NowSeconds() < end && Run(shorter).has_value(); };
  bool changed = true;
  while (changed && NowSeconds() < end) {
    changed = false;
    for (size_t i = episode.sends.size(); i-- > 0;) {  // whole pieces
      RawEpisode shorter = episode;
      shorter.sends.erase(shorter.sends.begin() + static_cast<std::ptrdiff_t>(i));
      if (!fails(shorter)) continue;
      episode = std::move(shorter);
      changed = true;
    }
    for (size_t i = 0; i < episode.sends.size(); ++i) {  // parts of them
      for (size_t part = episode.sends[i].bytes.size() / 2; part > 0; part /= 2) {
        for (size_t at = 0; at + part <= episode.sends[i].bytes.size();) {
          RawEpisode shorter = episode;
          shorter.sends[i].bytes.erase(at, part);
          if (fails(shorter)) {
            episode = std::move(shorter);
            changed = true;
          } else {
            at += part;
          }
        }
      }
    }
  }
  forgiven_ = forgiven_before;
  return episode;
}

}  // namespace differential
