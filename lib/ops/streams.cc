#include "lib/ops/streams.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/stream_edit.h"
#include "lib/ops/varint.h"

namespace larder::inline v0::ops::streams {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

constexpr keyspace::Event kThenTrim[] = {{EventClass::kStream, "xtrim"}};

// Reads "size bytes" at `from`.
const char* ReadText(const char* from, Bytes* text) {
  uint64_t size = 0;
  from = ReadVarint(from, &size);
  *text = {from, static_cast<size_t>(size)};
  return from + size;
}
char* WriteText(char* to, Bytes text) {
  to = WriteVarint(to, text.size());
  base::CopyBytes(to, text);
  return to + text.size();
}
size_t TextBytes(Bytes text) { return VarintBytes(text.size()) + text.size(); }

Text PartText(const char* part) {
  Text text;
  text.block = ds::PartBlock(part);
  ds::ReadPart(part, &text.bytes);
  return text;
}

// Finds the node of one entry after another.
class NodeFinder {
 public:
  explicit NodeFinder(const StreamRoot& root) : nodes_(root.tree(kNodes)) {}

  // The record of the node that has, or would have, this entry.
  const char* Find(const ds::Numbers& id) {
    if (record_ == nullptr || id < first_ || last_ < id) {
      ds::CountedTree::Cursor cursor;
      const bool equal = nodes_.FindSorted(ds::ProbeOf(id), &cursor);
      const size_t index = nodes_.Rank(cursor) - (equal ? 0 : 1);
      cursor = nodes_.At(index);
      record_ = cursor.record();
      index_ = index;
      first_ = ds::NumbersOf(record_);
      const NodeInfo info = PayloadAs<NodeInfo>(record_);
      last_ = {0, info.last_major, info.last_minor};
    }
    return record_;
  }
  size_t index() const { return index_; }
  const ds::Numbers& first() const { return first_; }

 private:
  const ds::CountedTree& nodes_;
  const char* record_ = nullptr;
  size_t index_ = 0;
  ds::Numbers first_;
  ds::Numbers last_;
};

EntryView ViewOf(const StreamRoot& root, const char* record, NodeFinder& nodes) {
  EntryView view;
  const Text part = PartText(record);
  ds::Numbers id;
  const char* at = ds::ReadNumbers(part.bytes.data(), &id);
  view.id = root.Decoded(id);
  uint64_t own_fields = 0;
  at = ReadVarint(at, &own_fields);
  view.values = {Bytes(at, static_cast<size_t>(part.bytes.data() + part.bytes.size() - at)), part.block};
  view.fields = static_cast<size_t>(own_fields);
  if (own_fields != 0) return view;
  const char* const node = nodes.Find(id);
  view.fields = PayloadAs<NodeInfo>(node).fields;
  view.names = PartText(ds::SkipPart(node));
  return view;
}

}  // namespace

Bytes FormatId(StreamId id, IdText& text) {
  char digits[base::kIntChars];
  const Bytes ms = base::FormatUint64(id.ms, digits);
  base::CopyBytes(text.room, ms);
  text.room[ms.size()] = '-';
  char more[base::kIntChars];
  const Bytes seq = base::FormatUint64(id.seq, more);
  base::CopyBytes(text.room + ms.size() + 1, seq);
  return {text.room, ms.size() + 1 + seq.size()};
}

// ---- Reading --------------------------------------------------------------------------------------------------------

void EntryView::ForFields(absl::FunctionRef<void(const Text& field, const Text& value)> visit) const {
  const bool own = names.bytes.empty();
  const char* name_at = names.bytes.data();
  const char* value_at = values.bytes.data();
  for (size_t i = 0; i < fields; ++i) {
    Text name{{}, own ? values.block : names.block};
    Text value{{}, values.block};
    if (own) {
      value_at = ReadText(value_at, &name.bytes);
    } else {
      name_at = ReadText(name_at, &name.bytes);
    }
    value_at = ReadText(value_at, &value.bytes);
    visit(name, value);
  }
}

