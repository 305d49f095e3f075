#include "lib/base/buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

// The tests ask for more than there is, which AddressSanitizer would else take for a bug.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT: its name

namespace larder::base {
namespace {

TEST(BufferTest, GrowsAndKeepsItsBytes) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 10000; ++i) {
    const std::string part = std::to_string(i);
    ASSERT_TRUE(buffer.Append(part));
    expected += part;
  }
  EXPECT_EQ(buffer.view(), expected);
  EXPECT_LE(buffer.capacity(), 2 * expected.size());
  buffer.DropFront(5);
  EXPECT_EQ(buffer.view(), expected.substr(5));
  buffer.Truncate(3);
  EXPECT_EQ(buffer.view(), expected.substr(5, 3));
}

TEST(BufferTest, AFailedAppendLeavesTheBytesAndIsRemembered) {
  Buffer buffer;
  ASSERT_TRUE(buffer.Append("abc"));
  EXPECT_FALSE(buffer.Reserve(SIZE_MAX - 1));  // wraps
  EXPECT_FALSE(buffer.Reserve(SIZE_MAX / 2));  // no machine has it
  EXPECT_EQ(buffer.Extend(SIZE_MAX / 2), nullptr);
  EXPECT_TRUE(buffer.failed());
  EXPECT_EQ(buffer.view(), "abc");
  EXPECT_TRUE(buffer.Append("d"));
  EXPECT_TRUE(buffer.failed());
  buffer.Clear();
  EXPECT_FALSE(buffer.failed());
}

TEST(BufferTest, MovesLeaveAnEmptyBuffer) {
  Buffer buffer;
  ASSERT_TRUE(buffer.Append("abc"));
  Buffer other(std::move(buffer));
  EXPECT_EQ(other.view(), "abc");
  EXPECT_TRUE(buffer.empty());  // NOLINT: that is the promise
  buffer = std::move(other);
  EXPECT_EQ(buffer.view(), "abc");
  buffer.Free();
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(BytesTest, CaseIsIgnoredForAsciiOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("GeT", "gEt"));
  EXPECT_FALSE(EqualsIgnoreCase("get", "gets"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xc4", "\xe4"));
}

constexpr ErrorText kSyntax{absl::StatusCode::kInvalidArgument, "ERR syntax error"};

Result<int> Half(int n) {
  if (n % 2 != 0) return kSyntax;
  return n / 2;
}

Error Quarter(int n, int* result) {
  LARDER_ASSIGN_OR_RETURN(const int half, Half(n));
  LARDER_ASSIGN_OR_RETURN(*result, Half(half));
  return kOk;
}

TEST(ErrorTest, PassesThroughTheMacros) {
  int result = 0;
  EXPECT_TRUE(Quarter(8, &result).ok());
  EXPECT_EQ(result, 2);
  EXPECT_EQ(Quarter(6, &result), Error(kSyntax));
  EXPECT_EQ(Quarter(7, &result).text()->text, "ERR syntax error");
}

}  // namespace
}  // namespace larder::base
