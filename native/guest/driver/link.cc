// See link.h.
#include "guest/driver/link.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "guest/driver/float_mark.h"

namespace zvm::guest {
namespace {

constexpr uint64_t kTextStart = 0x20000;
constexpr int kExplainedMax = 5;

bool IsRelocatable(const Options& options) {
  for (const std::string& argument : options.link) {
    if (argument == "-r") return true;
  }
  return false;
}

Arguments LinkCommand(const Toolchain& toolchain, const Options& options, const Arguments& objects,
                      const std::string& output) {
  const std::string library = toolchain.Library(options.profile);
  Arguments command = {kLinker, "-m", "elf_x86_64", "-nostdlib", "-static", "-o", output};
  const bool relocatable = IsRelocatable(options);
  if (!relocatable) {
    command.insert(command.end(),
                   {"--gc-sections", "--build-id=none", "-z", "noexecstack", "-z",
                    "max-page-size=0x20", "-z", "common-page-size=0x20", "-z", "norelro",
                    "--no-warn-rwx-segments", "-T", toolchain.sysroot + "/lib/nexe.ld"});
  }
  if (options.strip) command.push_back("-s");
  if (options.start_files) command.push_back(library + "/crt0.o");
  for (const std::string& argument : options.link) {
    if (argument[0] == '\x01') {
      command.push_back(objects[static_cast<size_t>(atoi(argument.c_str() + 1))]);
    } else {
      command.push_back(argument);
    }
  }
  command.push_back("-L" + library);
  if (options.default_libraries) {
    // The C++ library formats numbers by printf.
    if (options.cxx) {
      command.insert(command.end(), {"-u", std::string(kFloatMark), "-lstdc++", "-lm"});
    }
    command.insert(command.end(), {"--start-group", "-lzvm", "-lc", "-lgcc", "--end-group"});
  }
  return command;
}

// "offset rule reason" lines of the validator, each with the source line that debug information
// knows for the address.
void Explain(const std::string& verdict, const std::string& nexe) {
  std::string_view rest = verdict;
  for (int i = 0; i < kExplainedMax && !rest.empty(); ++i) {
    const size_t end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const uint64_t offset = strtoull(line.c_str(), nullptr, 0);
    char address[32];
    snprintf(address, sizeof address, "0x%llx",
             static_cast<unsigned long long>(kTextStart + offset));
    std::string place;
    RunRequest request;
    request.arguments = {"llvm-symbolizer-16", "-p", "-C", "-e", nexe, address};
    request.output = &place;
    request.quiet = true;
    if (Run(request) != 0 || place.empty()) place = address;
    while (!place.empty() && place.back() == '\n') place.pop_back();
    fprintf(stderr, "%s: %s\n", place.c_str(), line.c_str());
  }
}

int Validate(const Toolchain& toolchain, const Options& options, const std::string& nexe) {
  if (const char* skip = getenv("ZVM_CC_SKIP_VALIDATION"); skip != nullptr && *skip == '1')
    return 0;
  std::string verdict;
  RunRequest request;
  request.arguments = {toolchain.bin + "/zvm-validate", "--profile",
                       options.profile == Profile::kZvm ? "zvm" : "nacl", nexe};
  request.output = &verdict;
  const int status = Run(request);
  if (status == 0) return 0;
  PrintError("the validator refuses " + nexe);
  Explain(verdict, nexe);
  return 1;
}

}  // namespace

int Link(const Toolchain& toolchain, const Options& options, const Arguments& objects) {
  const std::string output = options.output.empty() ? "a.out" : options.output;
  // Made beside its place and moved there when the validator has accepted it.
  const std::string draft = output + ".zvm-" + std::to_string(getpid());
  RunRequest request;
  request.arguments = LinkCommand(toolchain, options, objects, draft);
  int status = Run(request);
  if (status == 0 && !IsRelocatable(options)) status = Validate(toolchain, options, draft);
  if (status == 0 && rename(draft.c_str(), output.c_str()) != 0) {
    PrintError("cannot write " + output);
    status = 1;
  }
  if (status != 0) unlink(draft.c_str());
  return status;
}

}  // namespace zvm::guest
