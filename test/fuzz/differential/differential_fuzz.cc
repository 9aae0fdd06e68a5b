// The same comparison led by coverage (libFuzzer): any disagreement of the judges is a crash.
#include <cstdio>
#include <cstdlib>

#include "hex.h"
#include "judges.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zvm::differential;
  constexpr size_t kInputMax = 256;
  if (size == 0 || size > kInputMax) return 0;
  static Judges judges;
  Bytes chunk(data, data + size);
  chunk.resize((size + zvm::oracle::kChunkAlignment - 1) / zvm::oracle::kChunkAlignment *
                   zvm::oracle::kChunkAlignment,
               zvm::oracle::kPadding);
  for (zvm::oracle::Rules rules : {zvm::oracle::Rules::kNacl, zvm::oracle::Rules::kZvm}) {
    if (judges.Ask(chunk, rules).Agree()) continue;
    std::fputs(judges.Describe(chunk, rules).c_str(), stderr);
    std::abort();
  }
  return 0;
}
