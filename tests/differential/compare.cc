#include "tests/differential/compare.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "tests/shapes/requests.h"

namespace differential {
namespace {

// The same tree with what has no order sorted.
Value Sorted(Value value, bool arrays) {
  for (Value& item : value.items) item = Sorted(std::move(item), arrays);
  if (value.type == '~' || (arrays && value.type == '*')) std::sort(value.items.begin(), value.items.end());
  return value;
}

std::vector<std::string_view> Split(std::string_view text, std::string_view by) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t at = text.find(by);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + by.size());
  }
  return parts;
}

// A text reply without the "txt:" that RESP3 puts in front of it.
std::string_view Plain(const Value& value) {
  return value.type == '=' ? std::string_view(value.text).substr(4) : std::string_view(value.text);
}

// "a=1 b=2" or "a:1 b:2" as pairs in order.
std::vector<std::pair<std::string, std::string>> Fields(std::string_view line, std::string_view by, char is) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const std::string_view part : Split(line, by)) {
    const size_t at = part.find(is);
    fields.emplace_back(part.substr(0, at), at == std::string_view::npos ? "" : part.substr(at + 1));
  }
  return fields;
}

std::string Differ(std::string_view what, std::string_view ours, std::string_view theirs) {
  return std::string(what) + " differs: " + Printable(ours) + " / " + Printable(theirs);
}

}  // namespace

std::string RuleName(const Argv& argv) {
  std::string name = larder::testing::CommandNameOf(argv);
  return name == "debug" && argv.size() > 1 ? name + "|" + Lower(argv[1]) : name;
}

bool Comparer::ForgiveCutReply(const Argv& argv, std::string_view ours, std::string_view theirs) {
  return RuleName(argv) == "exec" && !ours.empty() && theirs.empty() && Forgive("exec", "after CLIENT KILL of oneself");
}

bool Comparer::Forgive(std::string_view command, std::string_view field) {
  const Difference* difference = FindDifference(command, field);
  if (difference == nullptr) return false;
  used_.insert(difference);
  ++forgiven_;
  return true;
}

std::string Comparer::Compare(const Argv& argv, const Value& ours, const Value& theirs,
                              const CompareContext& context) {
  if (ours == theirs) return "";
  const std::string name = RuleName(argv);
  if (ours.type != theirs.type) return "types differ";
  if (ours.is_error()) return CompareErrors(name, ours, theirs);
  if (name == "ttl" || name == "pttl" || name == "expiretime" || name == "pexpiretime" || name == "time") {
    return CompareTime(argv, name, ours, theirs, context);
  }
  if (name == "keys") return Sorted(ours, true) == Sorted(theirs, true) ? "" : "other keys";
  if (name.ends_with("scan")) return CompareScan(name, ours, theirs);
  if (name.ends_with("randfield") || name.ends_with("randmember")) return CompareRandom(ours, theirs);
  if (name == "hgetall" || name == "hkeys" || name == "hvals" || name == "smembers") {
    return CompareElements(argv, ours, theirs, context);
  }
  if (name == "sinter" || name == "sunion" || name == "sdiff") return CompareAlgebra(argv, ours, theirs, context);
  if (name == "spop") return Sorted(ours, true) == Sorted(theirs, true) ? "" : "other members";  // all: see TamePop
  if (name == "xpending" || name.starts_with("xinfo|")) return CompareStreamTimes("", ours, theirs);
  if (name == "randomkey") return CompareRandomKey(ours, theirs, context);
  if (name == "hello") return CompareHello(ours, theirs);
  if (name == "info") return CompareInfo(ours, theirs, context);
  if (name == "client|id") {
    if (ours.integer() != context.our_id || theirs.integer() != context.their_id) return "not the client's id";
    return Forgive(name, "value") ? "" : "ids differ";
  }
  if (name == "client|list" || name == "client|info") return CompareClients(ours, theirs);
  if (name == "config|get") return CompareConfig(ours, theirs);
  if (name == "command|list" || name == "command") return CompareNames(name, ours, theirs);
  if (name == "command|count") return ours.integer() > 0 && Forgive(name, "value") ? "" : "counts differ";
  if (name.ends_with("|help")) return CompareHelp(ours, theirs);
  if (name == "debug|object") return CompareDebugObject(ours, theirs);
  if (name.starts_with("object|")) return CompareObject(name, ours, theirs);
  if (name.starts_with("memory|")) return CompareMemory(name, ours, theirs);
  if (Sorted(ours, false) == Sorted(theirs, false)) return "";
  return "replies differ";
}

