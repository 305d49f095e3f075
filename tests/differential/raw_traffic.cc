#include "tests/differential/raw_traffic.h"

#include <algorithm>
#include <random>
#include <string_view>

#include "tests/differential/sides.h"
#include "tests/shapes/requests.h"

namespace differential {
namespace {

using larder::engine::ArgSpec;
using larder::engine::ArgType;
using larder::engine::CommandRow;

class RawGenerator {
 public:
  RawGenerator(uint64_t seed, uint64_t number) : random_(seed * 0x9e3779b97f4a7c15u + number) {}

  RawEpisode Make() {
    RawEpisode episode;
    episode.password = Below(8) == 0;
    const size_t links = 1 + Below(kRawLinks);
    std::vector<std::vector<std::string>> pieces(links);
    for (auto& of_link : pieces) {
      std::string stream;
      if (episode.password && Below(2) == 0) stream = Request({"AUTH", Below(4) == 0 ? "wrong" : kRawPassword});
      for (size_t i = 3 + Below(16); i > 0; --i) stream += AnyRequest();
      for (size_t i = Below(3) == 0 ? 0 : 1 + Below(4); i > 0; --i) Mutate(stream);
      of_link = Cut(stream);
    }
    // Each client's pieces in their order, the clients mixed.
    for (;;) {
      std::vector<int> left;
      for (size_t i = 0; i < links; ++i) {
        if (!pieces[i].empty()) left.push_back(static_cast<int>(i));
      }
      if (left.empty()) return episode;
      const int link = left[Below(left.size())];
      auto& of_link = pieces[static_cast<size_t>(link)];
      episode.sends.push_back({link, of_link.front()});
      of_link.erase(of_link.begin());
    }
  }

 private:
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  template <size_t N>
  std::string Pick(const char* const (&from)[N]) {
    return from[Below(N)];
  }

