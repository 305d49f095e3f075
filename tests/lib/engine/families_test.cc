// Options::families: commands that a program brings along.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <larder/cache.h>
#include <larder/options.h>
#include "lib/engine/engine.h"
#include "lib/engine/family.h"

namespace larder::engine {
namespace {

Error Shout(CommandContext&, ArgReader args, resp::ReplyWriter& reply) {
  std::string loud(args.Next());
  for (char& c : loud) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  reply.Bulk(loud);
  return kOk;
}

constexpr auto kRows = Rows({.group = Group::kString, .categories = kAclString}, {
    {.name = "shout", .run = Shout, .arity = Exactly(2), .flags = kCmdFast | kCmdShort, .summary = "In capitals."},
    {.name = "crowd", .arity = AtLeast(2), .categories = kAclDangerous, .summary = "Several.", .group = Group::kServer},
});
constexpr auto kSubcommands = Rows({.group = Group::kServer}, {
    {.name = "shout", .run = Shout, .arity = Exactly(3), .summary = "In capitals."},
});
const Family kFamily = {.commands = kRows, .container = "crowd", .subcommands = kSubcommands};
// A family may give subcommands to another's container, and to the core's.
const Family kMoreOfClient = {.container = "client", .subcommands = kSubcommands};

std::unique_ptr<Cache> OpenWith(std::vector<const Family*> families) {
  Options options;
  options.families = std::move(families);
  auto cache = Cache::Open(options);
  EXPECT_TRUE(cache.ok()) << cache.status();
  return cache.ok() ? *std::move(cache) : nullptr;
}

absl::Status WhyNot(std::vector<const Family*> families) {
  Options options;
  options.families = std::move(families);
  return Cache::Open(options).status();
}

TEST(FamiliesTest, TheirCommandsAreCommands) {
  const std::unique_ptr<Cache> cache = OpenWith({&kFamily, &kMoreOfClient});
  ASSERT_NE(cache, nullptr);
  EXPECT_EQ(cache->Execute({"shout", "hello"})->string_view(), "HELLO");
  EXPECT_EQ(cache->Execute({"CROWD", "SHOUT", "hello"})->string_view(), "HELLO");
  EXPECT_EQ(cache->Execute({"CLIENT", "SHOUT", "hello"})->string_view(), "HELLO");
  EXPECT_EQ(cache->Execute({"CLIENT", "SHOUT"})->string_view(),
            "ERR wrong number of arguments for 'client|shout' command");
  EXPECT_EQ(cache->Execute({"CROWD", "LAUGH"})->string_view(), "ERR unknown subcommand 'LAUGH'. Try CROWD HELP.");
  EXPECT_GE(cache->Execute({"CLIENT", "ID"})->integer(), 0) << "the core's own subcommands are still there";
}

TEST(FamiliesTest, WithoutThemTheirCommandsAreUnknown) {
  const std::unique_ptr<Cache> cache = OpenWith({});
  ASSERT_NE(cache, nullptr);
  EXPECT_EQ(cache->Execute({"SHOUT", "hello"})->string_view(),
            "ERR unknown command 'SHOUT', with args beginning with: 'hello' ");
}

TEST(FamiliesTest, RowsHaveWhatTheirFamilySays) {
  EXPECT_EQ(kRows[0].group, Group::kString);
  EXPECT_EQ(kRows[0].categories, uint32_t{kAclString});
  EXPECT_EQ(kRows[1].group, Group::kServer);
  EXPECT_EQ(kRows[1].categories, kAclString | kAclDangerous);
}

TEST(FamiliesTest, ANameThatIsThereAlreadyIsAnError) {
  static constexpr auto kGet = Rows({.group = Group::kString}, {{.name = "get", .run = Shout, .arity = Exactly(2)}});
  const Family again = {.commands = kGet};
  EXPECT_EQ(WhyNot({&again}), absl::InvalidArgumentError("Options::families: the command 'get' is there already"));
  EXPECT_EQ(WhyNot({&kFamily, &kFamily}),
            absl::InvalidArgumentError("Options::families: the command 'shout' is there already"));
  EXPECT_EQ(WhyNot({&kMoreOfClient, &kMoreOfClient}),
            absl::InvalidArgumentError("Options::families: the command 'shout' is there already"));
}

TEST(FamiliesTest, SubcommandsNeedAContainer) {
  const Family lost = {.container = "nowhere", .subcommands = kSubcommands};
  EXPECT_EQ(WhyNot({&lost}),
            absl::InvalidArgumentError("Options::families: there is no command 'nowhere' to have subcommands"));
}

TEST(FamiliesTest, ANullFamilyIsAnError) {
  EXPECT_EQ(WhyNot({&kFamily, nullptr}), absl::InvalidArgumentError("Options::families: one of them is null"));
}

// Nothing that a client can send may call a function that there is not.
TEST(FamiliesTest, ARowHasAFunctionOrSubcommands) {
  static constexpr auto kNone = Rows({.group = Group::kString}, {{.name = "hollow", .arity = AtLeast(2)}});
  static constexpr auto kAlone = Rows({.group = Group::kString}, {{.name = "hollow", .arity = AtLeast(1)}});
  const Family without_any = {.commands = kNone};
  const Family hollow_subcommand = {.container = "client", .subcommands = kNone};
  const Family without_a_word = {.commands = kAlone, .container = "hollow", .subcommands = kSubcommands};
  for (const Family* family : {&without_any, &hollow_subcommand, &without_a_word}) {
    EXPECT_EQ(WhyNot({family}), absl::InvalidArgumentError("Options::families: the command 'hollow' has no function"));
  }
}

TEST(FamiliesTest, ARowHasAGroup) {
  static constexpr CommandSpec kStray[] = {{.name = "stray", .run = Shout, .arity = Exactly(2)}};
  const Family stray = {.commands = kStray};
  const Family stray_subcommand = {.container = "client", .subcommands = kStray};
  for (const Family* family : {&stray, &stray_subcommand}) {
    EXPECT_EQ(WhyNot({family}), absl::InvalidArgumentError("Options::families: the command 'stray' has no group"));
  }
}

// What Rows asks of each row before it compiles.
TEST(FamiliesTest, RowsAreCheckedByTheCompiler) {
  static_assert(IsLowerCase("note.len") && IsLowerCase("no-evict"));
  static_assert(!IsLowerCase("Shout") && !IsLowerCase("client|shout") && !IsLowerCase("no evict"));
  static constexpr ArgSpec kKey[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0}};
  static constexpr ArgSpec kWithin[] = {{.name = "which", .type = ArgType::kOneOf, .args = kKey}};
  static constexpr ArgSpec kOfNoSpec[] = {{.name = "key", .type = ArgType::kKey}};
  static_assert(KeysHaveSpecs({}, 0) && KeysHaveSpecs(kKey, 1) && KeysHaveSpecs(kWithin, 1));
  static_assert(!KeysHaveSpecs(kKey, 0) && !KeysHaveSpecs(kWithin, 0) && !KeysHaveSpecs(kOfNoSpec, 1));
}

TEST(FamiliesTest, ANameHasOneToThirtyTwoLetters) {
  static constexpr auto kNameless = Rows({.group = Group::kString}, {{.name = "", .run = Shout, .arity = Exactly(2)}});
  static constexpr auto kLong = Rows(
      {.group = Group::kString}, {{.name = "abcdefghijklmnopqrstuvwxyzabcdefg", .run = Shout, .arity = Exactly(2)}});
  for (const Family& family : {Family{.commands = kNameless}, Family{.commands = kLong}}) {
    EXPECT_EQ(WhyNot({&family}).code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace larder::engine