std::string Comparer::CompareErrors(const std::string& name, const Value& ours, const Value& theirs) {
  constexpr std::string_view kOurPolicies = ", volatile-s3fifo, allkeys-s3fifo";
  constexpr std::string_view kRedisOom = "OOM command not allowed when used memory > 'maxmemory'.";
  if (ours.text == "OOM the value is larger than 'maxmemory'" && theirs.text == kRedisOom) {
    return Forgive(kAnyCommand, "a value larger than maxmemory") ? "" : "errors differ";
  }
  std::string text = ours.text;
  const size_t at = text.find(kOurPolicies);
  if (at == std::string::npos) return "errors differ";
  text.erase(at, kOurPolicies.size());
  return text == theirs.text && Forgive(name, "policies") ? "" : "errors differ";
}

std::string Comparer::CompareTime(const Argv& argv, const std::string& name, const Value& ours, const Value& theirs,
                                  const CompareContext& context) {
  if (name == "time") {
    if (ours.items.size() != 2 || theirs.items.size() != 2) return "not two numbers";
    const int64_t a = std::stoll(ours.items[0].text) * 1'000'000 + std::stoll(ours.items[1].text);
    const int64_t b = std::stoll(theirs.items[0].text) * 1'000'000 + std::stoll(theirs.items[1].text);
    return std::abs(a - b) <= context.tolerance_ms * 1000 ? "" : "times differ";
  }
  const int64_t a = ours.integer();
  const int64_t b = theirs.integer();
  if (a < 0 || b < 0) return "one has an expiry";
  if (name[0] == 'p') return std::abs(a - b) <= context.tolerance_ms ? "" : "times differ";
  if (std::abs(a - b) > (context.tolerance_ms + 999) / 1000) return "times differ";
  if (context.in_batch) return "";
  // Seconds that differ although the milliseconds are near: each side must have rounded its own rightly.
  const auto [our_ms, their_ms] = context.ask({"P" + argv[0], argv[1]});
  const int64_t now_ms = our_ms.integer();
  const int64_t then_ms = name == "ttl" ? now_ms + context.tolerance_ms : now_ms;
  return a >= (now_ms + 500) / 1000 && a <= (then_ms + 500) / 1000 ? "" : "rounded otherwise";
}

std::string Comparer::CompareRandomKey(const Value& ours, const Value& theirs, const CompareContext& context) {
  if (ours.null || theirs.null) return "one is empty";
  if (context.in_batch) return "";
  const auto [ours_has, unused] = context.ask({"EXISTS", theirs.text});
  const auto [unused_too, theirs_has] = context.ask({"EXISTS", ours.text});
  return ours_has.text == "1" && theirs_has.text == "1" ? "" : "a key that the other side has not";
}