bool Stream::Contains(StreamId id) const {
  if (length() == 0 || id.ms < root_->base_ms) return false;
  ds::CountedTree::Cursor cursor;
  return root_->tree(kEntries).FindSorted(ds::ProbeOf(root_->Coded(id)), &cursor);
}

size_t Stream::IndexOf(StreamId id) const {
  return length() == 0 ? 0 : streams::IndexOf(root_->tree(kEntries), root_->Floor(id));
}

StreamId Stream::IdAt(size_t index) const {
  return root_->Decoded(ds::NumbersOf(root_->tree(kEntries).At(index).record()));
}

void Stream::ForRange(size_t first, size_t count, bool backwards,
                      absl::FunctionRef<bool(const EntryView&)> visit) const {
  if (count == 0) return;
  NodeFinder nodes(*root_);
  root_->tree(kEntries).ForRange(first, count, backwards,
                                 [&](const char* record) { return visit(ViewOf(*root_, record, nodes)); });
}

Result<Stream> Open(Db& db, Bytes key, Lookup how) {
  const keyspace::Entry* const entry = db.Find(key, how);
  if (entry != nullptr && entry->type() != Type::kStream) return errors::kWrongType;
  return StreamAt(entry);
}

Result<Place> LocateStream(Db& db, Bytes key) {
  const Place place = db.Locate(key, Lookup::kWrite);
  if (place != nullptr && place->type() != Type::kStream) return errors::kWrongType;
  return place;
}

// ---- Trimming -------------------------------------------------------------------------------------------------------

namespace {

// What a trim removes: whole nodes from the front, then some entries of the next one.
struct TrimPlan {
  size_t nodes = 0;
  size_t entries = 0;  // all
  size_t of_next = 0;
};

TrimPlan PlanTrim(const StreamRoot& root, const Trim& trim) {
  TrimPlan plan;
  const ds::CountedTree& nodes = root.tree(kNodes);
  if (trim.strategy == Trim::kNone || nodes.empty()) return plan;
  nodes.ForRange(0, nodes.size(), false, [&](const char* record) {
    const NodeInfo info = PayloadAs<NodeInfo>(record);
    const uint64_t left = root.length() - plan.entries;
    if (trim.strategy == Trim::kMaxLen && left <= trim.length_max) return false;
    const bool whole = trim.strategy == Trim::kMaxLen
                           ? left - info.entries >= trim.length_max
                           : root.Decoded({0, info.last_major, info.last_minor}) < trim.id_min;
    if (whole) {
      if (trim.entries_max != 0 && plan.entries + info.entries > trim.entries_max) return false;
      ++plan.nodes;
      plan.entries += info.entries;
      return true;
    }
    if (trim.approximate) return false;
    plan.of_next = trim.strategy == Trim::kMaxLen
                       ? static_cast<size_t>(left - trim.length_max)
                       : streams::IndexOf(root.tree(kEntries), root.Floor(trim.id_min)) - plan.entries;
    plan.entries += plan.of_next;
    return false;
  });
  return plan;
}

Error PrepareTrim(StreamEdit& edit, const TrimPlan& plan) LARDER_REQUIRES_HOLDER {
  LARDER_RETURN_IF_ERROR(edit.EraseRangeLater(kEntries, 0, plan.entries));
  if (plan.of_next != 0) {
    const ds::Numbers first = ds::NumbersOf(edit.root().tree(kNodes).At(plan.nodes).record());
    char* const record = edit.Change(kNodes, ds::ProbeOf(first));
    if (record == nullptr) return errors::kAllocationFailed;
    NodeInfo info = PayloadAs<NodeInfo>(record);
    info.entries -= static_cast<uint32_t>(plan.of_next);
    info.deleted += static_cast<uint32_t>(plan.of_next);
    SetPayload(record, info);
  }
  return edit.EraseRangeLater(kNodes, 0, plan.nodes);
}

// The trim as it would be done by who has the same stream in other nodes: MAXLEN = and how many are left.
struct TrimWords {
  Bytes words[3];
  char digits[base::kIntChars];

