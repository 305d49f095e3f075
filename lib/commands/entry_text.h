// What TYPE, SCAN, OBJECT and DEBUG OBJECT say of an entry.
#ifndef LARDER_COMMANDS_ENTRY_TEXT_H_
#define LARDER_COMMANDS_ENTRY_TEXT_H_

#include <cstdint>

#include <larder/options.h>
#include "lib/base/bytes.h"
#include "lib/keyspace/entry.h"

namespace larder::inline v0::commands {

// "string", "list"...
Bytes TypeName(keyspace::Type type);
// "raw", "int"...
Bytes EncodingName(keyspace::Encoding encoding);
// What Redis would say of the references to the value.
int64_t References(const Options& options, const keyspace::Entry& entry);

bool IsLfu(MaxmemoryPolicy policy);
bool IsLru(MaxmemoryPolicy policy);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_ENTRY_TEXT_H_
