// See float_mark.h.
#include "guest/driver/float_mark.h"

namespace zvm::guest {
namespace {

// True when a literal has a conversion of the form %2$d. No register's name starts with a digit.
bool NamesPosition(std::string_view text) {
  for (size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at)) {
    const size_t first = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at > first && at < text.size() && text[at] == '$') return true;
  }
  return false;
}

// True when 1 is loaded into eax, and what leaves the function next is a call, or a jump to another
// function: it may be a variadic one.
bool CountsOneFloat(std::string_view text) {
  constexpr std::string_view kLoad = "\tmovl\t$1,%eax\n";
  constexpr size_t kLookAhead = 2048;  // the call follows closely, and files are large
  for (size_t at = text.find(kLoad); at != std::string_view::npos; at = text.find(kLoad, at)) {
    at += kLoad.size();
    const std::string_view rest = text.substr(at, kLookAhead);
    const size_t call = rest.find("\tcall");
    const size_t jump = rest.find("\tjmp\t");
    const size_t next = call < jump ? call : jump;
    if (next == std::string_view::npos || rest.find("\tret") < next) continue;
    // Other jumps go to a label of this function, by a table, or back to the caller.
    const std::string_view target = rest.substr(next);
    if (target.compare(0, 6, "\tjmp\t.") != 0 && target.compare(0, 6, "\tjmp\t*") != 0) return true;
  }
  return false;
}

}  // namespace

void MarkFloats(std::string* assembly) {
  const bool wanted = assembly->find("%xmm") != std::string::npos ||
                      assembly->find("wprintf") != std::string::npos || NamesPosition(*assembly) ||
                      CountsOneFloat(*assembly);
  if (!wanted) return;
  assembly->append("\t.globl\t").append(kFloatMark).append("\n");
}

}  // namespace zvm::guest
