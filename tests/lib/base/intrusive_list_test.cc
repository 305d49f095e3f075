#include "lib/base/intrusive_list.h"

#include <algorithm>
#include <list>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace larder::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Element {
  ListLinks<Element> links;
  ListLinks<Element> other_links;
  int number = 0;
};
using List = IntrusiveList<Element, &Element::links>;

// Forwards; what stands backwards must be the same.
std::vector<int> NumbersOf(const List& list) {
  std::vector<int> numbers, backwards;
  for (const Element* e = list.front(); e != nullptr; e = e->links.next) numbers.push_back(e->number);
  for (const Element* e = list.back(); e != nullptr; e = e->links.previous) backwards.push_back(e->number);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(numbers, backwards);
  EXPECT_EQ(list.empty(), numbers.empty());
  return numbers;
}

TEST(IntrusiveListTest, KeepsTheOrderOfAdding) {
  Element elements[3];
  for (int i = 0; i < 3; ++i) elements[i].number = i;
  List list;
  EXPECT_THAT(NumbersOf(list), IsEmpty());
  list.PushBack(elements[0]);
  list.PushBack(elements[1]);
  list.PushFront(elements[2]);
  EXPECT_THAT(NumbersOf(list), ElementsAre(2, 0, 1));
  list.Remove(elements[0]);
  EXPECT_THAT(NumbersOf(list), ElementsAre(2, 1));
  EXPECT_EQ(elements[0].links.next, nullptr);
  EXPECT_EQ(elements[0].links.previous, nullptr);
}

TEST(IntrusiveListTest, AnElementMayBeInListsOfDifferentLinks) {
  Element a, b;
  a.number = 1;
  b.number = 2;
  List list;
  IntrusiveList<Element, &Element::other_links> other;
  list.PushBack(a);
  list.PushBack(b);
  other.PushBack(b);
  other.PushBack(a);
  list.Remove(a);
  EXPECT_THAT(NumbersOf(list), ElementsAre(2));
  EXPECT_EQ(other.front(), &b);
  EXPECT_EQ(other.back(), &a);
}

TEST(IntrusiveListTest, DoesWhatAListOfTheLibraryDoes) {
  constexpr unsigned kSeed = 17;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  std::vector<Element> elements(20);
  std::vector<bool> is_in(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) elements[i].number = static_cast<int>(i);
  List list;
  std::list<int> model;
  for (int step = 0; step < 5000; ++step) {
    const size_t i = random() % elements.size();
    if (is_in[i]) {
      list.Remove(elements[i]);
      model.remove(static_cast<int>(i));
    } else if (random() % 2 == 0) {
      list.PushBack(elements[i]);
      model.push_back(static_cast<int>(i));
    } else {
      list.PushFront(elements[i]);
      model.push_front(static_cast<int>(i));
    }
    is_in[i] = !is_in[i];
    ASSERT_EQ(NumbersOf(list), std::vector<int>(model.begin(), model.end())) << step;
  }
}

}  // namespace
}  // namespace larder::base
