// The vectors of FIPS 180-4 and of sha256sum, and every length about the ends of blocks against one computed in pieces.
#include "lib/base/sha256.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace larder::base {
namespace {

std::string Hex(Bytes text) {
  char hex[kSha256HexChars];
  Sha256Hex(text, hex);
  return std::string(hex, sizeof(hex));
}

TEST(Sha256Test, KnownDigests) {
  EXPECT_EQ(Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hex("foo"), "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae") << "as R's ACL prints it";
  EXPECT_EQ(Hex(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, LengthsAboutTheEndsOfBlocks) {
  EXPECT_EQ(Hex(std::string(55, 'a')), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(Hex(std::string(56, 'a')), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(Hex(std::string(64, 'a')), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  std::set<std::string> all;
  for (size_t size = 0; size < 300; ++size) all.insert(Hex(std::string(size, '\0')));
  EXPECT_EQ(all.size(), 300u);
}

}  // namespace
}  // namespace larder::base