// Times differ a little, and so does what Redis says of its radix tree. `before`: the element before this one.
std::string Comparer::CompareStreamTimes(const std::string& before, const Value& ours, const Value& theirs) {
  if (ours == theirs) return "";
  constexpr int64_t kApartMs = 60'000;
  constexpr int64_t kThisCentury = 1'000'000'000'000;
  if (ours.type == ':' && theirs.type == ':') {
    if (before == "radix-tree-nodes") return Forgive("xinfo|stream", before) ? "" : "nodes differ";
    const bool near = std::abs(ours.integer() - theirs.integer()) < kApartMs;
    const bool time = before == "idle" || before == "(idle)" || ours.integer() > kThisCentury;
    return near && time ? "" : "numbers differ";
  }
  if (ours.type != theirs.type || ours.null != theirs.null || ours.items.empty() ||
      ours.items.size() != theirs.items.size()) {
    return "replies differ";
  }
  for (size_t i = 0; i < ours.items.size(); ++i) {
    std::string name = i == 0 ? "" : ours.items[i - 1].text;
    if (ours.items.size() == 4 && i == 2 && ours.items[3].type == ':') name = "(idle)";  // an entry of XPENDING
    const std::string why = CompareStreamTimes(name, ours.items[i], theirs.items[i]);
    if (!why.empty()) return why;
  }
  return "";
}

// The elements of a table have no order; those of what Redis packs have.
std::string Comparer::CompareElements(const Argv& argv, const Value& ours, const Value& theirs,
                                      const CompareContext& context) {
  const auto elements = [&](const Value& reply) {
    const size_t each = RuleName(argv) == "hgetall" ? 2 : 1;
    std::vector<std::vector<Value>> all;
    for (size_t i = 0; i + each <= reply.items.size(); i += each) {
      all.emplace_back(reply.items.begin() + static_cast<std::ptrdiff_t>(i),
                       reply.items.begin() + static_cast<std::ptrdiff_t>(i + each));
    }
    std::sort(all.begin(), all.end());
    return all;
  };
  if (elements(ours) != elements(theirs)) return "other elements";
  if (context.in_batch) return "";
  const auto [our_form, their_form] = context.ask({"OBJECT", "ENCODING", argv[1]});
  return our_form == their_form && our_form.text == "hashtable" ? "" : "another order";
}

// What is made of integers alone is in ascending order, as long as nothing on the way is more than an intset holds.
std::string Comparer::CompareAlgebra(const Argv& argv, const Value& ours, const Value& theirs,
                                     const CompareContext& context) {
  if (Sorted(ours, true) != Sorted(theirs, true)) return "other members";
  if (context.in_batch) return "";
  const auto [limit, unused] = context.ask({"CONFIG", "GET", "set-max-intset-entries"});
  const int64_t most = limit.items.size() == 2 ? std::stoll(limit.items[1].text) : 0;
  bool ascends = static_cast<int64_t>(theirs.items.size()) <= most;
  for (size_t i = 1; i < argv.size() && ascends; ++i) {
    const auto [form, their_form] = context.ask({"OBJECT", "ENCODING", argv[i]});
    const auto [size, their_size] = context.ask({"SCARD", argv[i]});
    ascends = (form.null || form.text == "intset") && size.integer() <= most;
  }
  return ascends ? "another order" : "";
}

// Each picks its own: of the same shape, and as many.
std::string Comparer::CompareRandom(const Value& ours, const Value& theirs) {
  if (ours.null != theirs.null || ours.items.size() != theirs.items.size()) return "another number of picks";
  for (size_t i = 0; i < ours.items.size(); ++i) {
    if (ours.items[i].type != theirs.items[i].type || ours.items[i].items.size() != theirs.items[i].items.size()) {
      return "picks of another shape";
    }
  }
  return "";
}

std::string Comparer::CompareScan(std::string_view command, const Value& ours, const Value& theirs) {
  if (ours.items.size() != 2 || theirs.items.size() != 2) return "not a cursor and keys";
  const std::string& cursor = ours.items[0].text;
  if (cursor.size() > 15 || std::stoull(cursor) >= uint64_t{1} << 48) return "our cursor is not below 2^48";
  if (ours.items[0] == theirs.items[0] && cursor == "0") {
    if (Sorted(ours.items[1], true) == Sorted(theirs.items[1], true)) return "";
  }
  return Forgive(command, "cursor") ? "" : "scans differ";
}

