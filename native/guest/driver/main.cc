// zvm-cc, zvm-c++ and their companions zvm-ar, zvm-ranlib, zvm-strip, zvm-objdump, zvm-nm: one
// program that looks at the name it was called by.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "guest/driver/compile.h"
#include "guest/driver/link.h"

namespace zvm::guest {

namespace {

std::string BaseName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// The output of -c or -S without -o: the source's name in the current folder.
std::string DefaultOutput(const std::string& source, const char* extension) {
  std::string name = BaseName(source);
  const size_t dot = name.rfind('.');
  if (dot != std::string::npos) name.resize(dot);
  return name + extension;
}

int PrintAnswers(const Toolchain& toolchain, const Options& options) {
  const std::string library = toolchain.Library(options.profile);
  for (const std::string& answer : options.answers) {
    std::string text = answer;
    if (answer == "-print-search-dirs") {
      text = "install: " + toolchain.bin + "/\nprograms: =" + toolchain.bin +
             "/\nlibraries: =" + library + "/";
    } else if (answer == "-print-sysroot") {
      text = toolchain.sysroot;
    } else if (answer == "-print-libgcc-file-name") {
      text = library + "/libgcc.a";
    } else if (answer.compare(0, 17, "-print-file-name=") == 0) {
      const std::string name = answer.substr(17);
      const std::string path = library + "/" + name;
      text = access(path.c_str(), R_OK) == 0 ? path : name;
      if (name == "include") text = toolchain.sysroot + "/include/gcc";
    }
    printf("%s\n", text.c_str());
  }
  return 0;
}

// A folder for the objects between compiling and linking; removed with them.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* parent = getenv("TMPDIR");
    path_ = std::string(parent != nullptr ? parent : "/tmp") + "/zvm-cc-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    for (const std::string& file : files_) unlink(file.c_str());
    if (!path_.empty()) rmdir(path_.c_str());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  bool ok() const { return !path_.empty(); }
  std::string NewFile(size_t number) {
    files_.push_back(path_ + "/" + std::to_string(number) + ".o");
    return files_.back();
  }

 private:
  std::string path_;
  Arguments files_;
};

int CompileAndLink(const Toolchain& toolchain, const Options& options) {
  TemporaryFolder folder;
  if (!folder.ok()) {
    PrintError("cannot make a folder for temporary files");
    return 1;
  }
  Arguments objects;
  for (const Input& input : options.inputs) {
    objects.push_back(folder.NewFile(objects.size()));
    const int status = Compile(toolchain, options, input, objects.back());
    if (status != 0) return status;
  }
  return Link(toolchain, options, objects);
}

int Drive(const Arguments& command_line, bool cxx) {
  Arguments arguments = command_line;
  Options options;
  options.cxx = cxx;
  Toolchain toolchain;
  if (!ExpandResponseFiles(&arguments) || !ParseOptions(arguments, &options)) return 1;
  if (!FindToolchain(&toolchain)) return 1;
  SetVerbose(options.verbose);
  if (options.only_version) {
    printf("%s (zvm) 0.1.0, front end GCC 12, target x86_64-zvm-elf\n", cxx ? "zvm-c++" : "zvm-cc");
    if (options.verbose) fprintf(stderr, "Thread model: single\ngcc version 12.2.0 (zvm)\n");
    return 0;
  }
  if (!options.answers.empty()) return PrintAnswers(toolchain, options);
  if (options.stage == Stage::kLink) return CompileAndLink(toolchain, options);
  for (const Input& input : options.inputs) {
    std::string output = options.output;
    const bool text = options.stage == Stage::kPreprocess || options.stage == Stage::kDependencies;
    if (output.empty() && !text) {
      output = DefaultOutput(input.path, options.stage == Stage::kObject ? ".o" : ".s");
    }
    const int status = Compile(toolchain, options, input, output);
    if (status != 0) return status;
  }
  return 0;
}

}  // namespace
}  // namespace zvm::guest

int main(int argc, char** argv) {
  using namespace zvm::guest;
  const std::string name = BaseName(argv[0]);
  Arguments arguments(argv + 1, argv + argc);
  SetProgramName(name);
  static constexpr struct {
    const char* name;
    const char* tool;
  } kCompanions[] = {{"zvm-ar", "ar"},           {"zvm-ranlib", "ranlib"}, {"zvm-strip", "strip"},
                     {"zvm-objdump", "objdump"}, {"zvm-nm", "nm"}};
  for (const auto& companion : kCompanions) {
    if (name != companion.name) continue;
    arguments.insert(arguments.begin(), companion.tool);
    Exec(arguments);
    return 127;
  }
  return Drive(arguments, name == "zvm-c++" || name == "zvm-g++");
}
