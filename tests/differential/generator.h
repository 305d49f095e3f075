// Random requests: valid, odd and wrong ones, over few enough keys that they meet.
//
// A stream is cut into episodes. Every episode starts from the same state and follows from its own seed alone, so that
// one failing episode is replayed by itself and can be shrunk.
//
// What a request may not contain is anything whose outcome depends on the millisecond at which it runs: a time to live
// is either so long that no episode lives to see its end, or so short (`short_ttl_ms`) that the runner waits it out.
#ifndef LARDER_TESTS_DIFFERENTIAL_GENERATOR_H_
#define LARDER_TESTS_DIFFERENTIAL_GENERATOR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/value.h"

namespace larder::inline v0::engine {
struct ArgSpec;
struct CommandRow;
enum class Group : uint8_t;
}  // namespace larder::inline v0::engine

namespace differential {

inline constexpr int kLinks = 3;      // clients of a stream
inline constexpr int kDatabases = 3;  // databases in use; 16 exist

// An argument that differs between the sides. The runner puts each side's own value in its place.
inline constexpr std::string_view kIdOf[kLinks] = {"\x01id0", "\x01id1", "\x01id2"};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {  // SplitMix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int Below(int n) { return static_cast<int>(Next() % static_cast<uint64_t>(n)); }
  bool Chance(int percent) { return Below(100) < percent; }
  template <class T, size_t n>
  const T& Pick(const T (&from)[n]) {
    return from[Next() % n];
  }

 private:
  uint64_t state_;
};

struct Episode {
  uint64_t seed = 0;
  int protocol = 2;        // that links start with
  bool password = false;   // requirepass is kPassword
  enum Focus { kEverything, kExpiry, kTransactions } focus = kEverything;  // what half of its requests are about
  bool large = false;      // values over 16 KB too (and no LCS, which would take their product)
  int size = 0;            // steps
};
// Short times to live: longer than a step takes, short enough to wait for.
inline constexpr int kShortTtlMinMs = 20;
inline constexpr int kShortTtlMaxMs = 34;
inline constexpr std::string_view kPassword = "sesame";

Episode MakeEpisode(uint64_t seed, int number, int size);

struct Step {
  enum Kind {
    kCommands,   // sent at once, a reply to each
    kQuiet,      // sent at once, some without a reply (CLIENT REPLY): the bytes up to an ECHO are compared
    kFullScan,   // SCAN from 0 to 0 with the options in commands[0]
    kReconnect,  // the client goes and comes back
    kNoMemory,   // one by one; after each, all is evicted that may be: Redis does so before the next command, whatever
                 // it is
    kPause,      // one by one, with a wait for the end of short times to live before the last one
  };
  Kind kind = kCommands;
  int link = 0;
  std::vector<Argv> commands;
  int short_ttl_ms = 0;  // some key may end within this time
};

class Generator {
 public:
  explicit Generator(const Episode& episode) : episode_(episode), random_(episode.seed) {}
  Step Next();

 private:
  class Chances;

  Argv Command(int link);
  std::vector<Argv> Quiet();
  std::vector<Argv> NoMemory(int link);
  std::vector<Argv> UnseenEnd();
  Argv StringCommand();
  Argv TypeCommand();
  Argv StreamCommand();
  Argv StreamAdd(const std::string& key);
  Argv StreamRead(const std::string& key);
  Argv StreamClaim(const std::string& key, const std::string& group);
  Argv StreamGroup(const std::string& key, const std::string& group);
  void AppendTrim(Argv* argv);
  std::string StreamIdText();
  std::string StreamBound();
  std::string TypeKey(larder::engine::Group group);
  std::string Member();
  Argv BitmapCommand();
  Argv HyperLogLogCommand();
  Argv SetCommand();
  std::string SetMember();
  Argv WithSets(Argv argv);
  void TamePop(Argv& argv);
  Argv ListCommand();
  Argv SortCommand(const larder::engine::CommandRow& row);
  std::string ListKey();
  std::string ListIndex();
  Argv ZsetCommand();
  Argv GeoCommand();
  Argv GeoAdd();
  Argv GeoSearch();
  void AddPoint(Argv* argv);
  void AddSearchOptions(Argv* argv);
  Argv LexCommand();
  Argv ScoreRange();
  Argv AddScored();
  void AddOperands(Argv* argv);
  void TameLex(Argv& argv);
  void TameRandom(Argv& argv);
  Argv KeyCommand();
  Argv TransactionCommand(int link);
  Argv ExpiryFocus();
  Argv TransactionFocus(int link);
  Argv ConnectionCommand();
  Argv ServerCommand();
  Argv OddCommand();
  Argv FromRow(const larder::engine::CommandRow& row);
  Argv FromRow(std::string_view full_name);
  Argv Scan();
  Argv ScanOptions(Argv argv);
  Argv Client();
  Argv ClientKill();
  Argv ClientPause();
  Argv Config();
  Argv Debug();
  Argv Memory();
  Argv CommandCommand();
  void Mutate(Argv& argv);
  void LengthenTtls(Argv& argv);

  std::string ValueOf(const larder::engine::ArgSpec& arg);
  std::string Key();
  std::string Text();
  std::string Number();
  std::string Float();
  std::string Score();
  std::string ScoreBound();
  std::string LexBound();
  std::string Offset();
  std::string BitOffset();
  std::string FieldType();
  std::string Db();
  std::string Pattern();
  std::string Seconds(bool ms);
  std::string UnixTime(bool ms);
  std::string Cased(std::string_view word);
  std::string Junk();
  std::string Id() { return std::string(random_.Pick(kIdOf)); }

  Episode episode_;
  Random random_;
  int short_ttl_ms_ = 0;
  bool fixed_ = false;  // the command may not be mutated: it would become one that the machine pays for
  bool of_bits_ = false;  // its offsets are bits
  bool of_sets_ = false;  // its keys are those of SetCommand
  bool of_geo_ = false;  // its keys are those of GeoCommand
  bool of_zsets_ = false;  // its keys are those of ZsetCommand
  int stream_ms_ = 40;  // of the newest ID
  bool in_multi_[kLinks] = {};
};

// Every key that Generator may make.
std::vector<std::string> AllKeys();

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_GENERATOR_H_
