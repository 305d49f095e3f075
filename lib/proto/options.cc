// OptionsProto to Options by reflection: a field's name is its directive's, its value becomes the directive's words,
// and the parser of redis.conf does the rest. So no directive is known here, and what is allowed is said once, in its
// row.
#include <larder/proto/options.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace larder::inline v0 {
namespace {

using ::google::protobuf::EnumValueDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

constexpr std::string_view kOutputLimits = "client_output_buffer_limit_";

absl::Status Invalid(std::string_view what, std::string_view why) {
  const std::string text = std::string(what) + ": " + std::string(why);
  return absl::InvalidArgumentError(absl::string_view(text.data(), text.size()));
}

std::string DirectiveName(std::string_view field) {
  std::string name(field);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// A word of redis.conf that stands for exactly these bytes.
std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (quoted += '\\') += c;
    } else if (byte < ' ' || byte == 0x7f) {
      ((quoted += "\\x") += kHex[byte >> 4]) += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted += '"';
}

// MAXMEMORY_POLICY's ALLKEYS_LRU is "allkeys-lru", AE_API_EPOLL is "epoll".
std::string EnumWord(const EnumValueDescriptor& value) {
  std::string prefix = value.type()->FindValueByNumber(0)->name();
  prefix.resize(prefix.size() - std::string_view("UNSPECIFIED").size());
  std::string word = value.name();
  if (word.compare(0, prefix.size(), prefix) == 0) word.erase(0, prefix.size());
  for (char& c : word) c = c == '_' ? '-' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  // The one directive's word with an underscore: it is the kernel's name.
  return word == "io-uring" ? "io_uring" : word;
}

// The value of a field that is set, as the words behind its directive; repeated values are words of one line.
std::string Words(const Message& proto, const FieldDescriptor& field) {
  const Reflection& get = *proto.GetReflection();
  if (field.is_repeated()) {
    std::string words;
    for (int i = 0; i < get.FieldSize(proto, &field); ++i) {
      words += (i > 0 ? " " : "") + Quoted(get.GetRepeatedString(proto, &field, i));
    }
    return words;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: return get.GetBool(proto, &field) ? "yes" : "no";
    case FieldDescriptor::CPPTYPE_INT32: return std::to_string(get.GetInt32(proto, &field));
    case FieldDescriptor::CPPTYPE_UINT32: return std::to_string(get.GetUInt32(proto, &field));
    case FieldDescriptor::CPPTYPE_INT64: return std::to_string(get.GetInt64(proto, &field));
    case FieldDescriptor::CPPTYPE_UINT64: return std::to_string(get.GetUInt64(proto, &field));
    case FieldDescriptor::CPPTYPE_ENUM: return EnumWord(*get.GetEnum(proto, &field));
    case FieldDescriptor::CPPTYPE_STRING: return Quoted(get.GetString(proto, &field));
    default: return "";
  }
}

// The line of redis.conf that says the same as a field that is set.
std::string Line(const OptionsProto& proto, const FieldDescriptor& field) {
  const std::string& name = field.name();
  if (name.compare(0, kOutputLimits.size(), kOutputLimits) != 0) return DirectiveName(name) + " " + Words(proto, field);
  // Three fields are one directive, whose first word says which.
  const auto& limit =
      static_cast<const OptionsProto::OutputBufferLimit&>(proto.GetReflection()->GetMessage(proto, &field));
  return DirectiveName(std::string_view(name).substr(0, kOutputLimits.size() - 1)) + " " +
         name.substr(kOutputLimits.size()) + " " + std::to_string(limit.hard()) + " " + std::to_string(limit.soft()) +
         " " + std::to_string(limit.soft_seconds());
}

// Enums have a value for "not set", and so has text that was written by a newer schema.
bool IsUnspecified(const OptionsProto& proto, const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
         proto.GetReflection()->GetEnumValue(proto, &field) == 0;
}

// The members that no directive reaches. True if `field` is one of them.
bool SetMember(const OptionsProto& proto, const FieldDescriptor& field, Options& options) {
  switch (field.number()) {
    case OptionsProto::kSeedFieldNumber: options.seed = proto.seed(); return true;
    case OptionsProto::kAnyPortFieldNumber: options.any_port = proto.any_port(); return true;
    case OptionsProto::kBackgroundFieldNumber:
      options.background = proto.background() == OptionsProto::LOOP   ? Background::kLoop
                           : proto.background() == OptionsProto::TICK ? Background::kTick
                                                                      : Background::kThread;
      return true;
    default: return false;
  }
}

// Keeps the first error of a parse, with its place.
class FirstError : public ::google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text.empty()) return;
    text = message;
    if (line >= 0) text = std::to_string(line + 1) + ":" + std::to_string(column + 1) + ": " + text;
  }
  std::string text;
};

}  // namespace

absl::StatusOr<Options> OptionsFromProto(const OptionsProto& proto, Options base) {
  std::vector<const FieldDescriptor*> fields;
  proto.GetReflection()->ListFields(proto, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_map() || IsUnspecified(proto, *field) || SetMember(proto, *field, base)) continue;
    const absl::Status status = ApplyConfigText(base, Line(proto, *field), "OptionsProto." + field->name());
    if (!status.ok()) return status;
  }
  // A map of protobuf has no order of its own.
  const std::map<std::string, std::string> directives(proto.directive().begin(), proto.directive().end());
  for (const auto& [name, words] : directives) {
    // One entry is one line: what follows a newline would be another directive, or none.
    const bool one_line = (name + words).find_first_of("\r\n") == std::string::npos;
    if (name.empty() || !one_line) return Invalid("OptionsProto.directive " + Quoted(name), "must be one line");
    const absl::Status status = ApplyConfigText(base, name + " " + words, "OptionsProto.directive");
    if (!status.ok()) return status;
  }
  return base;
}

absl::StatusOr<Options> OptionsFromTextproto(std::string_view text, Options base, std::string_view file_name) {
  OptionsProto proto;
  FirstError error;
  ::google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(std::string(text), &proto)) return Invalid(file_name, error.text);
  return OptionsFromProto(proto, std::move(base));
}

}  // namespace larder::inline v0
