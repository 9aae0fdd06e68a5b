// zvm-rewrite [--profile zvm|nacl] < in.s > out.s: the rewriter alone, for looking at what it does.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "guest/rewriter/rewriter.h"

int main(int argc, char** argv) {
  using namespace zvm::guest;
  Profile profile = Profile::kZvm;
  if (argc == 3 && std::string_view(argv[1]) == "--profile") {
    profile = std::string_view(argv[2]) == "nacl" ? Profile::kNacl : Profile::kZvm;
  }
  std::string in, out;
  char buffer[65536];
  for (ssize_t got = 0; (got = read(STDIN_FILENO, buffer, sizeof buffer)) > 0;) {
    in.append(buffer, static_cast<size_t>(got));
  }
  std::vector<Diagnostic> diagnostics;
  if (!Rewrite(in, profile, &out, &diagnostics)) {
    for (const Diagnostic& d : diagnostics) {
      fprintf(stderr, "%s:%u: (assembly line %u) %s\n", d.source_file.c_str(), d.source_line,
              d.asm_line, d.message.c_str());
    }
    return 1;
  }
  return fwrite(out.data(), 1, out.size(), stdout) == out.size() ? 0 : 1;
}
