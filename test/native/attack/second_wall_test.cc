// The attack suite against the outer wall alone: the same programs in a zvm-run whose validator is
// switched off, so that every hostile instruction is really executed.
#include <doctest/doctest.h>

#include "attack_run.h"

namespace zvm::test {
namespace {

const std::string kUnvalidated = ZVM_BUILD_DIR "/zvm-run-unvalidated";

TEST_CASE("at least half of the attacks, unvalidated, are contained by the outer wall alone") {
  const std::vector<AttackCase> attacks = ReadAttackCases();
  size_t run = 0;
  for (const AttackCase& attack : attacks) {
    if (attack.unvalidated.empty()) {
      continue;
    }
    ++run;
    INFO(attack.name);
    CHECK(JudgeAttack(attack, kUnvalidated, attack.unvalidated) == "");
  }
  CHECK(2 * run >= attacks.size());
  MESSAGE(run << " of " << attacks.size() << " attacks without validator");
}

TEST_CASE("the test build does not judge, and the ordinary one does") {
  for (const AttackCase& attack : ReadAttackCases()) {
    if (attack.name == "rdtsc") {
      CHECK(JudgeAttack(attack, kUnvalidated, {{{"validator", "not-run"}}}) == "");
      CHECK(JudgeAttack(attack, ZVM_BUILD_DIR "/zvm-run", {{{"validator", "failed"}}}) == "");
    }
  }
}

}  // namespace
}  // namespace zvm::test
