#include "lib/engine/table.h"

#include <new>

#include "lib/base/check.h"

namespace larder::inline v0::engine {
namespace {

// Names are at most some 20 letters; longer ones cannot match and need no exact hash.
uint32_t HashName(Bytes name) {
  uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<uint8_t>(base::LowerAscii(c))) * 16777619u;
  return hash ^ hash >> 15;
}

constexpr size_t kNameMax = 32;
static_assert(2 * kNameMax + 1 <= kFullNameMax);
constexpr size_t kRowsMax = UINT16_MAX - 1;

}  // namespace

Bytes FullName(const CommandRow& row, char (&out)[kFullNameMax]) {
  if (row.container == nullptr) return row.spec->name;
  const Bytes container = row.container->spec->name;
  base::CopyBytes(out, container);
  out[container.size()] = '|';
  base::CopyBytes(out + container.size() + 1, row.spec->name);
  return {out, container.size() + 1 + row.spec->name.size()};
}

CommandTable::~CommandTable() {
  delete[] rows_;
  delete[] slots_;
}

CommandTable::Fault CommandTable::CountRows(std::span<const Family* const> families, Bytes* culprit) {
  for (const Family* family : families) {
    if (family == nullptr) return Fault::kNoFamily;
    command_count_ += family->commands.size();
    row_count_ += family->commands.size() + family->subcommands.size();
    for (const std::span<const CommandSpec> specs : {family->commands, family->subcommands}) {
      for (const CommandSpec& spec : specs) {
        *culprit = spec.name;
        if (spec.name.empty() || spec.name.size() > kNameMax || row_count_ > kRowsMax) return Fault::kTooMany;
        if (spec.group == Group::kOfFamily) return Fault::kNoGroup;
      }
    }
  }
  return Fault::kNone;
}

// Those of all families, right behind their container.
CommandTable::Fault CommandTable::AddSubcommands(std::span<const Family* const> families, CommandRow& container,
                                                 Bytes* culprit) {
  for (const Family* family : families) {
    if (family->container != container.spec->name) continue;
    for (const CommandSpec& spec : family->subcommands) {
      if (FindSubcommand(container, spec.name) != nullptr) {
        *culprit = spec.name;
        return Fault::kTwice;
      }
      if (spec.run == nullptr) {
        *culprit = spec.name;
        return Fault::kNoFunction;
      }
      CommandRow& row = rows_[container.index + 1 + container.subcommand_count++];
      row = {&spec, &container, static_cast<uint16_t>(&row - rows_), 0};
    }
  }
  return Fault::kNone;
}

void CommandTable::AddName(const CommandRow& row) {
  size_t slot = HashName(row.spec->name) & (slot_count_ - 1);
  while (slots_[slot] != 0) slot = (slot + 1) & (slot_count_ - 1);
  slots_[slot] = static_cast<uint16_t>(row.index + 1);
}

CommandTable::Fault CommandTable::Build(std::span<const Family* const> families, Bytes* culprit) {
  LARDER_CHECK(rows_ == nullptr);
  if (const Fault fault = CountRows(families, culprit); fault != Fault::kNone) return fault;
  slot_count_ = 64;
  while (slot_count_ < command_count_ * 4) slot_count_ *= 2;
  rows_ = new (std::nothrow) CommandRow[row_count_];
  slots_ = new (std::nothrow) uint16_t[slot_count_]();
  if (rows_ == nullptr || slots_ == nullptr) return Fault::kNoMemory;
  size_t next = 0;
  for (const Family* family : families) {
    for (const CommandSpec& spec : family->commands) {
      if (Find(spec.name) != nullptr) {
        *culprit = spec.name;
        return Fault::kTwice;
      }
      CommandRow& row = rows_[next];
      row = {&spec, nullptr, static_cast<uint16_t>(next), 0};
      AddName(row);
      if (const Fault fault = AddSubcommands(families, row, culprit); fault != Fault::kNone) return fault;
      // Whoever is dispatched is called.
      if (spec.run == nullptr && (row.subcommand_count == 0 || spec.arity > -2)) {
        *culprit = spec.name;
        return Fault::kNoFunction;
      }
      next += size_t{1} + row.subcommand_count;
    }
  }
  for (const Family* family : families) {
    if (family->subcommands.empty() || Find(family->container) != nullptr) continue;
    *culprit = family->container;
    return Fault::kNoContainer;
  }
  LARDER_CHECK(next == row_count_);
  return Fault::kNone;
}

const CommandRow* CommandTable::Find(Bytes name) const {
  if (name.size() > kNameMax) return nullptr;
  for (size_t slot = HashName(name) & (slot_count_ - 1); slots_[slot] != 0; slot = (slot + 1) & (slot_count_ - 1)) {
    const CommandRow* row = &rows_[slots_[slot] - 1];
    if (base::EqualsIgnoreCase(row->spec->name, name)) return row;
  }
  return nullptr;
}

const CommandRow* CommandTable::FindSubcommand(const CommandRow& container, Bytes name) const {
  for (const CommandRow& row : container.subcommands()) {
    if (base::EqualsIgnoreCase(row.spec->name, name)) return &row;
  }
  return nullptr;
}

const CommandRow* CommandTable::FindByFullName(Bytes name) const {
  const size_t bar = name.find('|');
  const CommandRow* row = Find(name.substr(0, bar));
  return row == nullptr || bar == Bytes::npos ? row : FindSubcommand(*row, name.substr(bar + 1));
}

const CommandRow* CommandTable::FindFor(std::span<const Bytes> argv, const CommandRow** container) const {
  const CommandRow* row = Find(argv[0]);
  if (container != nullptr) *container = row;
  if (row == nullptr || row->subcommand_count == 0 || argv.size() < 2) return row;
  return FindSubcommand(*row, argv[1]);
}

}  // namespace larder::inline v0::engine
