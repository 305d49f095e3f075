#include "lib/ops/zset_edit.h"

#include <cmath>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/scored.h"

namespace larder::inline v0::ops::zsets {
namespace {

using keyspace::CollectionEdit;
using keyspace::Encoding;
using keyspace::EventClass;
using keyspace::Form;
using keyspace::kScoredMembers;
using keyspace::ScoredProbe;
using keyspace::Type;

constexpr Form kSmall{Type::kZset, Encoding::kListpack};
constexpr Form kLarge{Type::kZset, Encoding::kSkiplist};
constexpr keyspace::Event kThenDel[] = {{EventClass::kGeneric, "del"}};

}  // namespace

ZsetEdit::ZsetEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place, bool several)
    : config_(db.keyspace().config()), edit_(db, key, place, kSmall, kScoredMembers, kScoredMembers, several) {}

ZsetEdit::ZsetEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place, Anew label)
    : config_(db.keyspace().config()),
      edit_(db, key, place, label == Anew::kListpack ? kSmall : kLarge, kScoredMembers, kScoredMembers,
            CollectionEdit::Anew()) {}

bool ZsetEdit::Find(Bytes member, double* score) {
  if (!edit_.Find(member, &spot_)) return false;
  *score = ds::ScoreOfWord(ds::PrefixOf<uint64_t>(spot_.record));
  return true;
}

Error ZsetEdit::Rescore(Bytes member, double score) { return edit_.Rescore(spot_, member, WordOf(score)); }

Error ZsetEdit::Insert(Bytes member, double score) {
  if (is_listpack() && (edit_.size() + 1 > config_.zset_packed_entries_max ||
                        member.size() > config_.zset_packed_value_max)) {
    edit_.set_form(kLarge);
  }
  longest_ = std::max(longest_, member.size());
  minus_zero_ |= score == 0 && std::signbit(score);
  const uint64_t word = WordOf(score);
  keyspace::RecordDraft draft = edit_.Draft();
  draft.Prefix(word);
  if (!draft.Part(member)) return errors::kAllocationFailed;
  edit_.FindSorted(ScoredProbe(word, member), &spot_);
  return edit_.Insert(spot_, draft);
}

Error ZsetEdit::ShrinkLabel() {
  if (edit_.size() > config_.zset_packed_entries_max || longest_ > config_.zset_packed_value_max) return kOk;
  edit_.set_form(kSmall);
  if (!minus_zero_) return kOk;
  // All that are 0 lie together.
  for (size_t i = edit_.Read().CountLess(ScoredProbe(ds::ScoreWord(0), {})); i < edit_.size(); ++i) {
    edit_.At(i, &spot_);
    const uint64_t word = ds::PrefixOf<uint64_t>(spot_.record);
    if (word == ds::ScoreWord(0)) continue;
    if (word != ds::kMinusZeroWord) break;
    Bytes member = ds::PartOf(spot_.record, kScoredMembers, 0);
    char copy[ds::kPartInlineMax];
    if (member.size() <= sizeof(copy)) {
      base::CopyBytes(copy, member);
      member = {copy, member.size()};
    }  // else it has a block, which stays
    LARDER_RETURN_IF_ERROR(edit_.Rescore(spot_, member, ds::ScoreWord(0)));
  }
  return kOk;
}

Error ZsetEdit::Commit(const keyspace::Change& change) {
  keyspace::Change gone = change;
  gone.more = kThenDel;
  return edit_.Commit(change, gone);
}

}  // namespace larder::inline v0::ops::zsets
