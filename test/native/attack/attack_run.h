// Runs one attack in a zvm-run and judges it: the report, the process' end, and that nothing on
// the host has changed.
#pragma once

#include <string>
#include <vector>

#include "attack_case.h"
#include "tool_run.h"

namespace zvm::test {

// Runs `attack` with `tool` (a zvm-run) and returns what is wrong, "" when nothing is: the end of
// the run matches no alternative of `expected`, a process was left, a file appeared or changed.
std::string JudgeAttack(const AttackCase& attack, const std::string& tool,
                        const std::vector<Expectation>& expected);

}  // namespace zvm::test
