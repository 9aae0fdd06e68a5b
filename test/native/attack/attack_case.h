// One program of test/guest/attack/ as its head comment describes it. The lines that count:
//
//   // expect: outcome=trapped status=4 signal=11      what must happen; `|` separates alternatives
//   // unvalidated: killed=31                   the same without the validator; `same` = as above
//   // memory: 4096M                            of the session, default 32M
//   // options: --cpu-ms 100                    words for the command line of zvm-run
//   // channel: @/stdin, /dev/stdin, 1, 0, 9, 9, 0, 0
//                                                 instead of the standard one; @ = the temp folder
//   // channels: 1365                           filled up to so many
//   // stdin: fifo                              instead of a file: a FIFO without writer, or
//                                                 fifo-held, with a silent one
//   // on-gate: terminate                       what the runner does after the guest's first byte
//                                                 on stdout: terminate, shrink-stdin
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace zvm::test {

// Keys: outcome status signal address code validator rule reason, killed (signal of the process),
// report (none). All must hold.
using Expectation = std::map<std::string, std::string>;

struct AttackCase {
  std::string name;
  std::vector<Expectation> expected;     // one of these must hold
  std::vector<Expectation> unvalidated;  // empty: not run that way
  uint64_t memory_bytes = uint64_t{32} << 20;
  std::vector<std::string> options;
  std::vector<std::string> channels;
  size_t channel_count = 3;
  std::string standard_input = "file";
  std::string on_gate;
};

// All programs in test/guest/attack/, by name. A line that cannot be read ends the test program.
std::vector<AttackCase> ReadAttackCases();

}  // namespace zvm::test
