// InfoContext: what a section of INFO is written with. The sections are in info.cc and info_memory.cc.
#ifndef LARDER_COMMANDS_INFO_CONTEXT_H_
#define LARDER_COMMANDS_INFO_CONTEXT_H_

#include <initializer_list>

#include <larder/stats.h>
#include "lib/commands/family.h"
#include "lib/engine/text.h"
#include "lib/options/border.h"

namespace larder::inline v0::commands {

struct InfoContext {
  CommandContext& ctx;
  Stats stats;
  base::Buffer text = {};
  TextWriter out{text};

  Engine& engine() LARDER_ASSERTS_HOLDER { return ctx.engine(); }

  template <class T>
  void Line(Bytes name, const T& value) {
    out << name << ':' << value << "\r\n";
  }
  void HumanLines(Bytes name, uint64_t bytes) {
    Line(name, bytes);
    out << name << "_human:";
    out.Human(bytes) << "\r\n";
  }
  void FixedLine(Bytes name, double value, int decimals, Bytes unit = "") {
    out << name << ':';
    out.Fixed(value, decimals) << unit << "\r\n";
  }
  void ZeroLines(std::initializer_list<Bytes> names) {
    for (Bytes name : names) Line(name, 0);
  }
  // A directive's value in the words of CONFIG GET.
  void DirectiveLine(Bytes name, Bytes directive) {
    out << name << ':';
    if (!directives::AppendValue(engine().options(), directive, &text)) text.MarkFailed();
    out << "\r\n";
  }
};

// The section "memory".
void InfoMemory(InfoContext& info);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_INFO_CONTEXT_H_
