// Requests on streams: IDs that meet, nodes of few entries, groups with things pending. No ID is made of the clock,
// which differs between the sides.
#include <iterator>

#include "tests/differential/generator.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

constexpr std::string_view kGroups[] = {"g", "h", ""};

}  // namespace

std::string Generator::StreamIdText() {
  static const std::string kOdd[] = {"x", "-", "+", "$", ">", "(5", "5-*", "", " 5", "+5", "5-", " -5", "7- -8",
                                     "7--08", "0-0", "0", "18446744073709551615", "0-18446744073709551615",
                                     "18446744073709551615-18446744073709551615"};
  if (random_.Chance(8)) return random_.Pick(kOdd);
  const std::string ms = std::to_string(random_.Chance(70) ? stream_ms_ - random_.Below(30) : random_.Below(60));
  return random_.Chance(80) ? ms + "-" + std::to_string(random_.Below(4)) : ms;
}

std::string Generator::StreamBound() {
  if (random_.Chance(40)) return random_.Chance(50) ? "-" : "+";
  return (random_.Chance(30) ? "(" : "") + StreamIdText();
}

void Generator::AppendTrim(Argv* argv) {
  const bool by_id = random_.Chance(40);
  argv->push_back(Cased(by_id ? "MINID" : "MAXLEN"));
  if (random_.Chance(70)) argv->push_back(random_.Chance(70) ? "~" : "=");
  argv->push_back(by_id ? StreamIdText() : random_.Chance(90) ? std::to_string(random_.Below(40)) : Number());
  if (random_.Chance(20)) argv->insert(argv->end(), {Cased("LIMIT"), std::to_string(random_.Below(12) - 1)});
}

Argv Generator::StreamAdd(const std::string& key) {
  Argv argv = {"XADD", key};
  if (random_.Chance(5)) argv.push_back("NOMKSTREAM");
  if (random_.Chance(20)) AppendTrim(&argv);
  stream_ms_ += random_.Below(3);
  argv.push_back(random_.Chance(90) ? std::to_string(stream_ms_) + "-" +
                                          (random_.Chance(60) ? "*" : std::to_string(random_.Below(9)))
                                    : StreamIdText());
  const bool usual = random_.Chance(75);
  const int fields = usual ? 2 : 1 + random_.Below(4);
  for (int i = 0; i < fields; ++i) {
    argv.push_back(usual ? (i == 0 ? "a" : "b") : random_.Chance(50) ? Number() : Text());
    argv.push_back(random_.Chance(40) ? Number() : Text());
  }
  return argv;
}

Argv Generator::StreamRead(const std::string& key) {
  const bool of_group = random_.Chance(75);
  Argv argv = {of_group ? "XREADGROUP" : "XREAD"};
  if (of_group) argv.insert(argv.end(), {"GROUP", std::string(random_.Pick(kGroups)), Member()});
  if (random_.Chance(50)) argv.insert(argv.end(), {"COUNT", std::to_string(random_.Below(6) - 1)});
  if (of_group && random_.Chance(25)) argv.push_back("NOACK");
  argv.insert(argv.end(), {Cased("STREAMS"), key});
  const bool two = random_.Chance(25);
  if (two) argv.push_back(TypeKey(larder::engine::Group::kStream));
  for (int i = two; i >= 0; --i) argv.push_back(of_group && random_.Chance(65) ? ">" : StreamIdText());
  return argv;
}

Argv Generator::StreamClaim(const std::string& key, const std::string& group) {
  static constexpr std::string_view kIdles[] = {"0", "0", "0", "100000000", "-1", "x"};
  const std::string idle(random_.Pick(kIdles));
  if (random_.Chance(40)) {
    Argv argv = {"XAUTOCLAIM", key, group, Member(), idle, StreamBound()};
    if (random_.Chance(50)) argv.insert(argv.end(), {"COUNT", std::to_string(random_.Below(5))});
    if (random_.Chance(40)) argv.push_back(Cased("JUSTID"));
    return argv;
  }
  Argv argv = {"XCLAIM", key, group, Member(), idle};
  for (int i = random_.Below(4); i >= 0; --i) argv.push_back(StreamIdText());
  if (random_.Chance(40)) argv.push_back("FORCE");
  if (random_.Chance(30)) argv.push_back("JUSTID");
  if (random_.Chance(20)) argv.insert(argv.end(), {"RETRYCOUNT", std::to_string(random_.Below(9) - 1)});
  if (random_.Chance(20)) argv.insert(argv.end(), {"LASTID", StreamIdText()});
  if (random_.Chance(10)) argv.insert(argv.end(), {"TIME", "1000"});
  return argv;
}

Argv Generator::StreamGroup(const std::string& key, const std::string& group) {
  switch (random_.Below(6)) {
    case 0: return {"XGROUP", "SETID", key, group, random_.Chance(50) ? "$" : StreamIdText()};
    case 1: return {"XGROUP", random_.Chance(50) ? "CREATECONSUMER" : "DELCONSUMER", key, group, Member()};
    case 2: if (random_.Chance(30)) return {"XGROUP", "DESTROY", key, group}; [[fallthrough]];
    default: break;
  }
  Argv argv = {"XGROUP", "CREATE", key, group, random_.Chance(40) ? "0" : random_.Chance(50) ? "$" : StreamIdText()};
  if (random_.Chance(60)) argv.push_back("MKSTREAM");
  if (random_.Chance(20)) argv.insert(argv.end(), {"ENTRIESREAD", std::to_string(random_.Below(40) - 2)});
  return argv;
}

Argv Generator::StreamCommand() {
  const std::string key = random_.Chance(90) ? TypeKey(larder::engine::Group::kStream) : Key();
  const std::string group(random_.Pick(kGroups));
  switch (random_.Below(24)) {
    case 0: case 1: case 2: case 3: case 4: case 5: case 6: return StreamAdd(key);
    case 7: case 8: case 9: case 10: return StreamRead(key);
    case 11: return {"XACK", key, group, StreamIdText(), StreamIdText(), StreamIdText()};
    case 12: return {"XDEL", key, StreamIdText(), StreamIdText()};
    case 13: {
      Argv argv = {"XTRIM", key};
      AppendTrim(&argv);
      return argv;
    }
    case 14: return {random_.Chance(50) ? "XRANGE" : "XREVRANGE", key, StreamBound(), StreamBound()};
    case 15: return {"XRANGE", key, StreamBound(), StreamBound(), Cased("COUNT"), std::to_string(random_.Below(9) - 1)};
    case 16: return {"XPENDING", key, group};
    case 17: {
      Argv argv = {"XPENDING", key, group, StreamBound(), StreamBound(), std::to_string(random_.Below(9) - 1)};
      if (random_.Chance(40)) argv.push_back(Member());
      return argv;
    }
    case 18: case 19: return StreamClaim(key, group);
    case 20: return StreamGroup(key, group);
    case 21:
      if (random_.Chance(70)) return {"XINFO", "STREAM", key, "FULL"};
      return {"XSETID", key, StreamIdText(), "ENTRIESADDED", std::to_string(random_.Below(99))};
    case 22: return {"XINFO", random_.Chance(50) ? "GROUPS" : "STREAM", key};
    default: {
      if (random_.Chance(60)) return {"XINFO", "CONSUMERS", key, group};
      const bool entries = random_.Chance(50);
      return {"CONFIG", "SET", entries ? "stream-node-max-entries" : "stream-node-max-bytes",
              std::to_string(entries ? random_.Below(7) : random_.Below(600))};
    }
  }
}

}  // namespace differential
