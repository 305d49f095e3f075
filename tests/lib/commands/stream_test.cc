// Streams. Error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <map>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

class StreamTest : public CommandTest {
 protected:
  // A reply as text: nil, words, [elements]; a map is its keys and values in turn.
  static std::string TextOf(const ReplyView& reply) {
    if (reply.is_nil()) return "nil";
    if (reply.is_error()) return "-" + reply.AsString();
    if (!reply.is_aggregate()) return reply.AsString();
    std::string text = "[";
    for (const ReplyView& element : reply) text += (text.size() > 1 ? " " : "") + TextOf(element);
    return text + "]";
  }
  // The words of a line that has no quotes.
  std::string Ask(const std::string& line) {
    std::vector<std::string> argv(1);
    for (const char c : line) {
      if (c == ' ') {
        argv.emplace_back();
      } else {
        argv.back().push_back(c);
      }
    }
    const Reply reply = Run(argv);
    return TextOf(reply);
  }
  void Expect(const std::string& line, const std::string& reply) { EXPECT_EQ(Ask(line), reply) << line; }
  // XREAD's reply for one stream.
  std::string OneStream(const std::string& key, const std::string& entries) {
    return protocol() == 2 ? "[[" + key + " " + entries + "]]" : "[" + key + " " + entries + "]";
  }
  std::string Number(const std::string& key, const std::string& name) {
    const Reply reply = Run({"XINFO", "STREAM", key});
    return reply.Find(name)->AsString();
  }
  void Fill(const std::string& key, int entries) {
    for (int i = 1; i <= entries; ++i) Ask("XADD " + key + " " + std::to_string(i) + " a " + std::to_string(i));
  }
};
LARDER_COMMAND_TEST(StreamTest);

constexpr char kInvalidId[] = "-ERR Invalid stream ID specified as stream command argument";
constexpr char kTooSmall[] = "-ERR The ID specified in XADD is equal or smaller than the target stream top item";
constexpr char kWrongType[] = "-WRONGTYPE Operation against a key holding the wrong kind of value";

TEST_P(StreamTest, IdsGrow) {
  Expect("XADD t 0-0 a b", "-ERR The ID specified in XADD must be greater than 0-0");
  Expect("EXISTS t", "0");
  Expect("XADD t 0-* a b", "0-1");
  Expect("XADD t 0-* a b", "0-2");
  Expect("XADD t 0-2 a b", kTooSmall);
  Expect("XADD t 5 a b", "5-0");
  Expect("XADD t 5-* a b", "5-1");
  Expect("XADD t 4-* a b", kTooSmall);
  Expect("XADD t +6 a b", "6-0");
  for (const char* id :
       {"abc", "5-a", "-5", "5--1", "5-1-", "18446744073709551616", "-", "+", "$", ">", "**", "5-*x"}) {
    Expect("XADD t " + std::string(id) + " a b", kInvalidId);
  }
  Expect("XADD t 18446744073709551615 a b", "18446744073709551615-0");
  Expect("XADD t 18446744073709551615-18446744073709551615 a b", "18446744073709551615-18446744073709551615");
  Expect("XADD t * a b", "-ERR The stream has exhausted the last possible ID, unable to add more items");
  Expect("XLEN t", "7");
  Expect("TYPE t", "stream");
  EXPECT_EQ(EncodingOf("t"), "stream");
  const std::string now = std::to_string(now_ms());
  Expect("XADD now * a b", now + "-0");
  Expect("XADD now * a b", now + "-1");
  Advance(absl::Milliseconds(1));
  Expect("XADD now * a b", std::to_string(now_ms()) + "-0");
  Advance(absl::Milliseconds(-1));
  Expect("XADD now * a b", std::to_string(now_ms() + 1) + "-1");
}

