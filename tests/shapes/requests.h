// Requests made of rows: what a row says of its command's arguments, and COMMAND DOCS tells clients, said by a test. So
// a command's grammar stands once, and a new command is in these tests as soon as it has a row.
#ifndef LARDER_TESTS_SHAPES_REQUESTS_H_
#define LARDER_TESTS_SHAPES_REQUESTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/engine/table.h"

namespace larder::testing {

// All commands of the core.
const engine::CommandTable& CoreTable();

// The rows of commands of one type of value each, whatever the type: strings, lists, sets, hashes and so on.
// Those that may wait are left out: a stream of requests would wait with them.
std::vector<const engine::CommandRow*> RowsOfTypes();

// What COMMAND LIST calls the command that argv begins with, in lower case: "get", "config|set". The second word also
// counts if the container does not know it.
std::string CommandNameOf(const std::vector<std::string>& argv);

// Who decides what a row leaves open.
class Choices {
 public:
  virtual ~Choices() = default;
  // Whether an argument that may be left out is there.
  virtual bool Takes(const engine::ArgSpec& arg) = 0;
  // How often one that may come again comes again.
  virtual int Repeats(const engine::ArgSpec& arg) = 0;
  // Which of `count` alternatives is taken.
  virtual size_t Which(const engine::ArgSpec& arg, size_t count) = 0;
  virtual std::string Value(const engine::ArgSpec& arg) = 0;
  virtual std::string Token(std::string_view token) { return std::string(token); }
};

// "GET key", "CONFIG GET parameter..."; names in capitals.
std::vector<std::string> RequestOf(const engine::CommandRow& row, Choices& choices);
// One argument more, taken whatever `choices` says of it.
void AppendArgument(const engine::ArgSpec& arg, Choices& choices, std::vector<std::string>* argv);

// The tokens of all commands' options, each once: what fuzzers put where it does not belong.
std::vector<std::string> TokensOf(const engine::CommandTable& table);

}  // namespace larder::testing

#endif  // LARDER_TESTS_SHAPES_REQUESTS_H_