std::string Comparer::CompareObject(const std::string& name, const Value& ours, const Value& theirs) {
  if (name == "object|encoding" || ours.type != ':' || theirs.type != ':') return "replies differ";
  if (name == "object|refcount" && ours.text != "1" && ours.text != "2147483647") return "impossible count";
  if (name == "object|idletime" && ours.integer() > 60) return "impossible idle time";
  return Forgive(name, "value") ? "" : "values differ";
}

// The same fields in the same order; figures are each side's.
std::string Comparer::CompareMemory(const std::string& name, const Value& ours, const Value& theirs) {
  if (ours.null != theirs.null) return "one has no such key";
  if (name == "memory|usage" && ours.integer() <= 0) return "impossible size";
  if (ours.items.empty()) return Forgive(name, "value") ? "" : "values differ";
  if (ours.items.size() != theirs.items.size()) return "other numbers of fields";
  for (size_t i = 0; i + 1 < ours.items.size(); i += 2) {
    const Value& field = ours.items[i];
    const Value& a = ours.items[i + 1];
    const Value& b = theirs.items[i + 1];
    if (field != theirs.items[i]) return Differ("a field's name", field.text, theirs.items[i].text);
    if (a == b) continue;
    if (a.type != b.type) return "types of " + field.text + " differ";
    const std::string why = a.items.empty() ? Forgive(name, field.text) ? "" : Differ(field.text, a.text, b.text)
                                            : CompareMemory(name, a, b);
    if (!why.empty()) return why;
  }
  return "";
}

std::string Comparer::CompareHello(const Value& ours, const Value& theirs) {
  if (ours.items.size() != theirs.items.size()) return "sizes differ";
  for (size_t i = 0; i < ours.items.size(); ++i) {
    if (ours.items[i] == theirs.items[i]) continue;
    if (i == 0 || !Forgive("hello", ours.items[i - 1].text)) return "fields differ";
  }
  return "";
}

std::string Comparer::CompareClients(const Value& ours, const Value& theirs) {
  const auto our_lines = Split(Plain(ours), "\n");
  const auto their_lines = Split(Plain(theirs), "\n");
  if (our_lines.size() != their_lines.size()) return "other numbers of clients";
  for (size_t i = 0; i < our_lines.size(); ++i) {
    const auto a = Fields(our_lines[i], " ", '=');
    const auto b = Fields(their_lines[i], " ", '=');
    if (a.size() != b.size()) return "other numbers of fields";
    for (size_t j = 0; j < a.size(); ++j) {
      if (a[j] == b[j]) continue;
      if (a[j].first != b[j].first) return Differ("a field's name", a[j].first, b[j].first);
      if (!Forgive("client|list", a[j].first)) return Differ(a[j].first, a[j].second, b[j].second);
    }
  }
  return "";
}

std::string Comparer::CompareInfo(const Value& ours, const Value& theirs, const CompareContext& context) {
  std::map<std::string, std::string> fields;
  std::vector<std::string_view> our_sections, their_sections;
  for (const std::string_view line : Split(Plain(ours), "\r\n")) {
    if (line.starts_with("# ") && !Forgive("info", "section " + std::string(line.substr(2)))) {
      our_sections.push_back(line);
    }
    const size_t at = line.find(':');
    if (at != std::string_view::npos) fields.emplace(line.substr(0, at), line.substr(at + 1));
  }
  for (const std::string_view line : Split(Plain(theirs), "\r\n")) {
    if (line.starts_with("#")) their_sections.push_back(line);
    const size_t at = line.find(':');
    if (at == std::string_view::npos) continue;
    const std::string name(line.substr(0, at));
    const std::string value(line.substr(at + 1));
    const auto found = fields.find(name);
    const std::string our_value = found == fields.end() ? "(absent)" : found->second;
    if (found != fields.end()) fields.erase(found);
    std::string why = CompareInfoField(name, our_value, value, context);
    if (!why.empty()) return why;
  }
  if (our_sections != their_sections) {
    std::string names;
    for (const auto* sections : {&our_sections, &their_sections}) {
      names += "|";
      for (const std::string_view section : *sections) names += section;
    }
    return "other sections: " + names;
  }
  for (const auto& [name, value] : fields) {
    if (!Forgive("info", name)) return "INFO " + name + " is ours alone: " + value;
  }
  return "";
}

