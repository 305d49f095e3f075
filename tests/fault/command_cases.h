// A command line or more for every command of the table, for tests that run all of them.
#ifndef LARDER_TESTS_FAULT_COMMAND_CASES_H_
#define LARDER_TESTS_FAULT_COMMAND_CASES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace larder::testing {

using Argv = std::vector<std::string>;

struct CommandCase {
  enum Trait : uint8_t {
    kVaries = 1,  // the reply is another one each time, or tells of the process
    kCloses = 2,  // ends its client
    kKeepsRoom = 4,  // makes an empty database, or room in a table, which stays when the rest fails
    kWaits = 8,  // waits for what nobody does: for connections alone, which hold no thread up
  };
  Argv argv;
  std::vector<Argv> before = {};  // run by the same client first
  uint8_t traits = 0;
  std::string policy = {};  // a maxmemory-policy other than the default

  // "config|set", "get": what COMMAND LIST calls it.
  std::string command() const;
  // The command line, long arguments shortened.
  std::string ToString() const;
};

// A file that CONFIG REWRITE may write; "" leaves that case out.
std::vector<CommandCase> CommandCases(const std::string& config_file);

}  // namespace larder::testing

#endif  // LARDER_TESTS_FAULT_COMMAND_CASES_H_
