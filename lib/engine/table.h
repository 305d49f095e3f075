// CommandTable: from a command's name to its row, made once a cache from the families that it was given.
//
// Memory: two open-addressed arrays of indexes, by name and by the row's address; 2 KB for 64 commands.
// Threads: made before the cache is shared, then only read.
#ifndef LARDER_ENGINE_TABLE_H_
#define LARDER_ENGINE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/engine/command.h"

namespace larder::inline v0::engine {

using Family = std::span<const CommandSpec>;

class CommandTable {
 public:
  CommandTable() = default;
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;
  ~CommandTable();

  // False when there is no memory. REQUIRES: called once; no name stands in two families.
  bool Build(std::span<const Family> families);

  // The row of a command (never a subcommand's), ASCII case ignored, or nullptr.
  const CommandSpec* Find(Bytes name) const;
  static const CommandSpec* FindSub(const CommandSpec& container, Bytes name);

  // Commands in the order of their families; not their subcommands.
  size_t size() const { return size_; }
  const CommandSpec& at(size_t i) const { return *rows_[i].spec; }

  // A number below index_count() for each row, subcommands included.
  size_t IndexOf(const CommandSpec& spec) const;
  size_t index_count() const { return row_count_; }
  const CommandSpec& row(size_t index) const;
  // The container of a subcommand's row, or nullptr.
  const CommandSpec* parent(size_t index) const { return all_[index].parent; }

 private:
  struct Row {
    const CommandSpec* spec = nullptr;
    const CommandSpec* parent = nullptr;
  };
  Row* rows_ = nullptr;     // the commands
  Row* all_ = nullptr;      // commands, each followed by its subcommands
  uint16_t* slots_ = nullptr;  // hash of the name -> index in rows_ + 1
  uint16_t* address_slots_ = nullptr;  // hash of a row's address -> index in all_ + 1
  size_t slot_count_ = 0;
  size_t address_slot_count_ = 0;
  size_t size_ = 0;
  size_t row_count_ = 0;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_TABLE_H_