  void Set(size_t left) {
    words[0] = "MAXLEN";
    words[1] = "=";
    words[2] = base::FormatUint64(left, digits);
  }
};

}  // namespace

Result<int64_t> TrimTo(Db& db, Bytes key, const Trim& trim) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateStream(db, key));
  if (place == nullptr) return 0;
  const TrimPlan plan = PlanTrim(StreamAt(place).root(), trim);
  if (plan.entries == 0 && plan.nodes == 0) return 0;
  StreamEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  LARDER_RETURN_IF_ERROR(PrepareTrim(edit, plan));
  TrimWords trimmed;
  trimmed.Set(edit.root().length() - plan.entries);
  const Bytes command[] = {"XTRIM", key, trimmed.words[0], trimmed.words[1], trimmed.words[2]};
  Change change{EventClass::kStream, "xtrim", command};
  if (plan.entries == 0) change.event = {};  // nodes without entries have gone
  LARDER_RETURN_IF_ERROR(edit.Commit(change));
  return static_cast<int64_t>(plan.entries);
}

// ---- Adding ---------------------------------------------------------------------------------------------------------

namespace {

// Errors: kIdsExhausted, kIdTooSmall.
Result<StreamId> ResolveId(const StreamRoot* root, const NewId& wanted, int64_t now_ms) {
  const StreamId last = root == nullptr ? kMinId : root->last_id;
  if (last == kMaxId) return kIdsExhausted;
  StreamId id = wanted.id;
  if (wanted.kind == NewId::kAuto) {
    id = {static_cast<uint64_t>(std::max<int64_t>(now_ms, 0)), 0};
    if (id <= last) {
      id = last;
      id.Increment();
    }
  } else if (wanted.kind == NewId::kAutoSequence) {
    id.seq = 0;
    if (id.ms == last.ms) {
      if (last.seq == UINT64_MAX) return kIdTooSmall;
      id.seq = last.seq + 1;
    }
  }
  if (id <= last) return kIdTooSmall;
  return id;
}

// The entry that is to be added, and what becomes of the last node.
class Addition {
 public:
  Addition(StreamEdit& edit, StreamId id, std::span<const Bytes> words) : edit_(edit), id_(id), words_(words) {}

  Error Run(const keyspace::KeyspaceConfig& config) LARDER_REQUIRES_HOLDER {
    StreamRoot& root = edit_.root();
    // Below what was there before only after XSETID has gone back, of an empty stream.
    if ((!root.has_base || id_.ms < root.base_ms) && !Rebase(edit_.heap(), &root, id_.ms)) {
      return errors::kAllocationFailed;
    }
    coded_ = root.Coded(id_);
    fields_ = words_.size() / 2;
    FindNode(config);
    if (new_node_) {
      LARDER_RETURN_IF_ERROR(InsertNode());
    } else {
      same_ = SameFields();
      char* const record = edit_.Change(kNodes, ds::ProbeOf(node_first_));
      if (record == nullptr) return errors::kAllocationFailed;
      Account();
      SetPayload(record, info_);
    }
    LARDER_RETURN_IF_ERROR(InsertEntry());
    root.has_base = true;
    return kOk;
  }