  std::string Key() { return Pick({"a", "b", "c", "key:1", ""}); }
  std::string Number() {
    return Pick({"0", "1", "-1", "10", "007", "+5", "9223372036854775807", "-9223372036854775808", "1e3", " 1", "x"});
  }
  std::string Text() {
    switch (Below(6)) {
      case 0: return std::string(Below(3000), 'v');
      case 1: return std::string("\0\r\n\"'\\ \xff", 8);
      case 2: return std::string(20'000 + Below(3000), 'L');  // large enough for a block of its own
      case 3: return Number();
      default: return Pick({"v", "lighthouse", "", "*1\r\n", "$4", "3.14"});
    }
  }

  // What stands for an argument that is no token.
  std::string ValueOf(const ArgSpec& arg) {
    switch (arg.type) {
      case ArgType::kKey: return Key();
      case ArgType::kInteger: case ArgType::kUnixTime:
        // No key may expire while the two are compared.
        if (arg.name.find("seconds") != arg.name.npos || arg.type == ArgType::kUnixTime) return "9000000000000";
        return arg.name == "offset" ? Pick({"0", "5", "-1", "x"}) : Number();
      case ArgType::kDouble: return Number();
      default: return Text();
    }
  }
  Argv FromRow(const CommandRow& row) {
    class Dice final : public larder::testing::Choices {
     public:
      explicit Dice(RawGenerator& generator) : generator_(generator) {}
      bool Takes(const ArgSpec&) override { return generator_.Below(4) == 0; }
      int Repeats(const ArgSpec&) override { return static_cast<int>(generator_.Below(3)); }
      size_t Which(const ArgSpec&, size_t count) override { return generator_.Below(count); }
      std::string Value(const ArgSpec& arg) override { return generator_.ValueOf(arg); }

     private:
      RawGenerator& generator_;
    } dice(*this);
    return larder::testing::RequestOf(row, dice);
  }
  Argv FromRow(std::string_view name) { return FromRow(*larder::testing::CoreTable().FindByFullName(name)); }
  // Of all types, as their rows say. Replies whose order, or whose elements, are left to chance cannot be compared byte by
  // byte (the differential test does it another way); LCS of two large strings would take minutes.
  Argv TypeCommand() {
    static const std::vector<const CommandRow*> kRows = [] {
      std::vector<const CommandRow*> rows = larder::testing::RowsOfTypes();
      std::erase_if(rows, [](const CommandRow* row) {
        const auto& tips = row->spec->tips;
        return row->spec->name == "lcs" || std::any_of(tips.begin(), tips.end(), [](std::string_view tip) {
                 return tip.starts_with("nondeterministic_output");
               });
      });
      return rows;
    }();
    return FromRow(*kRows[Below(kRows.size())]);
  }

  Argv Command() {
    switch (Below(44)) {
      case 0: case 1: case 2: case 3: return FromRow("set");
      case 4: case 5: return FromRow("get");
      case 6: return FromRow("del");
      case 7: return FromRow("exists");
      case 8: return FromRow("type");
      case 9: return FromRow("rename");
      case 10: return FromRow("copy");
      case 11: case 12: case 13: case 14: case 15: case 16: case 17: case 18: case 19: case 20: return TypeCommand();
      case 21: return {"SELECT", Pick({"0", "1", "2", "16", "x"})};
      case 22: case 23: case 24: return {"MULTI"};
      case 25: case 26: case 27: return {"EXEC"};
      case 28: return {"DISCARD"};
      case 29: return {"WATCH", Key(), Key()};
      case 30: return {"UNWATCH"};
      case 31: return {"CLIENT", "REPLY", Pick({"ON", "OFF", "SKIP", "on", "?"})};
      case 32: return {"CLIENT", "REPLY", "ON"};
      case 33: return {"CLIENT", "SETNAME", Pick({"me", "a b", ""})};
      case 34: return {"CLIENT", "GETNAME"};
      case 35: return {"HELLO", Pick({"2", "3", "4", "x"})};
      case 36: return {"HELLO", "3", "SETNAME", "me"};
      case 37: return {"RESET"};
      case 38: return Below(4) == 0 ? Argv{"QUIT"} : Argv{"PING"};
      case 39: return {"PING", Text()};
      case 40: return {"ECHO", Text()};
      case 41: return {"DBSIZE"};
      case 42: return {"AUTH", Pick({"secret", "wrong", ""})};
      default: return {Pick({"NOSUCH", "GET", "set", "Exec", "FLUSHDB", "LCS", "OBJECT", "CONFIG"}), Key()};
    }
  }

  static std::string Request(const Argv& argv) { return Encode(argv); }

  // A line of words, as one types it.
  std::string Inline(const Argv& argv) {
    std::string line;
    for (const std::string& arg : argv) {
      if (!line.empty()) line += Pick({" ", " ", "  ", "\t"});
      const bool plain = !arg.empty() && arg.find_first_of(std::string_view("\0\r\n\"'\\ \t", 8)) == arg.npos;
      if (plain && arg.size() < 4000) {
        line += arg;
      } else {
        line += Pick({"\"\"", "''", "\"\\x00\\n\\\"\"", "'it\\'s'", "\"a b\"", "\"unfinished"});
      }
    }
    return line + Pick({"\r\n", "\r\n", "\n"});
  }

  std::string AnyRequest() {
    switch (Below(16)) {
      case 0: case 1: case 2: return Inline(Command());
      case 3: return Pick({"\r\n", "\n", "*0\r\n", "*-1\r\n", " \r\n", "*00\r\n"});
      case 4:
        if (Below(6) != 0) return Request(Command());
        return Pick(
            {"POST / HTTP/1.1\r\n", "Host: x\r\n", "POSTX\r\n", "Host:x\r\n", "post\r\n", "GET / HTTP/1.1\r\n"});
      case 5:
        if (Below(8) != 0) return Request(Command());
        return Request({"CONFIG", "SET", "proto-max-bulk-len", Pick({"1mb", "2mb", "1048576"})});
      default: return Request(Command());
    }
  }

  // One change to the bytes, somewhere; half of them where the protocol is.
  void Mutate(std::string& text) {
    if (text.empty()) return;
    size_t at = Below(text.size());
    if (Below(2) == 0) {
      const size_t special = text.find_first_of("*$\r\n", at);
      if (special != text.npos) at = special + (Below(2) == 0 && special + 1 < text.size() ? 1 : 0);
    }
    switch (Below(10)) {
      case 0: text[at] = static_cast<char>(random_()); break;
      case 1: text[at] = static_cast<char>(text[at] ^ (1 << Below(8))); break;
      case 2: text.erase(at, 1 + Below(4)); break;
      case 3: text.insert(at, 1, static_cast<char>(random_())); break;
      case 4:
        text.insert(at, Pick({"\r\n", "\n", "\r", "*", "$", "*1\r\n", "$3\r\n", "\"", "'", " ", "-", "0", "9"}));
        break;
      case 5: text.insert(at, 1, '\0'); break;
      case 6: {  // a part of it comes twice
        const std::string part = text.substr(at, 1 + Below(40));
        text.insert(Below(text.size()), part);
        break;
      }
      case 7: text.erase(at); break;  // the rest never comes
      case 8: {  // another number
        const size_t digit = text.find_first_of("0123456789", at);
        if (digit == text.npos) break;
        size_t end = digit;
        while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
        text.replace(digit, end - digit,
                     Pick({"0", "1", "2", "3", "10", "11", "1025", "16385", "-1", "2147483648", "99999999999999999999",
                           "01", "+1", "1048577"}));
        break;
      }
      case 9: text[at] = static_cast<char>(text[at] ^ 0x20); break;  // the other case
    }
  }

  std::vector<std::string> Cut(const std::string& stream) {
    std::vector<size_t> cuts = {0, stream.size()};
    for (size_t i = Below(7); i > 0; --i) cuts.push_back(Below(stream.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    std::vector<std::string> pieces;
    for (size_t i = 1; i < cuts.size(); ++i) {
      if (cuts[i] != cuts[i - 1]) pieces.push_back(stream.substr(cuts[i - 1], cuts[i] - cuts[i - 1]));
    }
    return pieces;
  }

  std::mt19937_64 random_;
};

}  // namespace

RawEpisode MakeRawEpisode(uint64_t seed, uint64_t number) { return RawGenerator(seed, number).Make(); }

}  // namespace differential
