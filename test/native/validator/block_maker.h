// Blocks of four bundles for the differential test of the accept filter: real bundles, bundles put
// together from random instructions and sandboxing sequences, most of them valid, then some bytes
// changed. The four bundles of a block are unrelated, so that a leak between them shows.
#pragma once

#include <array>
#include <vector>

#include "random.h"
#include "filter_check.h"

namespace zvm::test {

using differential::Bytes;
using differential::Random;

class BlockMaker {
 public:
  // `policy` and `sources` must outlive the maker. Sources: chunks of whole bundles, maybe none.
  BlockMaker(uint64_t seed, const ScanPolicy& policy, const std::vector<Bytes>& sources);

  void Make(uint8_t* block);         // kBlockSize bytes
  void CopySource(uint8_t* bundle);  // one random bundle of the sources, unchanged
  void Mutate(uint8_t* bytes, size_t size, int count);
  Random& random() { return random_; }

 private:
  struct Piece {
    uint8_t size = 0;
    uint8_t bytes[31];
  };

  Piece MakePiece();
  Piece MakeInstruction();
  Piece MakeSequence();
  void Compose(uint8_t* bundle);

  Random random_;
  const ScanPolicy& policy_;
  const std::vector<Bytes>& sources_;
  std::vector<Piece> pieces_;
};

// The bundles of the conformance tables, and those of the golden cases of profile zvm.
std::vector<Bytes> TableSources();

}  // namespace zvm::test