 private:
  // The last node, if it has room as Redis counts: the entry's texts as they are, against the node so far.
  void FindNode(const keyspace::KeyspaceConfig& config) {
    const ds::CountedTree& nodes = edit_.root().tree(kNodes);
    new_node_ = true;
    if (nodes.empty()) return;
    node_ = nodes.At(nodes.size() - 1).record();
    node_first_ = ds::NumbersOf(node_);
    info_ = PayloadAs<NodeInfo>(node_);
    uint64_t texts = 0;
    for (const Bytes word : words_) texts += word.size();
    constexpr uint64_t kNodeBytesMax = uint64_t{1} << 30;  // whatever the directive says
    const uint64_t limit = config.stream_node_bytes_max;
    const uint64_t bytes_max = limit == 0 ? kNodeBytesMax : std::min(limit, kNodeBytesMax);
    if (ListpackBytes(info_) + texts >= bytes_max) return;
    const uint64_t entries_max = config.stream_node_entries_max;
    if (entries_max != 0 && uint64_t{info_.entries} + info_.deleted >= entries_max) return;
    new_node_ = false;
  }
  bool SameFields() const {
    if (info_.fields != fields_) return false;
    const Text names = PartText(ds::SkipPart(node_));
    const char* at = names.bytes.data();
    for (size_t i = 0; i < fields_; ++i) {
      Bytes name;
      at = ReadText(at, &name);
      if (name != words_[2 * i]) return false;
    }
    return true;
  }
  // Counts the entry into the node's numbers.
  void Account() {
    const int64_t ms = static_cast<int64_t>(coded_.major - node_first_.major);
    const int64_t seq = static_cast<int64_t>(coded_.minor - node_first_.minor);
    size_t bytes = ListpackBytes(int64_t{0}) + ListpackBytes(ms) + ListpackBytes(seq);
    for (size_t i = 0; i < words_.size(); ++i) {
      if (i % 2 == 1 || !same_) bytes += ListpackBytes(words_[i]);
    }
    const int64_t count = static_cast<int64_t>(fields_);
    if (!same_) bytes += ListpackBytes(count);
    bytes += ListpackBytes(same_ ? count + 3 : 2 * count + 4);
    info_.bytes += bytes;
    info_.last_major = coded_.major;
    info_.last_minor = coded_.minor;
    ++info_.entries;
  }
  Error InsertNode() LARDER_REQUIRES_HOLDER {
    same_ = true;
    node_first_ = coded_;
    info_ = {};
    info_.fields = static_cast<uint32_t>(fields_);
    info_.bytes = kListpackEmpty + ListpackBytes(static_cast<int64_t>(fields_)) + ListpackBytes(int64_t{0});
    size_t names_bytes = 0;
    for (size_t i = 0; i < words_.size(); i += 2) {
      info_.bytes += ListpackBytes(words_[i]);
      names_bytes += TextBytes(words_[i]);
    }
    Account();
    char payload[ds::kNumbersBytesMax + sizeof(NodeInfo)];
    char* const end = ds::WriteNumbers(payload, coded_);
    std::memcpy(end, &info_, sizeof(info_));
    char record[2 + sizeof(payload) + ds::kPartBytesMax];
    char* at = ds::WritePart(record, {payload, static_cast<size_t>(end - payload) + sizeof(info_)});
    const auto write = [&](char* to) {
      for (size_t i = 0; i < words_.size(); i += 2) to = WriteText(to, words_[i]);
    };
    return InsertParts(kNodes, record, at, names_bytes, write);
  }
  Error InsertEntry() LARDER_REQUIRES_HOLDER {
    char head[ds::kNumbersBytesMax + kVarintBytesMax];
    char* end = ds::WriteNumbers(head, coded_);
    end = WriteVarint(end, same_ ? 0 : fields_);
    const size_t head_bytes = static_cast<size_t>(end - head);
    size_t bytes = head_bytes;
    for (size_t i = 0; i < words_.size(); ++i) {
      if (i % 2 == 1 || !same_) bytes += TextBytes(words_[i]);
    }
    char record[ds::kPartBytesMax];
    return InsertParts(kEntries, record, record, bytes, [&](char* to) {
      std::memcpy(to, head, head_bytes);
      to += head_bytes;
      for (size_t i = 0; i < words_.size(); ++i) {
        if (i % 2 == 1 || !same_) to = WriteText(to, words_[i]);
      }
    });
  }
  // Inserts a record whose last part, of so many bytes, begins at `at` and is written by `write`.
  template <class Write>
  Error InsertParts(TreeIndex tree, char* record, char* at, size_t bytes, Write write) LARDER_REQUIRES_HOLDER {
    memory::Block* block = nullptr;
    if (bytes <= ds::kPartInlineMax) {
      // The size first, then the bytes behind it.
      const size_t before = ds::PartBytes(bytes) - bytes;
      write(at + before);
      at = ds::WritePart(at, Bytes(at + before, bytes));
    } else {
      block = edit_.heap().New(bytes, bytes);
      if (block == nullptr) return errors::kAllocationFailed;
      write(block->data());
      at = ds::WritePart(at, block);
    }
    const Error error = edit_.Insert(tree, ds::ProbeOf(coded_), Bytes(record, static_cast<size_t>(at - record)));
    if (!error.ok() && block != nullptr) block->UnrefHeld();
    return error;
  }

