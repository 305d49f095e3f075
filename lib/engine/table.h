// CommandTable: from a command's name to its row, made once a cache from the families that it was given.
//
// Memory: an array of rows and an open-addressed array of indexes by name; 3 KB for 64 commands.
// Threads: made before the cache is shared, then only read.
#ifndef LARDER_ENGINE_TABLE_H_
#define LARDER_ENGINE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/engine/command.h"
#include "lib/engine/family.h"

namespace larder::inline v0::engine {

// A command or a subcommand in the table. It lasts as long as the table.
struct CommandRow {
  const CommandSpec* spec = nullptr;
  const CommandRow* container = nullptr;  // of a subcommand
  uint16_t index = 0;                     // in CommandTable::rows()
  uint16_t subcommand_count = 0;

  // They stand behind their container.
  std::span<const CommandRow> subcommands() const { return {this + 1, subcommand_count}; }
  bool has(CommandFlag flag) const { return (spec->flags & flag) != 0; }
};

// "get", "config|get", written into the caller's array.
inline constexpr size_t kFullNameMax = 72;
Bytes FullName(const CommandRow& row, char (&out)[kFullNameMax]);

class CommandTable {
 public:
  CommandTable() = default;
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;
  ~CommandTable();

  // What keeps families from being one table.
  enum class Fault : uint8_t {
    kNone,
    kNoMemory,
    kTwice,        // two commands, or two subcommands of one container, have the same name
    kNoContainer,  // a family's subcommands belong to a command that no family has
    kTooMany,      // or a name that is too long
    kNoFamily,     // a null pointer
    kNoFunction,   // a row that has none, and is no container which needs a second word
    kNoGroup,      // a row that did not go through Rows, and has none itself
  };
  // `culprit`: the name at fault. REQUIRES: called once; with a fault nothing else is called.
  Fault Build(std::span<const Family* const> families, Bytes* culprit);

  // The row of a command (never a subcommand's), ASCII case ignored, or nullptr.
  const CommandRow* Find(Bytes name) const;
  const CommandRow* FindSubcommand(const CommandRow& container, Bytes name) const;
  // The row of "get" or "config|get", or nullptr.
  const CommandRow* FindByFullName(Bytes name) const;
  // The row that `argv` means: a command's, or, if that is a container and there is a second word, the subcommand's.
  // nullptr if there is none; then `container` says whether only the second word is unknown. REQUIRES: argv is not
  // empty.
  const CommandRow* FindFor(std::span<const Bytes> argv, const CommandRow** container = nullptr) const;

  // All of them, in the order of their families; each command is followed by its subcommands.
  std::span<const CommandRow> rows() const { return {rows_, row_count_}; }
  // Without the subcommands.
  size_t command_count() const { return command_count_; }

 private:
  Fault CountRows(std::span<const Family* const> families, Bytes* culprit);
  Fault AddSubcommands(std::span<const Family* const> families, CommandRow& container, Bytes* culprit);
  void AddName(const CommandRow& row);

  CommandRow* rows_ = nullptr;
  uint16_t* slots_ = nullptr;  // hash of the name -> index in rows_ + 1
  size_t slot_count_ = 0;
  size_t row_count_ = 0;
  size_t command_count_ = 0;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_TABLE_H_