std::string Comparer::CompareInfoField(const std::string& name, const std::string& ours, const std::string& theirs,
                                       const CompareContext& context) {
  if (ours == theirs || Forgive("info", name)) return "";
  const bool counters = name.starts_with("cmdstat_");
  if (counters || name.starts_with("db")) {  // fields within the field
    const auto a = Fields(ours, ",", '=');
    const auto b = Fields(theirs, ",", '=');
    if (a.size() != b.size()) return Differ("INFO " + name, ours, theirs);
    for (size_t i = 0; i < a.size(); ++i) {
      const std::string field = (counters ? "cmdstat:" : "db:") + b[i].first;
      if (a[i] != b[i] && (a[i].first != b[i].first || !Forgive("info", field))) {
        return Differ("INFO " + name, ours, theirs);
      }
    }
    return "";
  }
  if (name == "server_time_usec") {
    return std::abs(std::stoll(ours) - std::stoll(theirs)) <= context.tolerance_ms * 1000 ? "" : "times differ";
  }
  return Differ("INFO " + name, ours, theirs);
}

std::string Comparer::CompareConfig(const Value& ours, const Value& theirs) {
  std::map<std::string, std::string> values;
  for (size_t i = 0; i + 1 < ours.items.size(); i += 2) {
    if (!values.emplace(ours.items[i].text, ours.items[i + 1].text).second) return "a directive twice";
  }
  for (size_t i = 0; i + 1 < theirs.items.size(); i += 2) {
    const std::string& name = theirs.items[i].text;
    const auto found = values.find(name);
    const std::string value = found == values.end() ? "(absent)" : found->second;
    if (found != values.end()) values.erase(found);
    if (value != theirs.items[i + 1].text && !Forgive("config|get", name)) {
      return Differ(name, value, theirs.items[i + 1].text);
    }
  }
  for (const auto& [name, value] : values) {
    if (!Forgive("config|get", name)) return name + " is ours alone";
  }
  return "";
}

// Names that both could know must be in both lists; Redis may have more.
std::string Comparer::CompareNames(const std::string& rule, const Value& ours, const Value& theirs) {
  std::set<std::string> a, b;
  for (const Value& item : ours.items) a.insert(item.items.empty() ? item.text : item.items[0].text);
  for (const Value& item : theirs.items) b.insert(item.items.empty() ? item.text : item.items[0].text);
  for (const std::string& name : a) {
    if (b.count(name) == 0) return name + " is ours alone";
  }
  for (const std::string& name : b) {
    if (a.count(name) == 0 && our_commands_.count(name) != 0) return name + " is theirs alone";
  }
  if (a == b) return "";
  return Forgive(rule, "families to come") ? "" : "lists differ";
}

// The shape is Redis's: an array of lines, the first one fixed. The rest is prose, about what there is.
std::string Comparer::CompareHelp(const Value& ours, const Value& theirs) {
  const std::string_view sides[] = {ours.items.empty() ? "" : std::string_view(ours.items[0].text),
                                    theirs.items.empty() ? "" : std::string_view(theirs.items[0].text)};
  if (sides[0] != sides[1]) return Differ("the first line", sides[0], sides[1]);
  return Forgive("help", "prose") ? "" : "texts differ";
}

std::string Comparer::CompareDebugObject(const Value& ours, const Value& theirs) {
  const auto a = Fields(ours.text, " ", ':');
  auto b = Fields(theirs.text, " ", ':');
  while (!b.empty() && b.back().first.starts_with("ql_") && Forgive("debug|object", b.back().first)) b.pop_back();
  if (a.size() != b.size()) return "other numbers of fields";
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (a[i].first != b[i].first || !Forgive("debug|object", a[i].first)) {
      return Differ(a[i].first, a[i].second, b[i].second);
    }
  }
  return "";
}

}  // namespace differential