  StreamEdit& edit_;
  const StreamId id_;
  const std::span<const Bytes> words_;
  ds::Numbers coded_;
  size_t fields_ = 0;
  bool new_node_ = false;
  bool same_ = false;
  const char* node_ = nullptr;
  ds::Numbers node_first_;
  NodeInfo info_;
};

// XADD as a command that has the same effect elsewhere.
bool AddCommand(Bytes key, Bytes id, const TrimWords* trimmed, std::span<const Bytes> words, base::Buffer& room,
                std::span<const Bytes>* command) {
  const size_t count = 3 + (trimmed != nullptr ? 3 : 0) + words.size();
  char* const bytes = room.Extend(count * sizeof(Bytes));
  if (bytes == nullptr) return false;
  Bytes* const to = reinterpret_cast<Bytes*>(bytes);
  size_t size = 0;
  to[size++] = "XADD";
  to[size++] = key;
  for (int i = 0; trimmed != nullptr && i < 3; ++i) to[size++] = trimmed->words[i];
  to[size++] = id;
  for (const Bytes word : words) to[size++] = word;
  *command = {to, count};
  return true;
}

}  // namespace

Result<StreamId> Add(Db& db, Bytes key, const NewId& wanted, bool create, const Trim& trim,
                     std::span<const Bytes> fields_and_values, bool* added) {
  LARDER_DCHECK(!fields_and_values.empty() && fields_and_values.size() % 2 == 0);
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateStream(db, key));
  *added = place != nullptr || create;
  if (!*added) return StreamId();
  const Stream before = StreamAt(place);
  keyspace::Keyspace& keyspace = db.keyspace();
  const int64_t now_ms = wanted.kind == NewId::kAuto ? keyspace.now_ms() : 0;
  LARDER_ASSIGN_OR_RETURN(const StreamId id,
                          ResolveId(before.exists() ? &before.root() : nullptr, wanted, now_ms));
  StreamEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  const bool had_base = edit.root().has_base;
  const Error error = [&]() -> Error {
    base::AssertHolder();
    LARDER_RETURN_IF_ERROR(Addition(edit, id, fields_and_values).Run(keyspace.config()));
    const TrimPlan plan = PlanTrim(edit.root(), trim);
    if (plan.nodes != 0 || plan.entries != 0) LARDER_RETURN_IF_ERROR(PrepareTrim(edit, plan));
    TrimWords trimmed;
    trimmed.Set(edit.root().length() - plan.entries);
    IdText id_text;
    base::Buffer room;
    Change change{EventClass::kStream, "xadd"};
    if (plan.entries != 0) change.more = kThenTrim;
    if (keyspace.effects().wants(keyspace::Effects::kCommands) &&
        !AddCommand(key, FormatId(id, id_text), plan.entries != 0 ? &trimmed : nullptr, fields_and_values, room,
                    &change.command)) {
      return errors::kAllocationFailed;
    }
    const StreamId last = std::exchange(edit.root().last_id, id);
    ++edit.root().entries_added;
    const Error committed = edit.Commit(change);
    if (!committed.ok()) edit.root().last_id = last;  // it ends, but for who looks at it meanwhile
    return committed;
  }();
  if (!error.ok()) {
    edit.root().has_base = had_base;
    return error;
  }
  return id;
}

