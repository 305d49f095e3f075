// The families of the core, each named once.
#include "lib/commands/families.h"

namespace larder::inline v0::commands {

CoreFamilyArray CoreFamilies() {
  return {StringCommands(),     KeyCommands(),    TransactionCommands(),
          ConnectionCommands(), ServerCommands(), CommandCommands()};
}

}  // namespace larder::inline v0::commands
