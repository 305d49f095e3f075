#include "lib/commands/collection_reply.h"

#include "lib/engine/short.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::commands {

Error WrongArity(ArgReader& args, ReplyWriter& reply) {
  char name[16];
  const Bytes word = args.argv()[0].substr(0, sizeof(name));
  for (size_t i = 0; i < word.size(); ++i) name[i] = base::LowerAscii(word[i]);
  reply.Error({"ERR wrong number of arguments for '", Bytes(name, word.size()), "' command"});
  return kReplied;
}

void ReplyPart(const keyspace::Collection& collection, const char* record, int i, resp::ReplyWriter& reply) {
  const char* part = record + collection.format().prefix;
  while (i-- > 0) part = ds::SkipPart(part);
  memory::Block* const block = ds::PartBlock(part);
  if (block != nullptr && block->size() >= resp::Output::kByReferenceMin) {
    reply.BulkBlock(memory::BlockRef::Share(block), 0, block->size());
    return;
  }
  Bytes text;
  ds::ReadPart(part, &text);
  reply.Bulk(text);
}

bool CollectionIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  base::AssertHolder();  // who asks has the executor
  if (argv.size() < 2) return true;
  const keyspace::Entry* const entry = ctx.db().FindUnchanged(argv[1]);
  return entry == nullptr || entry->storage() != keyspace::Entry::Storage::kStructure ||
         entry->structure()->kind->Count(*entry->structure()) <= engine::kShortElements;
}

Result<int64_t> ParseRandomCount(ArgReader& args, Bytes option, bool* with_option) {
  constexpr int64_t kCountMax = INT64_MAX;
  LARDER_ASSIGN_OR_RETURN(const int64_t count, args.Int());
  if (count < -kCountMax) return errors::kNotCount;
  *with_option = !args.done();
  if (args.done()) return count;
  if (!args.Take(option) || !args.done()) return errors::kSyntax;
  if (count < -kCountMax / 2 || count > kCountMax / 2) return errors::kNotInRange;
  return count;
}

Error CheckRandomCount(int64_t count) {
  constexpr int64_t kMost = int64_t{1} << 27;  // a gigabyte of empty bulks
  return count < -kMost ? Error(errors::kNotInRange) : kOk;
}

}  // namespace larder::inline v0::commands