TEST_P(StreamTest, AddRefuses) {
  constexpr char kArity[] = "-ERR wrong number of arguments for 'xadd' command";
  Run({"SET", "str", "x"});
  Expect("XADD s * a", kArity);
  Expect("XADD s * a b c", kArity);
  Expect("XADD s MAXLEN 5 * a", kArity);
  Expect("XADD str * a b", kWrongType);
  Expect("XADD str abc a b", kInvalidId);
  Expect("XADD s NOMKSTREAM * a b", "nil");
  Expect("EXISTS s", "0");
  Expect("XADD s MAXLEN x * a b", "-ERR value is not an integer or out of range");
  Expect("XADD s MAXLEN = -1 * a b", "-ERR The MAXLEN argument must be >= 0.");
  Expect("XADD s MAXLEN 5 LIMIT 5 * a b", "-ERR syntax error, LIMIT cannot be used without the special ~ option");
  Expect("XADD s LIMIT 5 * a b", "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
  Expect("XADD s MAXLEN ~ 5 LIMIT -1 * a b", "-ERR The LIMIT argument must be >= 0.");
  Expect("XADD s MAXLEN 5 MINID 6 * a b",
         "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
  Expect("XADD s MINID 5-* * a b", kInvalidId);
  Expect("XADD s MAXLEN 5 LIMIT", kInvalidId);
  Expect("XTRIM s MAXLEN 5 6", "-ERR syntax error");
  Expect("XTRIM s NOMKSTREAM MAXLEN", "-ERR syntax error");
  Expect("XTRIM str MAXLEN 5", kWrongType);
  Expect("XTRIM none MAXLEN 5", "0");
  Expect("XDEL none x", "0");
  Expect("XDEL str x", kWrongType);
}

TEST_P(StreamTest, Ranges) {
  for (const char* id : {"0-1", "0-2", "5-0", "5-1"}) Ask("XADD t " + std::string(id) + " a " + id);
  Expect("XRANGE t - +", "[[0-1 [a 0-1]] [0-2 [a 0-2]] [5-0 [a 5-0]] [5-1 [a 5-1]]]");
  Expect("XREVRANGE t + -", "[[5-1 [a 5-1]] [5-0 [a 5-0]] [0-2 [a 0-2]] [0-1 [a 0-1]]]");
  Expect("XRANGE t (0-1 (5-1", "[[0-2 [a 0-2]] [5-0 [a 5-0]]]");
  Expect("XRANGE t 5 5 COUNT 1", "[[5-0 [a 5-0]]]");
  Expect("XREVRANGE t (5 - COUNT 1", "[[5-1 [a 5-1]]]");
  Expect("XRANGE t + -", "[]");
  Expect("XRANGE t - + COUNT 0", "nil");
  Expect("XRANGE none - + COUNT 0", "[]");
  Expect("XRANGE t (18446744073709551615-18446744073709551615 +", "-ERR invalid start ID for the interval");
  Expect("XRANGE t - (0-0", "-ERR invalid end ID for the interval");
  Expect("XRANGE t (- +", kInvalidId);
  Expect("XRANGE none - + COUNT", "-ERR syntax error");
  Expect("XDEL t 0-2 9 0-2", "1");
  Expect("XDEL t 5 x", kInvalidId);
  Expect("XRANGE t - +", "[[0-1 [a 0-1]] [5-0 [a 5-0]] [5-1 [a 5-1]]]");
}

TEST_P(StreamTest, FieldsOfEveryKindAndSize) {
  std::map<int, std::vector<std::string>> model;
  int id = 0;
  for (const size_t size : {0, 1, 127, 128, 500, 512, 513, 5000, 40000}) {
    for (const bool other_fields : {false, true}) {
      std::vector<std::string> argv = {"XADD", "s", std::to_string(++id), "name", std::string(size, 'v'), "b", "x"};
      if (other_fields) argv.insert(argv.end(), {std::string(size, 'n'), "more"});
      EXPECT_EQ(TextOf(Run(argv)), std::to_string(id) + "-0");
      model[id] = {argv.begin() + 3, argv.end()};
    }
  }
  Expect("COPY s copy", "1");
  Expect("XDEL s 1 4 18", "3");
  for (const char* key : {"copy", "s"}) {
    const Reply all = Run({"XRANGE", key, "-", "+"});
    ASSERT_EQ(all.size(), model.size());
    size_t i = 0;
    for (const auto& [ms, words] : model) {
      EXPECT_EQ(all[i][0].AsString(), std::to_string(ms) + "-0");
      ASSERT_EQ(all[i][1].size(), words.size());
      for (size_t j = 0; j < words.size(); ++j) EXPECT_EQ(all[i][1][j].string_view(), words[j]);
      ++i;
    }
    for (const int gone : {1, 4, 18}) model.erase(gone);
  }
}

TEST_P(StreamTest, NodesSplitAndGoAsInRedis) {
  Run({"CONFIG", "SET", "stream-node-max-entries", "3"});
  Fill("s", 10);
  EXPECT_EQ(Number("s", "radix-tree-keys"), "4");
  Expect("XTRIM s MAXLEN ~ 5", "3");
  Expect("XTRIM s MAXLEN ~ 5 LIMIT 1", "0");
  Expect("XTRIM s MAXLEN 5", "2");
  EXPECT_EQ(Number("s", "radix-tree-keys"), "3");
  Expect("XDEL s 6", "1");
  EXPECT_EQ(Number("s", "radix-tree-keys"), "2");
  Expect("XTRIM s MINID ~ 9", "0");
  Expect("XTRIM s MINID ~ 10", "3");
  Expect("XTRIM s MINID 9-9", "0");
  Expect("XADD s MAXLEN ~ 0 11 a b", "11-0");
  Expect("XLEN s", "0");
  Expect("EXISTS s", "1");
  EXPECT_EQ(Number("s", "radix-tree-keys"), "0");
  EXPECT_EQ(Number("s", "last-generated-id"), "11-0");
  Run({"CONFIG", "SET", "stream-node-max-entries", "0", "stream-node-max-bytes", "100"});
  // 7 + "a" 3 + its count 2 + the end 2 + two counts 4; each entry 2 + 2 + 2 + 2 + 2: the tenth begins at 108.
  for (int i = 1; i <= 20; ++i) Ask("XADD bytes " + std::to_string(i) + " a 1");
  EXPECT_EQ(Number("bytes", "radix-tree-keys"), "3");
}

TEST_P(StreamTest, SetIdKeepsWhatIsThere) {
  Expect("XSETID none 5", "-ERR no such key");
  Ask("XADD s 5-1 a b");
  Expect("XSETID s 5-0", "-ERR The ID specified in XSETID is smaller than the target stream top item");
  Expect("XSETID s 6 ENTRIESADDED 0",
         "-ERR The entries_added specified in XSETID is smaller than the target stream length");
  Expect("XSETID s 6 ENTRIESADDED -1", "-ERR entries_added must be positive");
  Expect("XSETID s 6 MAXDELETEDID 7",
         "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
  Expect("XSETID s 6 5", "-ERR syntax error");
  Expect("XSETID s 6-5 ENTRIESADDED 100 MAXDELETEDID 4-4", "OK");
  Expect("XINFO STREAM s",
         "[length 1 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 6-5 max-deleted-entry-id 4-4 entries-added "
         "100 recorded-first-entry-id 5-1 groups 0 first-entry [5-1 [a b]] last-entry [5-1 [a b]]]");
  // An empty stream may go back to IDs before its first one, with entries of then pending.
  Ask("XGROUP CREATE s g 0");
  Ask("XREADGROUP GROUP g c STREAMS s >");
  Expect("XDEL s 5-1", "1");
  Expect("XSETID s 1-1", "OK");
  Expect("XADD s 2-2 a b", "2-2");
  Expect("XADD s 9-9 a b", "9-9");
  Expect("XRANGE s - +", "[[2-2 [a b]] [9-9 [a b]]]");
  Expect("XPENDING s g - + 10", "[[5-1 c 0 1]]");
}

TEST_P(StreamTest, ReadsBehindIds) {
  Fill("s", 3);
  Run({"SET", "str", "x"});
  Expect("XREAD STREAMS s 1", OneStream("s", "[[2-0 [a 2]] [3-0 [a 3]]]"));
  Expect("XREAD COUNT 1 STREAMS none s 0 0", OneStream("s", "[[1-0 [a 1]]]"));
  Expect("XREAD STREAMS s $", "nil");
  Expect("XREAD STREAMS s none 0",
         "-ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
  Expect("XREAD STREAMS str x", kWrongType);
  Expect("XREAD COUNT x STREAMS s 0", "-ERR value is not an integer or out of range");
  Expect("XREAD BLOCK x STREAMS s 0", "-ERR timeout is not an integer or out of range");
  Expect("XREAD BLOCK -1 STREAMS s 0", "-ERR timeout is negative");
  Expect("XREAD s 0 0 0", "-ERR syntax error");
  Expect("XREAD STREAMS s >",
         "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
  Expect("XREAD GROUP g c STREAMS s 0",
         "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
  Expect("XREADGROUP STREAMS s 0 0 0 0 0", "-ERR Missing GROUP option for XREADGROUP");
  Expect("XREADGROUP GROUP g c STREAMS s >",
         "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option");
}

TEST_P(StreamTest, GroupsAreGivenEachEntryOnce) {
  Fill("s", 4);
  Expect("XGROUP CREATE none g 0",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
         "option to create an empty stream automatically.");
  Expect("XGROUP CREATE s g 0", "OK");
  Expect("XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists");
  Expect("XGROUP CREATE s g x", kInvalidId);
  Expect("XGROUP CREATE s h $ FOO",
         "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.");
  Expect("XREADGROUP GROUP g c COUNT 2 STREAMS s >", OneStream("s", "[[1-0 [a 1]] [2-0 [a 2]]]"));
  Expect("XREADGROUP GROUP g d COUNT 1 STREAMS s >", OneStream("s", "[[3-0 [a 3]]]"));
  Expect("XREADGROUP GROUP g d NOACK STREAMS s >", OneStream("s", "[[4-0 [a 4]]]"));
  Expect("XREADGROUP GROUP g e STREAMS s >", "nil");
  Expect("XREADGROUP GROUP g c STREAMS s 1", OneStream("s", "[[2-0 [a 2]]]"));
  Advance(absl::Milliseconds(50));
  Expect("XPENDING s g", "[3 1-0 3-0 [[c 2] [d 1]]]");
  Expect("XPENDING s g - + 10", "[[1-0 c 50 1] [2-0 c 50 2] [3-0 d 50 1]]");
  Expect("XPENDING s g IDLE 51 - + 10", "[]");
  Expect("XPENDING s g (1-0 + 10 c", "[[2-0 c 50 2]]");
  Expect("XPENDING s g - +", "-ERR syntax error");
  Expect("XPENDING s none", "-NOGROUP No such key 's' or consumer group 'none'");
  Expect("XINFO GROUPS s", "[[name g consumers 2 pending 3 last-delivered-id 4-0 entries-read 4 lag 0]]");
  Expect("XINFO CONSUMERS s g", "[[name c pending 2 idle 50] [name d pending 1 idle 50]]");
  Expect("XACK s g 1 1 9", "1");
  Expect("XACK s none x", "0");
  Expect("XACK s g x", kInvalidId);
  Expect("XDEL s 2", "1");
  Expect("XREADGROUP GROUP g c STREAMS s 0", OneStream("s", "[[2-0 nil]]"));
  Expect("XGROUP DELCONSUMER s g c", "1");
  Expect("XPENDING s g", "[1 3-0 3-0 [[d 1]]]");
  Expect("XGROUP SETID s g 3", "OK");
  Expect("XREADGROUP GROUP g d STREAMS s >", OneStream("s", "[[4-0 [a 4]]]"));
  Expect("XGROUP DESTROY s g", "1");
  Expect("XGROUP DESTROY s g", "0");
  Expect("XGROUP CREATECONSUMER s g c", "-NOGROUP No such consumer group 'g' for key name 's'");
  Expect("XGROUP CREATE empty g $ MKSTREAM ENTRIESREAD 3", "OK");
  Expect("XGROUP CREATECONSUMER empty g c", "1");
  Expect("XGROUP CREATECONSUMER empty g c", "0");
  Expect("XLEN empty", "0");
}

TEST_P(StreamTest, ClaimsChangeHands) {
  Fill("s", 4);
  Ask("XGROUP CREATE s g 0");
  Ask("XREADGROUP GROUP g c COUNT 3 STREAMS s >");
  Advance(absl::Milliseconds(100));
  Expect("XCLAIM s g d 200 1", "[]");
  Expect("XCLAIM s g d 100 1 9", "[[1-0 [a 1]]]");
  Expect("XCLAIM s g d 0 1 JUSTID RETRYCOUNT 7 IDLE 30", "[1-0]");
  Expect("XPENDING s g - + 10 d", "[[1-0 d 30 7]]");
  Expect("XCLAIM s g d 0 4", "[]");
  Expect("XCLAIM s g d 0 4 FORCE", "[[4-0 [a 4]]]");
  Expect("XCLAIM s g d x 1", "-ERR Invalid min-idle-time argument for XCLAIM");
  Expect("XCLAIM s g d 0 1 FOO", "-ERR Unrecognized XCLAIM option 'FOO'");
  Expect("XCLAIM s g d 0 1 TIME x", "-ERR Invalid TIME option argument for XCLAIM");
  Expect("XCLAIM s none d x 1", "-NOGROUP No such key 's' or consumer group 'none'");
  Expect("XCLAIM s g d 0 1 LASTID 9-9 JUSTID", "[1-0]");
  Expect("XINFO GROUPS s", "[[name g consumers 2 pending 4 last-delivered-id 9-9 entries-read 3 lag 1]]");
  Expect("XDEL s 2", "1");
  Expect("XAUTOCLAIM s g e 0 0 COUNT 2 JUSTID", "[3-0 [1-0] [2-0]]");
  Expect("XAUTOCLAIM s g e 0 - COUNT 0", "-ERR COUNT must be > 0");
  Expect("XAUTOCLAIM s g e 1000 0", "[0-0 [] []]");
  Expect("XAUTOCLAIM s g e 50 (1", "[0-0 [[3-0 [a 3]]] []]");
  Expect("XINFO STREAM s FULL COUNT 1",
         "[length 3 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 4-0 max-deleted-entry-id 2-0 entries-added "
         "4 recorded-first-entry-id 1-0 entries [[1-0 [a 1]]] groups [[name g last-delivered-id 9-9 entries-read 3 lag 1"
         " "
         "pel-count 3 pending [[1-0 e " + std::to_string(now_ms()) + " 7]] consumers [[name c seen-time " +
         std::to_string(now_ms() - 100) + " pel-count 0 pending []] [name d seen-time " + std::to_string(now_ms()) +
         " pel-count 1 pending [[4-0 " + std::to_string(now_ms()) + " 2]]] [name e seen-time " +
         std::to_string(now_ms()) + " pel-count 2 pending [[1-0 " + std::to_string(now_ms()) + " 7]]]]]]]");
}

TEST_P(StreamTest, ThousandsPendingOfOneWhoIsDeletedAreGoneAtOnce) {
  Ask("XGROUP CREATE s g 0 MKSTREAM");
  Fill("s", 3000);
  Ask("XREADGROUP GROUP g busy COUNT 2900 STREAMS s >");
  Ask("XREADGROUP GROUP g slow STREAMS s >");
  Expect("COPY s copy", "1");
  Expect("XGROUP DELCONSUMER s g busy", "2900");
  Expect("XPENDING s g", "[100 2901-0 3000-0 [[slow 100]]]");
  Expect("XPENDING s g - + 1 slow", "[[2901-0 slow 0 1]]");
  Expect("XPENDING s g - + 1", "[[2901-0 slow 0 1]]");
  Expect("XACK s g 5 2901", "1");
  Expect("XAUTOCLAIM s g other 0 0 COUNT 1 JUSTID", "[2903-0 [2902-0] []]");
  Expect("XCLAIM s g other 0 7 FORCE JUSTID", "[7-0]");
  EXPECT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  Expect("XPENDING s g", "[100 7-0 3000-0 [[other 2] [slow 98]]]");
  Expect("XPENDING copy g", "[3000 1-0 3000-0 [[busy 2900] [slow 100]]]");
  Expect("XGROUP DESTROY copy g", "1");
  Expect("XGROUP CREATE copy g 0", "OK");
  Expect("XPENDING copy g", "[0 nil nil nil]");
  Expect("DEL s copy", "2");
}

TEST_P(StreamTest, WatchSeesEntriesAndNotGroups) {
  Fill("s", 3);
  EXPECT_FALSE(RunsAfter("s", {"XADD", "s", "9", "a", "b"}));
  EXPECT_FALSE(RunsAfter("s", {"XDEL", "s", "9"}));
  EXPECT_FALSE(RunsAfter("s", {"XTRIM", "s", "MAXLEN", "2"}));
  EXPECT_FALSE(RunsAfter("t", {"XGROUP", "CREATE", "t", "g", "0", "MKSTREAM"}));
  EXPECT_TRUE(RunsAfter("s", {"XSETID", "s", "20"}));
  EXPECT_TRUE(RunsAfter("s", {"XGROUP", "CREATE", "s", "g", "0"}));
  EXPECT_TRUE(RunsAfter("s", {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"}));
  EXPECT_TRUE(RunsAfter("s", {"XACK", "s", "g", "2"}));
  EXPECT_TRUE(RunsAfter("s", {"XGROUP", "DESTROY", "s", "g"}));
}

TEST_P(StreamTest, IsAValueLikeOthers) {
  Fill("s", 500);
  Ask("XGROUP CREATE s g 0");
  Ask("XREADGROUP GROUP g c STREAMS s >");
  Expect("PEXPIRE s 5000", "1");
  Expect("XADD s 501 a b", "501-0");
  EXPECT_EQ(TtlMs("s"), 5000);
  Expect("RENAME s moved", "OK");
  Expect("XLEN moved", "501");
  Expect("XPENDING moved g - + 1", "[[1-0 c 0 1]]");
  Expect("SCAN 0 TYPE stream", "[0 [moved]]");
  Advance(absl::Seconds(6));
  Expect("XLEN moved", "0");
  Expect("EXISTS moved", "0");
  Expect("XINFO STREAM moved", "-ERR no such key");
  Expect("XINFO FOO", "-ERR unknown subcommand 'FOO'. Try XINFO HELP.");
}

}  // namespace
}  // namespace larder::testing
