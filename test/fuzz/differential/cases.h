// One random case: which generator, which mutation, which neighbours. The same random state and the
// same corpus give the same case.
#pragma once

#include <string>
#include <vector>

#include "random.h"

namespace zvm::differential {

// Known chunks to start from: the published tables, padded to bundles.
struct Corpus {
  std::vector<Bytes> chunks;
  std::vector<Bytes> accepted;  // those of them that are valid
};

// Reads the gzip-compressed tables ("hex TAB verdict TAB ...") of a folder. False: one is missing.
[[nodiscard]] bool ReadCorpus(const std::string& folder, Corpus& out);

// A chunk of one to eight bundles.
Bytes MakeCase(Random& random, const Corpus& corpus);

}  // namespace zvm::differential
