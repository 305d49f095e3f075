#include "net/own_descriptors.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace larder::inline v0::net {

OwnDescriptors::~OwnDescriptors() {
  for (Table* table = table_.load(std::memory_order_relaxed); table != nullptr;) {
    Table* const older = table->older;
    std::free(table);
    table = older;
  }
}

OwnDescriptors::Table* OwnDescriptors::Grow(Table* old, size_t words) {
  if (old != nullptr) words = std::max(words, 2 * old->words);
  auto* const grown = static_cast<Table*>(std::calloc(1, sizeof(Table) + words * sizeof(std::atomic<uint64_t>)));
  if (grown == nullptr) return nullptr;
  grown->older = old;
  grown->words = words;
  for (size_t i = 0; old != nullptr && i < old->words; ++i) {
    grown->bits()[i].store(old->bits()[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  table_.store(grown, std::memory_order_release);
  return grown;
}

bool OwnDescriptors::Add(int fd) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t word = static_cast<size_t>(fd) / kBits;
  Table* table = table_.load(std::memory_order_relaxed);
  if (table == nullptr || word >= table->words) table = Grow(table, word + 1);
  if (table == nullptr) return false;
  table->bits()[word].fetch_or(uint64_t{1} << (static_cast<size_t>(fd) % kBits), std::memory_order_relaxed);
  return true;
}

void OwnDescriptors::Remove(int fd) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t word = static_cast<size_t>(fd) / kBits;
  Table* const table = table_.load(std::memory_order_relaxed);
  if (fd < 0 || table == nullptr || word >= table->words) return;
  table->bits()[word].fetch_and(~(uint64_t{1} << (static_cast<size_t>(fd) % kBits)), std::memory_order_relaxed);
}

void OwnDescriptors::CloseInChild() {
  Table* const table = table_.load(std::memory_order_acquire);
  for (size_t word = 0; table != nullptr && word < table->words; ++word) {
    const uint64_t bits = table->bits()[word].exchange(0, std::memory_order_relaxed);
    for (size_t bit = 0; bit < kBits; ++bit) {
      if ((bits >> bit & 1) != 0) close(static_cast<int>(word * kBits + bit));
    }
  }
}

}  // namespace larder::inline v0::net
