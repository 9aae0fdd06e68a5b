// What counts as a text of the program itself: not what is written, relocated or on the heap.
#include "session/literal.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace zvm {
namespace {

char g_written[] = "in .data";
const char* const g_relocated[] = {"a", "b"};
char g_zeros[16];

TEST_CASE("literals are in the read-only parts of the program") {
  CHECK(IsLiteral("prepare-died"));
  static constexpr char kText[] = "constant";
  CHECK(IsLiteral(kText));
}

TEST_CASE("nothing else is") {
  g_written[0] = 'I';
  CHECK_FALSE(IsLiteral(g_written));
  CHECK_FALSE(IsLiteral({reinterpret_cast<const char*>(g_relocated), 8}));
  CHECK_FALSE(IsLiteral({g_zeros, sizeof g_zeros}));
  const std::string stack = "short";
  CHECK_FALSE(IsLiteral(stack));
  const auto heap = std::make_unique<char[]>(64);
  CHECK_FALSE(IsLiteral({heap.get(), 64}));
  CHECK_FALSE(IsLiteral({}));
  CHECK_FALSE(IsLiteral({reinterpret_cast<const char*>(~uint64_t{0} - 3), 64}));
  // A literal with a size that leaves its segment.
  CHECK_FALSE(IsLiteral({"text", size_t{1} << 40}));
  CHECK_FALSE(IsLiteral({"text", ~size_t{0}}));
}

}  // namespace
}  // namespace zvm
