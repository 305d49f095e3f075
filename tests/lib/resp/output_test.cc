#include "lib/resp/output.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/base/random.h"
#include "lib/memory/heap.h"

namespace larder::resp {
namespace {

std::string Flat(const Output& out) {
  base::Buffer flat;
  EXPECT_TRUE(out.AppendTo(flat));
  return std::string(flat.view());
}

// What writev would send with at most `max` pieces.
std::string Gathered(const Output& out, size_t max) {
  std::vector<iovec> pieces(max);
  std::string all;
  const size_t n = out.Iovecs(pieces.data(), max);
  EXPECT_LE(n, max);
  for (size_t i = 0; i < n; ++i) {
    EXPECT_GT(pieces[i].iov_len, 0u);
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return all;
}

class OutputTest : public ::testing::Test {
 protected:
  memory::BlockRef NewBlock(size_t size, char fill) {
    memory::BlockRef block = memory::BlockRef::Adopt(heap_->New(size, size));
    for (size_t i = 0; i < size; ++i) block->data()[i] = static_cast<char>(fill + i % 7);
    return block;
  }

  memory::Heap::Ptr heap_ = memory::Heap::New();
};

TEST_F(OutputTest, SmallPartsOfBlocksAreCopiedLargeOnesPinned) {
  Output out;
  const memory::BlockRef block = NewBlock(40000, 'a');
  ASSERT_TRUE(out.AppendBlock(block, 5, Output::kByReferenceMin - 1));
  EXPECT_TRUE(block->unique());
  EXPECT_FALSE(out.has_references());
  out.bytes().Append("|");
  ASSERT_TRUE(out.AppendBlock(block, 5, Output::kByReferenceMin));
  out.bytes().Append("|");
  EXPECT_FALSE(block->unique());
  EXPECT_EQ(out.size(), 2 * Output::kByReferenceMin + 1);
  EXPECT_EQ(Flat(out), std::string(block->view().substr(5, Output::kByReferenceMin - 1)) + "|" +
                           std::string(block->view().substr(5, Output::kByReferenceMin)) + "|");
  out.Clear();
  EXPECT_TRUE(block->unique());
}

TEST_F(OutputTest, ABlockLivesUntilItsLastByteIsSent) {
  Output out;
  out.bytes().Append("head");
  ASSERT_TRUE(out.AppendBlock(NewBlock(20000, 'a'), 0, 20000));
  out.bytes().Append("tail");
  EXPECT_EQ(heap_->blocks(), 1u);
  out.Consume(4);
  out.Consume(19999);
  EXPECT_EQ(heap_->blocks(), 1u);
  EXPECT_EQ(out.size(), 5u);
  out.Consume(1);
  EXPECT_EQ(heap_->blocks(), 0u);
  EXPECT_EQ(Flat(out), "tail");
  EXPECT_EQ(out.view(), "tail");
  out.Consume(4);
  EXPECT_TRUE(out.empty());
}

TEST_F(OutputTest, ReferencesGoWithTheOutput) {
  {
    Output out;
    ASSERT_TRUE(out.AppendBlock(NewBlock(20000, 'a'), 0, 20000));
    out.bytes().Append("x");
    Output other(std::move(out));
    EXPECT_TRUE(out.empty());  // NOLINT: that is the promise
    EXPECT_EQ(other.size(), 20001u);
    out = std::move(other);
    EXPECT_EQ(out.size(), 20001u);
  }
  EXPECT_EQ(heap_->blocks(), 0u);
}

TEST_F(OutputTest, AnotherOutputIsAppendedWithItsBlocks) {
  const memory::BlockRef block = NewBlock(40'000, 'a');
  Output from;
  from.bytes().Append("sent|first|");
  ASSERT_TRUE(from.AppendBlock(block, 3, 20'000));
  from.bytes().Append("|");
  ASSERT_TRUE(from.AppendBlock(block, 100, 39'000));
  from.bytes().Append("|last");
  for (const size_t consumed : {size_t{5}, size_t{6}, size_t{7'000}, size_t{15'000}}) {  // by all that was consumed before
    from.Consume(consumed);
    const std::string expected = Flat(from);
    Output to;
    to.bytes().Append("gone|before|");
    to.Consume(5);
    ASSERT_TRUE(to.Append(from));
    ASSERT_TRUE(to.Append(from));
    EXPECT_EQ(Flat(to), "before|" + expected + expected);
    EXPECT_EQ(to.size(), 7 + 2 * expected.size());
    EXPECT_LE(to.referenced(), 2 * from.referenced()) << "what is left of a block may be little enough to copy";
    EXPECT_EQ(Flat(from), expected) << "which stays as it is";
    const size_t position = to.Position();
    ASSERT_TRUE(to.Append(from));
    to.RewindFailed(position);
    EXPECT_EQ(Flat(to), "before|" + expected + expected);
  }
  from.Clear();
  EXPECT_TRUE(block->unique());
}

TEST_F(OutputTest, LongStreamsUseLittleMemory) {
  Output out;
  const std::string line(100, 'x');
  // Always behind by some hundred bytes, 10 MB in all.
  for (int i = 0; i < 100000; ++i) {
    ASSERT_TRUE(out.bytes().Append(line));
    if (i > 5) out.Consume(100);
  }
  EXPECT_LT(out.memory(), 64u * 1024);
  out.Clear(1024);
  EXPECT_EQ(out.memory(), 0u);
}

// Against a std::string, with every operation there is.
TEST_F(OutputTest, RandomTrafficMatchesAString) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    Output out;
    std::string model;
    for (int step = 0; step < 400; ++step) {
      switch (random.Below(7)) {
        case 0:
        case 1: {
          const std::string text(random.Below(3000), static_cast<char>('a' + step % 26));
          out.bytes().Append(text);
          model += text;
          break;
        }
        case 2: {
          const memory::BlockRef block = NewBlock(16384 + random.Below(20000), 'A');
          const size_t from = random.Below(3) == 0 ? random.Below(block->size()) : 0;
          ASSERT_TRUE(out.AppendBlock(block, from, block->size() - from));
          out.bytes().Append("\r\n");
          model += std::string(block->view().substr(from)) + "\r\n";
          break;
        }
        case 3: {
          const size_t n = random.Below(model.size() + 1);
          out.Consume(n);
          model.erase(0, n);
          break;
        }
        case 4: {  // written, and taken back
          const size_t mark = out.Position();
          out.bytes().Append("gone");
          if (random.Below(2) != 0) {
            ASSERT_TRUE(out.AppendBlock(NewBlock(20000, 'B'), 0, 20000));
            out.bytes().Append("x");
          }
          out.Rewind(mark);
          break;
        }
        case 5: {  // a header put in front of what followed
          const size_t mark = out.Position();
          std::string body = "body";
          out.bytes().Append("body");
          if (random.Below(2) != 0) {
            const memory::BlockRef block = NewBlock(20000, 'C');
            ASSERT_TRUE(out.AppendBlock(block, 0, 20000));
            out.bytes().Append("y");
            body += std::string(block->view()) + "y";
          }
          ASSERT_TRUE(out.Insert(mark, "header"));
          model += "header" + body;
          break;
        }
        case 6: {
          const size_t max = 1 + random.Below(6);
          const std::string gathered = Gathered(out, max);
          ASSERT_EQ(gathered, model.substr(0, gathered.size()));
          ASSERT_TRUE(model.empty() || !gathered.empty());
          out.Consume(gathered.size());
          model.erase(0, gathered.size());
          break;
        }
      }
      ASSERT_EQ(out.size(), model.size());
      ASSERT_EQ(Flat(out), model);
    }
    EXPECT_EQ(Gathered(out, 10000), model);
    out.Clear();
    EXPECT_EQ(heap_->blocks(), 0u);
  }
}

}  // namespace
}  // namespace larder::resp
