#include "lib/resp/writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "lib/base/buffer.h"
#include "lib/base/random.h"
#include "lib/memory/heap.h"
#include "lib/resp/reply_parser.h"

// The tests ask for more than there is, which AddressSanitizer would else take for a bug.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT: its name

namespace larder::resp {
namespace {

using Lit = std::string_view;

// What `write` produces in each protocol.
template <class F>
std::string Written(int protocol, F write) {
  Output out;
  ReplyWriter reply(out, protocol);
  write(reply);
  EXPECT_FALSE(out.failed());
  base::Buffer flat;
  EXPECT_TRUE(out.AppendTo(flat));
  EXPECT_EQ(flat.size(), out.size());
  return std::string(flat.view());
}

#define EXPECT_WRITES(call, resp2, resp3)                                     \
  EXPECT_EQ(Written(2, [](ReplyWriter& reply) { reply.call; }), Lit(resp2));  \
  EXPECT_EQ(Written(3, [](ReplyWriter& reply) { reply.call; }), Lit(resp3))

TEST(ReplyWriterTest, SpellsEachTypeInBothProtocols) {
  EXPECT_WRITES(Ok(), "+OK\r\n", "+OK\r\n");
  EXPECT_WRITES(Queued(), "+QUEUED\r\n", "+QUEUED\r\n");
  EXPECT_WRITES(Simple("PONG"), "+PONG\r\n", "+PONG\r\n");
  EXPECT_WRITES(Bulk(""), "$0\r\n\r\n", "$0\r\n\r\n");
  EXPECT_WRITES(Bulk("hello"), "$5\r\nhello\r\n", "$5\r\nhello\r\n");
  EXPECT_WRITES(BulkInt(-17), "$3\r\n-17\r\n", "$3\r\n-17\r\n");
  EXPECT_WRITES(Null(), "$-1\r\n", "_\r\n");
  EXPECT_WRITES(NullArray(), "*-1\r\n", "_\r\n");
  EXPECT_WRITES(Int(INT64_MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n");
  EXPECT_WRITES(Bool(true), ":1\r\n", "#t\r\n");
  EXPECT_WRITES(Bool(false), ":0\r\n", "#f\r\n");
  EXPECT_WRITES(Double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n");
  EXPECT_WRITES(Double(-INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
  EXPECT_WRITES(LongDoubleBulk(10.5L), "$4\r\n10.5\r\n", "$4\r\n10.5\r\n");
  EXPECT_WRITES(Array(3), "*3\r\n", "*3\r\n");
  EXPECT_WRITES(Array(12345), "*12345\r\n", "*12345\r\n");
  EXPECT_WRITES(Map(5), "*10\r\n", "%5\r\n");
  EXPECT_WRITES(Set(2), "*2\r\n", "~2\r\n");
  EXPECT_WRITES(Push(2), "*2\r\n", ">2\r\n");
  EXPECT_WRITES(Verbatim("txt", "hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
  EXPECT_WRITES(BigNumber("123"), "$3\r\n123\r\n", "(123\r\n");
  EXPECT_WRITES(Raw("+x\r\n"), "+x\r\n", "+x\r\n");
  EXPECT_EQ(Written(3, [](ReplyWriter& reply) { reply.Attribute(1); }), "|1\r\n");
}

TEST(ReplyWriterTest, BulksOfEveryLengthAreWhole) {
  for (size_t n = 0; n < 70; ++n) {
    std::string text(n, '\0');
    for (size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * 37);
    EXPECT_EQ(Written(2, [&](ReplyWriter& reply) { reply.Bulk(text); }),
              "$" + std::to_string(n) + "\r\n" + text + "\r\n");
  }
}

TEST(ReplyWriterTest, ErrorsKeepToOneLine) {
  static constexpr ErrorText kWrongType{absl::StatusCode::kFailedPrecondition, "WRONGTYPE no"};
  EXPECT_WRITES(Error(kWrongType), "-WRONGTYPE no\r\n", "-WRONGTYPE no\r\n");
  EXPECT_WRITES(Error(kOk), "", "");
  EXPECT_WRITES(Error(kReplied), "", "");
  EXPECT_WRITES(Error({"ERR unknown '", "FOO\r\nBAR", "'"}), "-ERR unknown 'FOO  BAR'\r\n",
                "-ERR unknown 'FOO  BAR'\r\n");
  Output out;
  ReplyWriter reply(out, 2);
  reply.Ok();
  EXPECT_EQ(reply.error_count(), 0u);
  reply.Error(kWrongType);
  reply.Error({"ERR x"});
  reply.Error(kReplied);
  EXPECT_EQ(reply.error_count(), 2u);
}

TEST(ReplyWriterTest, DeferredHeadersNest) {
  for (int protocol : {2, 3}) {
    EXPECT_EQ(Written(protocol,
                      [](ReplyWriter& reply) {
                        reply.Ok();
                        const size_t outer = reply.BeginDeferred();
                        const size_t map = reply.BeginDeferred();
                        reply.Bulk("k");
                        reply.Int(1);
                        reply.EndDeferredMap(map, 1);
                        const size_t set = reply.BeginDeferred();
                        for (int i = 0; i < 12; ++i) reply.Int(i % 10);
                        reply.EndDeferredSet(set, 12);
                        reply.EndDeferredArray(reply.BeginDeferred(), 0);
                        reply.EndDeferredArray(outer, 3);
                        reply.Ok();
                      }),
              std::string("+OK\r\n*3\r\n") + (protocol == 2 ? "*2" : "%1") + "\r\n$1\r\nk\r\n:1\r\n" +
                  (protocol == 2 ? "*" : "~") +
                  "12\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n:0\r\n:1\r\n*0\r\n+OK\r\n");
  }
}

TEST(ReplyWriterTest, RewindTakesBackBytesAndBlocks) {
  const memory::Heap::Ptr heap = memory::Heap::New();
  const memory::BlockRef block = memory::BlockRef::Adopt(heap->New(100000, 100000));
  std::fill_n(block->data(), 100000, 'z');
  Output out;
  ReplyWriter reply(out, 2);
  reply.BulkBlock(block, 0, 50000);
  const size_t size = out.size();
  const size_t mark = reply.Mark();
  reply.Int(5);
  reply.BulkBlock(block, 10, 60000);
  EXPECT_FALSE(block->unique());
  reply.Rewind(mark);
  EXPECT_EQ(out.size(), size);
  reply.Int(7);
  base::Buffer flat;
  ASSERT_TRUE(out.AppendTo(flat));
  EXPECT_EQ(flat.view(), "$50000\r\n" + std::string(50000, 'z') + "\r\n:7\r\n");
  reply.Rewind(0);
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(block->unique());
}

TEST(ReplyWriterTest, ALackOfMemoryMarksTheOutput) {
  Output out;
  ReplyWriter reply(out, 2);
  reply.Ok();
  reply.Bulk(std::string_view("x", SIZE_MAX / 2));  // never read: there is no room for it
  EXPECT_TRUE(out.failed());
  reply.EndDeferredArray(0, 2);
  reply.Ok();
  EXPECT_TRUE(out.failed());
  out.Clear();
  EXPECT_FALSE(out.failed());
  EXPECT_TRUE(out.empty());
}

// Random trees: what the writer says is what the reply parser reads, in both protocols.
class RandomReply {
 public:
  RandomReply(uint64_t seed, int protocol) : random_(seed), protocol_(protocol), writer_(out_, protocol) { Write(4); }

  std::string text() const {
    base::Buffer flat;
    EXPECT_TRUE(out_.AppendTo(flat));
    return std::string(flat.view());
  }
  const std::vector<ReplyItem::Kind>& kinds() const { return kinds_; }

 private:
  void Expect(ReplyItem::Kind kind3, ReplyItem::Kind kind2) { kinds_.push_back(protocol_ == 3 ? kind3 : kind2); }

  void Write(int depth) {
    using K = ReplyItem;
    const size_t n = random_.Below(5);
    size_t elements = n;
    switch (random_.Below(depth == 0 ? 9 : 13)) {
      case 0: Expect(K::kSimple, K::kSimple); return writer_.Ok();
      case 1: Expect(K::kBulk, K::kBulk); return writer_.Bulk(std::string(random_.Below(100), '\r'));
      case 2: Expect(K::kNil, K::kNil); return random_.Below(2) ? writer_.Null() : writer_.NullArray();
      case 3: Expect(K::kInteger, K::kInteger); return writer_.Int(static_cast<int64_t>(random_.Next()));
      case 4: Expect(K::kBoolean, K::kInteger); return writer_.Bool(random_.Below(2) != 0);
      case 5: Expect(K::kDouble, K::kBulk); return writer_.Double(random_.Below(4) == 0 ? INFINITY : random_.Unit());
      case 6: Expect(K::kVerbatim, K::kBulk); return writer_.Verbatim("mkd", std::string(random_.Below(50), 'v'));
      case 7: Expect(K::kBigNumber, K::kBulk); return writer_.BigNumber("-3492890328409238509324850943850943825024385");
      case 8: Expect(K::kError, K::kError); return writer_.Error({"ERR a", "\n", "b"});
      case 9: Expect(K::kArray, K::kArray); writer_.Array(n); break;
      case 10: Expect(K::kMap, K::kArray); writer_.Map(n); elements = 2 * n; break;
      case 11: Expect(K::kSet, K::kArray); writer_.Set(n); break;
      case 12: {
        Expect(K::kMap, K::kArray);
        const size_t mark = writer_.BeginDeferred();
        for (size_t i = 0; i < 2 * n; ++i) Write(depth - 1);
        return writer_.EndDeferredMap(mark, n);
      }
    }
    for (size_t i = 0; i < elements; ++i) Write(depth - 1);
  }

  base::Random random_;
  int protocol_;
  Output out_;
  ReplyWriter writer_;
  std::vector<ReplyItem::Kind> kinds_;
};

TEST(ReplyWriterTest, RandomRepliesReadBackTheSame) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    for (int protocol : {2, 3}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " protocol " + std::to_string(protocol));
      const RandomReply reply(seed, protocol);
      const std::string text = reply.text();
      ASSERT_EQ(ReplyLength(text), static_cast<ssize_t>(text.size()));
      std::vector<ReplyItem::Kind> kinds;
      for (size_t at = 0; at < text.size();) {
        ReplyItem item;
        const ssize_t length = ReadItem(std::string_view(text).substr(at), &item);
        ASSERT_GT(length, 0);
        kinds.push_back(item.kind);
        at += static_cast<size_t>(length);
      }
      ASSERT_EQ(kinds, reply.kinds());
      // In pieces: not complete before the last byte.
      ReplyScanner scanner;
      for (size_t n = 0; n < text.size(); ++n) ASSERT_EQ(scanner.Scan(text.substr(0, n)), 0) << n;
      ASSERT_EQ(scanner.Scan(text + "+more\r\n"), static_cast<ssize_t>(text.size()));
    }
  }
}

}  // namespace
}  // namespace larder::resp
