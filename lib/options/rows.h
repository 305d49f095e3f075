// Makers of rows, so that a row reads as one line of a table: its name, its default, its range, what it is for.
#ifndef LARDER_OPTIONS_ROWS_H_
#define LARDER_OPTIONS_ROWS_H_

#include "lib/options/directive.h"

namespace larder::inline v0::directives {

inline constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
inline constexpr int64_t kInt32Min = std::numeric_limits<int32_t>::min();
inline constexpr int64_t kUint32Max = std::numeric_limits<uint32_t>::max();
inline constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kUint64Max = -1;  // the bits of the largest unsigned number
inline constexpr int64_t kPortMax = 65535;

// What few rows have.
struct Also {
  uint8_t flags = 0;
  std::string_view alias = {};
  Unit unit = Unit::kNone;
  int64_t (*adjust)(int64_t) = nullptr;
  std::string_view off_only = {};  // the reason why there is no other value
};

constexpr Directive Row(std::string_view name, Type type, std::string_view default_text, std::string_view help,
                        const Also& also) {
  return {.name = name,
          .type = type,
          .default_text = default_text,
          .kind = also.off_only.empty() ? Kind::kCompat : Kind::kOffOnly,
          .flags = also.flags,
          .unit = also.unit,
          .adjust = also.adjust,
          .alias = also.alias,
          .why = also.off_only,
          .help = help};
}

constexpr Directive Other(std::string_view name, Type type, std::string_view default_text, std::string_view help,
                          const Also& also = {}) {
  return Row(name, type, default_text, help, also);
}

constexpr Directive Bool(std::string_view name, std::string_view default_text, std::string_view help,
                         const Also& also = {}) {
  return Row(name, Type::kBool, default_text, help, also);
}

constexpr Directive String(std::string_view name, std::string_view default_text, std::string_view help,
                           const Also& also = {}) {
  return Row(name, Type::kString, default_text, help, also);
}

constexpr Directive Int(std::string_view name, std::string_view default_text, int64_t min, int64_t max,
                        std::string_view help, const Also& also = {}) {
  Directive row = Row(name, Type::kInt, default_text, help, also);
  row.min = min;
  row.max = max;
  return row;
}

constexpr Directive Memory(std::string_view name, std::string_view default_text, int64_t min, int64_t max,
                           std::string_view help, const Also& also = {}) {
  Directive row = Int(name, default_text, min, max, help, also);
  row.type = Type::kMemory;
  row.unit = Unit::kBytes;
  return row;
}

constexpr Directive Enum(std::string_view name, std::string_view default_text, std::span<const Choice> choices,
                         std::string_view help, const Also& also = {}) {
  Directive row = Row(name, Type::kEnum, default_text, help, also);
  row.choices = choices;
  return row;
}

// The row, served, with its member.
template <auto kPointer>
constexpr Directive Served(Directive row) {
  row.kind = Kind::kServed;
  row.member = Of<kPointer>();
  return row;
}

constexpr Directive ServedByHand(Directive row) {
  row.kind = Kind::kServed;
  return row;
}

inline constexpr Choice kProtectedActionChoices[] = {{"no", 0}, {"yes", 1}, {"local", 2}};

}  // namespace larder::inline v0::directives

#endif  // LARDER_OPTIONS_ROWS_H_
