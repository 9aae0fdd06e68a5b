// What the process that judges a program tells the one that started it, through a page that both
// map. The judge has parsed hostile bytes: not even a bool of its answer is believed to be one.
#pragma once

#include "session/prepare.h"

namespace zvm {

inline constexpr size_t kAnswerCodeSizeMax = 64;

struct BuildAnswer {
  bool finished = false;  // false: the child died on the way
  bool built = false;     // the image is complete and sealed
  PrepareFailure problem;
  // The code of the failure as text, for the parent: no pointer of the child is ever followed.
  char code[kAnswerCodeSizeMax] = {};
};

// Makes an answer fit for another process: sets `code`.
void PackAnswer(BuildAnswer& answer);

// A copy of the answer in memory that the child cannot reach, with every field in its range: what
// was checked is what is used. An answer that cannot be right becomes one that was never finished.
// Its failure.code is valid until the next call.
[[nodiscard]] BuildAnswer ReadAnswer(const BuildAnswer& shared);

}  // namespace zvm
