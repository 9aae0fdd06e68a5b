// Both judges at one table: the production validator (its exact and its fast path) and the oracle.
// The only file here that knows the production validator.
#pragma once

#include <string>

#include "oracle.h"
#include "random.h"

namespace zvm::differential {

struct Opinions {
  bool oracle = false;
  bool exact = false;         // production, exact path
  bool fast = false;          // production, fast path
  unsigned filtered = 0;       // bundles that the accept filter took by itself
  bool profile_agrees = true;  // what production says is the weakest sufficient profile

  bool Agree() const { return oracle == exact && exact == fast && profile_agrees; }
};

class Judges {
 public:
  // `chunk.size()` is a multiple of 32 and at most kChunkBytesMax.
  [[nodiscard]] Opinions Ask(const Bytes& chunk, oracle::Rules rules);

  // A smaller chunk about which they disagree as well. Requires a disagreement.
  [[nodiscard]] Bytes Shrink(Bytes chunk, oracle::Rules rules);

  // Verdicts, reasons, bytes and listing of a chunk, for humans.
  [[nodiscard]] std::string Describe(const Bytes& chunk, oracle::Rules rules);

 private:
  unsigned CountFiltered(const Bytes& chunk, oracle::Rules rules);

  oracle::Oracle oracle_;
  Bytes scratch_;
};

}  // namespace zvm::differential
