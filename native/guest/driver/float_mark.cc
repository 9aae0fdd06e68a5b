// See float_mark.h.
#include "guest/driver/float_mark.h"

namespace zvm::guest {

void MarkFloats(std::string* assembly) {
  if (assembly->find("%xmm0") == std::string::npos) return;
  assembly->append("\t.globl\t").append(kFloatMark).append("\n");
}

}  // namespace zvm::guest
