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

size_t HashAddress(const CommandSpec* spec) {
  return static_cast<size_t>(reinterpret_cast<uintptr_t>(spec) * 0x9e3779b97f4a7c15ull >> 32);
}

}  // namespace

CommandTable::~CommandTable() {
  delete[] rows_;
  delete[] all_;
  delete[] slots_;
  delete[] address_slots_;
}

bool CommandTable::Build(std::span<const Family> families) {
  LARDER_CHECK(rows_ == nullptr);
  for (Family family : families) {
    size_ += family.size();
    for (const CommandSpec& spec : family) row_count_ += 1 + spec.subcommands.size();
  }
  slot_count_ = 64;
  while (slot_count_ < size_ * 4) slot_count_ *= 2;
  rows_ = new (std::nothrow) Row[size_];
  all_ = new (std::nothrow) Row[row_count_];
  slots_ = new (std::nothrow) uint16_t[slot_count_]();
  address_slot_count_ = 64;
  while (address_slot_count_ < row_count_ * 2) address_slot_count_ *= 2;
  address_slots_ = new (std::nothrow) uint16_t[address_slot_count_]();
  if (rows_ == nullptr || all_ == nullptr || slots_ == nullptr || address_slots_ == nullptr) return false;
  size_t next = 0;
  size_t next_all = 0;
  for (Family family : families) {
    for (const CommandSpec& spec : family) {
      LARDER_CHECK(spec.name.size() <= kNameMax);
      LARDER_CHECK(Find(spec.name) == nullptr);
      size_t slot = HashName(spec.name) & (slot_count_ - 1);
      while (slots_[slot] != 0) slot = (slot + 1) & (slot_count_ - 1);
      rows_[next] = {&spec, nullptr};
      slots_[slot] = static_cast<uint16_t>(++next);
      all_[next_all++] = {&spec, nullptr};
      for (const CommandSpec& sub : spec.subcommands) all_[next_all++] = {&sub, &spec};
    }
  }
  for (size_t i = 0; i < row_count_; ++i) {
    size_t slot = HashAddress(all_[i].spec) & (address_slot_count_ - 1);
    while (address_slots_[slot] != 0) slot = (slot + 1) & (address_slot_count_ - 1);
    address_slots_[slot] = static_cast<uint16_t>(i + 1);
  }
  return true;
}

const CommandSpec* CommandTable::Find(Bytes name) const {
  if (name.size() > kNameMax) return nullptr;
  for (size_t slot = HashName(name) & (slot_count_ - 1); slots_[slot] != 0; slot = (slot + 1) & (slot_count_ - 1)) {
    const CommandSpec* spec = rows_[slots_[slot] - 1].spec;
    if (base::EqualsIgnoreCase(spec->name, name)) return spec;
  }
  return nullptr;
}

const CommandSpec* CommandTable::FindSub(const CommandSpec& container, Bytes name) {
  for (const CommandSpec& sub : container.subcommands) {
    if (base::EqualsIgnoreCase(sub.name, name)) return &sub;
  }
  return nullptr;
}

size_t CommandTable::IndexOf(const CommandSpec& spec) const {
  for (size_t slot = HashAddress(&spec);; ++slot) {
    const uint16_t found = address_slots_[slot & (address_slot_count_ - 1)];
    LARDER_CHECK(found != 0);
    if (all_[found - 1].spec == &spec) return found - 1u;
  }
}

const CommandSpec& CommandTable::row(size_t index) const {
  LARDER_DCHECK(index < row_count_);
  return *all_[index].spec;
}

}  // namespace larder::inline v0::engine
