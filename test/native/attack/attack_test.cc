// The attack suite behind both walls: every program of test/guest/attack/ must end as it says.
#include <doctest/doctest.h>

#include "attack_run.h"

namespace zvm::test {
namespace {

constexpr size_t kAttacksMin = 60;

TEST_CASE("every attack ends as its head says and leaves the host unchanged") {
  const std::vector<AttackCase> attacks = ReadAttackCases();
  CHECK(attacks.size() >= kAttacksMin);
  for (const AttackCase& attack : attacks) {
    INFO(attack.name);
    CHECK(JudgeAttack(attack, ZVM_BUILD_DIR "/zvm-run", attack.expected) == "");
  }
  MESSAGE(attacks.size() << " attacks");
}

TEST_CASE("the runner notices a wrong end, so that the case above can fail") {
  const std::vector<AttackCase> attacks = ReadAttackCases();
  const AttackCase& attack = attacks.front();
  CHECK(JudgeAttack(attack, ZVM_BUILD_DIR "/zvm-run", {{{"outcome", "exited"}, {"code", "99"}}}) !=
        "");
}

}  // namespace
}  // namespace zvm::test
