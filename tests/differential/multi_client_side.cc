#include "tests/differential/multi_client_side.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "tests/differential/temp_folder.h"

namespace differential {
namespace {

// How many turns without anything new are enough, and how many are too many to wait for an answer.
constexpr int kQuietTurns = 2;
constexpr int kTurnsMax = 1000;

std::vector<std::string> SortedTexts(const Value& value) {
  std::vector<std::string> texts;
  for (const Value& item : value.items) texts.push_back(item.text);
  std::sort(texts.begin(), texts.end());
  return texts;
}

// Whether a line of INFO tells what the traffic has done, not what was asked to watch it.
bool IsCounter(std::string_view line) {
  static constexpr std::string_view kStarts[] = {"errorstat_",       "keyspace_hits:",    "keyspace_misses:",
                                                 "expired_keys:",    "pubsub_channels:",  "pubsub_patterns:",
                                                 "blocked_clients:", "cmdstat_"};
  static constexpr std::string_view kOfControl[] = {"cmdstat_client|list:", "cmdstat_ping:", "cmdstat_config|",
                                                    "cmdstat_hello:", "cmdstat_client|id:"};
  const auto starts = [line](std::string_view start) { return line.starts_with(start); };
  return std::any_of(std::begin(kStarts), std::end(kStarts), starts) &&
         !std::any_of(std::begin(kOfControl), std::end(kOfControl), starts);
}

}  // namespace

MultiClientSide::MultiClientSide(Side& side) : side_(side), control_(side.Connect()) {}

void MultiClientSide::Restart(const std::array<int, kClients>& protocols) {
  for (int i = 0; i < kClients; ++i) {
    if (clients_[static_cast<size_t>(i)].link != nullptr) HangUp(i);
  }
  for (const Argv& argv : {Argv{"FLUSHALL"}, Argv{"CONFIG", "RESETSTAT"}}) {
    const Value reply = Ask(*control_, argv);
    if (reply.text != "OK") Fail("an episode cannot begin: " + argv[0] + " gets " + reply.text);
  }
  for (int i = 0; i < kClients; ++i) Connect(i, protocols[static_cast<size_t>(i)]);
  LookAtClients();
  LookAtKeys();
  Take();
}

void MultiClientSide::Connect(int client, int protocol) {
  Client& it = clients_[static_cast<size_t>(client)];
  it.link = side_.Connect();
  it.id = Ask(*it.link, {"CLIENT", "ID"}).text;
  if (protocol == 3) Ask(*it.link, {"HELLO", "3"});
}

void MultiClientSide::HangUp(int client) {
  Client& it = clients_[static_cast<size_t>(client)];
  it.link.reset();
  while (IsListed(it.id)) {
  }
}

bool MultiClientSide::IsListed(const std::string& id) {
  return Ask(*control_, {"CLIENT", "LIST", "ID", id}).text.find("id=") != std::string::npos;
}

void MultiClientSide::Send(int client, const std::vector<Argv>& commands) {
  std::string bytes;
  for (Argv argv : commands) {
    for (std::string& arg : argv) {
      if (!arg.starts_with(kClientIdMark)) continue;
      arg = clients_[static_cast<size_t>(arg[kClientIdMark.size()] - '0')].id;
    }
    bytes += Encode(argv);
  }
  clients_[static_cast<size_t>(client)].link->Send(bytes);
}

// Whether there was anything.
bool MultiClientSide::Gather() {
  bool any = false;
  for (Client& client : clients_) {
    const std::string more = client.link->Drain();
    any |= !more.empty();
    client.got += more;
  }
  return any;
}

void MultiClientSide::Settle(int client, bool keys) {
  int quiet = 0;
  for (int turns = 0; turns < kTurnsMax; ++turns) {
    Ask(*control_, {"PING"});
    quiet = Gather() ? 0 : quiet + 1;
    if (quiet < kQuietTurns) continue;
    LookAtClients();
    if (Gather()) {
      quiet = 0;
      continue;
    }
    const size_t i = static_cast<size_t>(client);
    if (client < 0 || !clients_[i].got.empty() || look_.state.clients[i].waits || !look_.is_there[i]) break;
  }
  if (keys) LookAtKeys();
}

std::array<std::string, kClients> MultiClientSide::Take() {
  std::array<std::string, kClients> all;
  for (size_t i = 0; i < kClients; ++i) all[i] = std::exchange(clients_[i].got, {});
  return all;
}

// ---- Looking --------------------------------------------------------------------------------------------------------

void MultiClientSide::LookAtClients() {
  look_.state.clients = {};
  look_.is_there = {};
  look_.clients = {};
  std::istringstream lines(Ask(*control_, {"CLIENT", "LIST"}).text);
  for (std::string line; std::getline(lines, line);) ReadClient(line);
}

void MultiClientSide::LookAtKeys() {
  const std::vector<std::string>& keys = TrafficKeys();
  std::string request;
  for (const std::string& key : keys) request += Encode({"TYPE", key}) + Encode({"OBJECT", "ENCODING", key});
  control_->Send(request);
  look_.state.type_of.clear();
  look_.keys.clear();
  for (const std::string& key : keys) {
    Value type, encoding;
    ParseValue(control_->Receive(), &type);
    ParseValue(control_->Receive(), &encoding);
    if (type.text == "none") continue;
    look_.state.type_of[key] = type.text;
    look_.keys += key + " " + type.text + " " + encoding.text + "\n";
  }
}

// "id=3 addr=... flags=N db=0 ..."
void MultiClientSide::ReadClient(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  size_t client = kClients;
  std::string described;
  while (words >> word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::string value = word.substr(equals + 1);
    if (name == "id") {
      const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const Client& c) { return c.id == value; });
      client = static_cast<size_t>(found - clients_.begin());
      if (client == kClients) return;  // the control
      look_.is_there[client] = true;
      continue;
    }
    ClientState& state = look_.state.clients[client];
    if (name == "flags") {
      if (value.find('c') != std::string::npos) {  // an in-memory connection is still listed when it has been closed
        look_.is_there[client] = false;
        return;
      }
      std::erase_if(value, [](char c) { return c == 'U' || c == 'N'; });  // of a unix socket; none
      state.waits = value.find('b') != std::string::npos;
    } else if (name == "multi") {
      state.in_multi = value != "-1";
    } else if (name == "resp") {
      state.protocol = value == "3" ? 3 : 2;
    } else if (name == "sub" || name == "psub" || name == "ssub") {
      state.channels += std::stoi(value);
    } else if (name != "name" && name != "db" && name != "cmd") {
      continue;
    }
    described += " " + name + "=" + value;
  }
  look_.clients[client] = described;
}