// ---- Deleting -------------------------------------------------------------------------------------------------------

namespace {

// The entry and its node will need no memory.
Error OwnEntry(StreamEdit& edit, NodeFinder& nodes, const ds::Numbers& id) LARDER_REQUIRES_HOLDER {
  StreamRoot& root = edit.root();
  nodes.Find(id);
  const size_t index = streams::IndexOf(root.tree(kEntries), id);
  if (!root.tree(kNodes).OwnRange(edit.heap(), nodes.index(), 1)) return errors::kAllocationFailed;
  if (!root.tree(kEntries).OwnRange(edit.heap(), index, 1)) return errors::kAllocationFailed;
  return kOk;
}

// Cannot fail, since OwnEntry did not.
void EraseEntry(StreamEdit& edit, const ds::Numbers& id) LARDER_REQUIRES_HOLDER {
  StreamRoot& root = edit.root();
  ds::CountedTree::Cursor cursor;
  LARDER_CHECK(root.tree(kEntries).FindSorted(ds::ProbeOf(id), &cursor));
  LARDER_CHECK(root.tree(kEntries).Erase(edit.heap(), &cursor));
  NodeFinder nodes(root);
  nodes.Find(id);
  cursor = root.tree(kNodes).At(nodes.index());
  char* const record = root.tree(kNodes).Mutable(edit.heap(), &cursor);
  LARDER_CHECK(record != nullptr);
  NodeInfo info = PayloadAs<NodeInfo>(record);
  if (info.entries <= 1) {
    LARDER_CHECK(root.tree(kNodes).Erase(edit.heap(), &cursor));
    return;
  }
  --info.entries;
  ++info.deleted;
  SetPayload(record, info);
}

}  // namespace

Result<int64_t> Delete(Db& db, Bytes key, size_t count, absl::FunctionRef<StreamId(size_t)> id_at,
                       std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateStream(db, key));
  if (place == nullptr) return 0;
  const Stream before = StreamAt(place);
  size_t first = 0;
  while (first < count && !before.Contains(id_at(first))) ++first;
  if (first == count) return 0;
  StreamEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  StreamRoot& root = edit.root();
  for (size_t i = first; i < count; ++i) {
    NodeFinder nodes(root);
    if (Stream(&root).Contains(id_at(i))) LARDER_RETURN_IF_ERROR(OwnEntry(edit, nodes, root.Coded(id_at(i))));
  }
  int64_t deleted = 0;
  for (size_t i = first; i < count; ++i) {
    const StreamId id = id_at(i);
    if (!Stream(&root).Contains(id)) continue;
    EraseEntry(edit, root.Coded(id));
    if (id > root.max_deleted) root.max_deleted = id;
    ++deleted;
  }
  LARDER_RETURN_IF_ERROR(edit.Commit({EventClass::kStream, "xdel", command}));
  return deleted;
}

Error SetId(Db& db, Bytes key, StreamId id, int64_t added, StreamId max_deleted, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateStream(db, key));
  if (place == nullptr) return errors::kNoSuchKey;
  const Stream stream = StreamAt(place);
  if (stream.length() != 0) {
    if (id < stream.IdAt(stream.length() - 1)) return kSetIdTooSmall;
    if (added != -1 && static_cast<uint64_t>(added) < stream.length()) return kSetIdTooFewAdded;
  }
  StreamEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  StreamRoot& root = edit.root();
  root.last_id = id;
  if (added != -1) root.entries_added = static_cast<uint64_t>(added);
  if (!max_deleted.is_zero()) root.max_deleted = max_deleted;
  // Redis does not touch the key for who watches it.
  Change change{EventClass::kStream, "xsetid", command};
  change.watched = false;
  return edit.Commit(change);
}

}  // namespace larder::inline v0::ops::streams
