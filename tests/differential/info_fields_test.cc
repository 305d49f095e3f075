// INFO's fields: those of redis-server 7.0.15, all of them, in its sections and its order. What they say is compared by
// the random streams (see must_differ.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/differential/sides.h"

namespace differential {
namespace {

using Fields = std::map<std::string, std::vector<std::string>>;  // by section, without their values

Fields FieldsOf(Link& link) {
  Fields fields;
  std::string section;
  std::string text = Ask(link, {"INFO", "everything"}).text;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find("\r\n", at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 2;
    if (line.starts_with("# ")) section = line.substr(2);
    else if (!line.empty()) fields[section].push_back(line.substr(0, line.find(':')));
  }
  return fields;
}

TEST(InfoFieldsTest, AreThoseOfRedisInItsOrder) {
  const auto redis = StartRedis();
  const auto larder = StartLarder({.socket = true});
  Fields theirs = FieldsOf(*redis->Connect());
  Fields ours = FieldsOf(*larder->Connect());
  // One line for each command that has run: whether those are counted alike, the random streams compare.
  theirs.erase("Latencystats");
  size_t compared = 0;
  for (const auto& [section, names] : theirs) {
    std::vector<std::string> same;
    for (const std::string& name : ours[section]) {
      if (std::find(names.begin(), names.end(), name) != names.end()) same.push_back(name);
    }
    EXPECT_EQ(same, names) << section;
    compared += names.size();
  }
  EXPECT_GT(compared, 180u);
}

}  // namespace
}  // namespace differential