// ---- The end --------------------------------------------------------------------------------------------------------

std::string MultiClientSide::Dump() {
  std::string all = DumpCounters();
  for (const char* db : {"0", "1"}) {
    Ask(*control_, {"SELECT", db});
    all += "database " + std::string(db) + "\n";
    for (const std::string& key : SortedTexts(Ask(*control_, {"KEYS", "*"}))) all += key + " " + DumpKey(key) + "\n";
  }
  Ask(*control_, {"SELECT", "0"});
  return all;
}

std::string MultiClientSide::DumpCounters() {
  std::string all;
  std::istringstream lines(Ask(*control_, {"INFO", "all"}).text);
  std::vector<std::string> counters;
  for (std::string line; std::getline(lines, line);) {
    if (!IsCounter(line)) continue;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const size_t time = line.find(",usec=");
    const size_t counts = line.find(",rejected_calls=");
    if (time != line.npos && counts != line.npos) line.erase(time, counts - time);
    counters.push_back(line);
  }
  std::sort(counters.begin(), counters.end());
  for (const std::string& line : counters) all += line + "\n";
  for (const char* what : {"CHANNELS", "SHARDCHANNELS"}) {
    all += what + std::string(":");
    for (const std::string& channel : SortedTexts(Ask(*control_, {"PUBSUB", what}))) all += " " + channel;
    all += "\n";
  }
  return all + "patterns: " + Ask(*control_, {"PUBSUB", "NUMPAT"}).text + "\n";
}

std::string MultiClientSide::DumpKey(const std::string& key) {
  const std::string type = Ask(*control_, {"TYPE", key}).text;
  std::string all = type + " " + Ask(*control_, {"OBJECT", "ENCODING", key}).text;
  if (Ask(*control_, {"TTL", key}).text != "-1") all += " (expires)";
  if (type == "stream") return all + DumpStream(key);
  const bool is_ordered = type == "list" || type == "zset";
  const Argv argv = type == "list"   ? Argv{"LRANGE", key, "0", "-1"}
                    : type == "zset" ? Argv{"ZRANGE", key, "0", "-1", "WITHSCORES"}
                    : type == "set"  ? Argv{"SMEMBERS", key}
                    : type == "hash" ? Argv{"HVALS", key}
                                     : Argv{"GET", key};
  const Value value = Ask(*control_, argv);
  all += " " + value.text;
  if (is_ordered) {
    for (const Value& item : value.items) all += " " + item.text;
  } else {
    for (const std::string& text : SortedTexts(value)) all += " " + text;
  }
  return all;
}

std::string MultiClientSide::DumpStream(const std::string& key) {
  std::string all;
  const Value info = Ask(*control_, {"XINFO", "STREAM", key});
  for (const char* field : {"length", "last-generated-id", "max-deleted-entry-id", "entries-added", "groups"}) {
    const Value* value = info.Find(field);
    if (value != nullptr) all += " " + std::string(field) + "=" + value->text;
  }
  for (const Argv& argv : {Argv{"XRANGE", key, "-", "+"}, Argv{"XINFO", "GROUPS", key}, Argv{"XPENDING", key, "g"},
                           Argv{"XPENDING", key, "h"}}) {
    control_->Send(Encode(argv));
    all += " " + Printable(control_->Receive());
  }
  return all;
}

}  // namespace differential
