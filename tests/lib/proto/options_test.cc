#include <larder/proto/options.h>

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/descriptor.h"
#include "lib/options/directive.h"

namespace larder {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Members that no directive reaches, and the map that reaches all.
const std::set<std::string> kOfTheProgram = {"seed", "any_port", "background", "directive"};

std::string DirectiveOf(const FieldDescriptor& field) {
  std::string name = field.name();
  if (name.rfind("client_output_buffer_limit_", 0) == 0) name = "client_output_buffer_limit";
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

template <class F>
void ForEachField(F&& f) {
  const auto& descriptor = *OptionsProto::descriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    if (!kOfTheProgram.contains(descriptor.field(i)->name())) f(*descriptor.field(i));
  }
}

std::string Message(const absl::StatusOr<Options>& options) {
  const absl::string_view message = options.status().message();
  return std::string(message.data(), message.size());
}

TEST(OptionsProtoTest, EachFieldIsAServedDirective) {
  ForEachField([](const FieldDescriptor& field) {
    const directives::Directive* row = directives::FindDirective(DirectiveOf(field));
    ASSERT_NE(row, nullptr) << field.name();
    EXPECT_EQ(row->kind, directives::Kind::kServed) << field.name();
  });
}

TEST(OptionsProtoTest, EachServedDirectiveIsAField) {
  std::set<std::string> names;
  ForEachField([&](const FieldDescriptor& field) { names.insert(DirectiveOf(field)); });
  for (const directives::Directive& row : directives::ServedDirectives()) {
    EXPECT_TRUE(names.contains(std::string(row.name))) << row.name;
  }
}

TEST(OptionsProtoTest, EachEnumHasTheWordsOfItsDirective) {
  int enums = 0;
  ForEachField([&](const FieldDescriptor& field) {
    if (field.enum_type() == nullptr) return;
    ++enums;
    const directives::Directive* row = directives::FindDirective(DirectiveOf(field));
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(static_cast<size_t>(field.enum_type()->value_count()), row->choices.size() + 1) << field.name();
    for (int i = 1; i < field.enum_type()->value_count(); ++i) {
      OptionsProto proto;
      proto.GetReflection()->SetEnum(&proto, &field, field.enum_type()->value(i));
      EXPECT_TRUE(OptionsFromProto(proto).ok()) << field.enum_type()->value(i)->full_name();
    }
  });
  EXPECT_GE(enums, 6);
}

TEST(OptionsProtoTest, AnEmptyMessageLeavesTheBase) {
  Options base;
  base.port = 7777;
  base.maxmemory = 5;
  const absl::StatusOr<Options> options = OptionsFromProto({}, base);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->port, 7777);
  EXPECT_EQ(options->maxmemory, 5u);
  EXPECT_EQ(options->databases, 16);
}

TEST(OptionsProtoTest, SetsMembersOfEveryKind) {
  OptionsProto proto;
  proto.set_seed(99);
  proto.set_any_port(true);
  proto.set_background(OptionsProto::TICK);
  proto.set_databases(3);
  proto.set_maxmemory(uint64_t{3} << 32);
  proto.set_maxmemory_policy(OptionsProto::VOLATILE_TTL);
  proto.set_requirepass("two words \"quoted\" \\ and\n\x01 bytes");
  proto.set_protected_mode(false);
  proto.add_bind("127.0.0.1");
  proto.add_bind("-::1");
  proto.set_unixsocketperm("770");
  proto.mutable_client_output_buffer_limit_pubsub()->set_hard(1000);
  proto.mutable_client_output_buffer_limit_pubsub()->set_soft(500);
  proto.mutable_client_output_buffer_limit_pubsub()->set_soft_seconds(7);
  proto.set_loglevel(OptionsProto::WARNING);
  const absl::StatusOr<Options> options = OptionsFromProto(proto);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->seed, 99u);
  EXPECT_TRUE(options->any_port);
  EXPECT_EQ(options->background, Background::kTick);
  EXPECT_EQ(options->databases, 3);
  EXPECT_EQ(options->maxmemory, uint64_t{3} << 32);
  EXPECT_EQ(options->maxmemory_policy, MaxmemoryPolicy::kVolatileTtl);
  EXPECT_EQ(options->requirepass, "two words \"quoted\" \\ and\n\x01 bytes");
  EXPECT_FALSE(options->protected_mode);
  EXPECT_THAT(*options->bind, ElementsAre("127.0.0.1", "-::1"));
  EXPECT_EQ(options->unixsocketperm, 0770u);
  EXPECT_EQ(options->output_limit_pubsub, (OutputBufferLimit{1000, 500, 7}));
  EXPECT_EQ(options->output_limit_normal, Options().output_limit_normal);
  EXPECT_EQ(options->loglevel, LogLevel::kWarning);
}

TEST(OptionsProtoTest, ADirectiveOfTheMapIsALineOfRedisConf) {
  OptionsProto proto;
  (*proto.mutable_directive())["maxmemory"] = "100mb";
  (*proto.mutable_directive())["save"] = "60 1";
  (*proto.mutable_directive())["bind"] = "127.0.0.1 ::1";
  const absl::StatusOr<Options> options = OptionsFromProto(proto);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->maxmemory, 100u << 20);
  EXPECT_THAT(*options->bind, ElementsAre("127.0.0.1", "::1"));
}

TEST(OptionsProtoTest, ADirectiveOfTheMapIsOneLine) {
  OptionsProto proto;
  (*proto.mutable_directive())["port"] = "1\nrequirepass x";
  EXPECT_EQ(OptionsFromProto(proto).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(OptionsProtoTest, AnErrorNamesTheFieldAndWhatIsAllowed) {
  OptionsProto proto;
  proto.set_port(70000);
  const absl::StatusOr<Options> options = OptionsFromProto(proto);
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(options), HasSubstr("OptionsProto.port"));
  EXPECT_THAT(Message(options), HasSubstr("65535"));
}

TEST(OptionsTextprotoTest, ReadsWhatAPersonWrites) {
  const absl::StatusOr<Options> options = OptionsFromTextproto(R"(
      # A cache of our own.
      maxmemory_policy: ALLKEYS_LRU
      port: 0  bind: "::1"
      directive { key: "maxmemory" value: "1gb" }
  )");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->maxmemory_policy, MaxmemoryPolicy::kAllkeysLru);
  EXPECT_EQ(options->maxmemory, 1u << 30);
  EXPECT_EQ(options->port, 0);
  EXPECT_THAT(*options->bind, ElementsAre("::1"));
}

TEST(OptionsTextprotoTest, AnErrorOfTheTextNamesFileLineAndField) {
  const absl::StatusOr<Options> options = OptionsFromTextproto("port: 1\n  prot: 2", {}, "cache.textproto");
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(options), HasSubstr("cache.textproto: 2:"));
  EXPECT_THAT(Message(options), HasSubstr("prot"));
}

}  // namespace
}  // namespace larder
