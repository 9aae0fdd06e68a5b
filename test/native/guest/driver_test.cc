// The compiler driver as a user and a build system call it. Needs no guest libraries.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace {

struct Outcome {
  int status;
  std::string text;  // standard output and error
};

Outcome Call(const std::string& arguments, const std::string& name = "zvm-cc") {
  const std::string command = ZVM_BUILD_DIR "/" + name + " " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome outcome{};
  std::array<char, 4096> buffer;
  size_t got = 0;
  while ((got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) {
    outcome.text.append(buffer.data(), got);
  }
  outcome.status = WEXITSTATUS(pclose(pipe));
  return outcome;
}

class Folder {
 public:
  Folder() { REQUIRE(mkdtemp(path_) != nullptr); }
  ~Folder() { CHECK(system((std::string("rm -r ") + path_).c_str()) == 0); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string Path(const std::string& name) const { return std::string(path_) + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  bool Has(const std::string& name) const { return access(Path(name).c_str(), R_OK) == 0; }

 private:
  char path_[32] = "/tmp/zvm-driver-XXXXXX";
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("questions of build systems are answered") {
  CHECK(Call("--version").status == 0);
  CHECK(Contains(Call("--version").text, "zvm-cc (zvm)"));
  CHECK(Call("-dumpmachine").text == "x86_64-zvm-elf\n");
  CHECK(Contains(Call("-v", "zvm-c++").text, "Thread model: single"));
  CHECK(Contains(Call("--version", "zvm-ar").text, "ar"));
}

TEST_CASE("what the sandbox cannot give is refused by name") {
  for (const char* flag : {"-shared", "-pthread", "-m32", "-mbmi2", "-mavx512f",
                           "-fsanitize=address", "-march=native", "-fopenmp", "-mlong-double-80"}) {
    CAPTURE(flag);
    const Outcome outcome = Call(std::string(flag) + " -c x.c");
    CHECK(outcome.status == 1);
    CHECK(Contains(outcome.text, std::string("'") + flag + "' is not possible: "));
  }
  CHECK(Call("").status == 1);
  CHECK(Call("-c -o").status == 1);
  CHECK(Call("--profile=other -c x.c").status == 1);
}

TEST_CASE("-S, -c, -E and -M make what they say") {
  const Folder folder;
  const std::string source =
      folder.Write("a.c", "#include \"a.h\"\nint f(int *p) { return *p + N; }\n");
  folder.Write("a.h", "#define N 3\n");
  REQUIRE(Call("-O2 -S " + source + " -o " + folder.Path("a.s")).status == 0);
  CHECK(Contains(folder.Read("a.s"), "%gs:(%edi)"));
  REQUIRE(Call("-O2 --profile nacl -S " + source + " -o " + folder.Path("n.s")).status == 0);
  CHECK(Contains(folder.Read("n.s"), "(%r15,%r11)"));
  REQUIRE(Call("-c " + folder.Path("a.s") + " -o " + folder.Path("again.o")).status == 0);
  REQUIRE(Call("-O2 -g -MD -c " + source + " -o " + folder.Path("a.o")).status == 0);
  CHECK(Contains(folder.Read("a.d"), "a.h"));
  CHECK(folder.Read("a.d").compare(0, folder.Path("a.o").size(), folder.Path("a.o")) == 0);
  CHECK(folder.Read("a.o").compare(0, 5, "\177ELF\2") == 0);
  CHECK(Contains(Call("-E " + source).text, "return *p + 3"));
  CHECK(Contains(Call("-MM " + source).text, "a.h"));
  CHECK(Call("-fsyntax-only " + source).status == 0);
}

TEST_CASE("response files and ignored flags") {
  const Folder folder;
  const std::string source = folder.Write("b.c", "int g = VALUE;\n");
  folder.Write("flags", "-DVALUE='4 + 3' -fPIC\n-fstack-protector-strong");
  CHECK(Call("@" + folder.Path("flags") + " -c " + source + " -o " + folder.Path("b.o")).status ==
        0);
  CHECK(folder.Has("b.o"));
}

TEST_CASE("a nexe without libraries is linked and validated; a refused one is not left behind") {
  const Folder folder;
  const std::string good =
      folder.Write("good.c", "void _start(void) { for (;;) __builtin_ia32_pause(); }\n");
  const std::string bad = folder.Write(
      "bad.s",
      "\t.globl _start\n_start:\n\t.zvm_raw on\n\tmovl (%rax),%eax\n\t.zvm_raw off\n\thlt\n");
  const std::string script = ZVM_TEST_DIR "/../native/guest/crt";
  REQUIRE(system(("mkdir -p " + folder.Path("lib/zvm") + " && cp " + script + "/nexe.ld " +
                  folder.Path("lib/")).c_str()) == 0);
  REQUIRE(setenv("ZVM_SYSROOT", folder.Path("").c_str(), 1) == 0);
  CHECK(Call("-O2 -nostdlib " + good + " -o " + folder.Path("good.nexe")).status == 0);
  CHECK(folder.Has("good.nexe"));
  const Outcome refused = Call("-nostdlib " + bad + " -o " + folder.Path("bad.nexe"));
  CHECK(refused.status == 1);
  CHECK(Contains(refused.text, "the validator refuses"));
  CHECK_FALSE(folder.Has("bad.nexe"));
  REQUIRE(unsetenv("ZVM_SYSROOT") == 0);
}

TEST_CASE("a switch whose comparison GCC hoists over the jump table compiles without a table") {
  const Folder folder;
  const std::string source = folder.Write("s.c", R"(
void g(int), h(int);
int f(int k, int *p) {
  switch (k) {
    case 0: case 6: case 7: case 8: case 9: g(1); break;
    case 1: case 3: h(p[1]); break;
    case 2: case 4: case 5: p[0] = 4; break;
    case 10: p[2] = 7; g(8); break;
    case 11: case 12:
      if (k != 12) { p[3] = p[4]; h(9); }
      g(p[5]);
      break;
    default: return 3;
  }
  return p[7];
}
)");
  const Outcome outcome = Call("-O2 -v -c " + source + " -o " + folder.Path("s.o"));
  CHECK(outcome.status == 0);
  CHECK(folder.Has("s.o"));
  CHECK(Contains(outcome.text, "-fno-jump-tables"));
}

TEST_CASE("an error in inline assembly points to its line") {
  const Folder folder;
  const std::string source =
      folder.Write("c.c", "int f(void) {\n  __asm__(\"syscall\");\n  return 0;\n}\n");
  const Outcome outcome = Call("-c " + source + " -o " + folder.Path("c.o"));
  CHECK(outcome.status == 1);
  CHECK(Contains(outcome.text, "c.c:2: error: "));
  CHECK_FALSE(folder.Has("c.o"));
}

TEST_CASE("a nested function whose address is taken is refused at its line") {
  const Folder folder;
  const std::string source = folder.Write(
      "n.c",
      "int g(int (*)(void));\nint f(int x) {\n  int h(void) { return x; }\n  return g(h);\n}\n");
  const Outcome outcome = Call("-c " + source + " -o " + folder.Path("n.o"));
  CHECK(outcome.status == 1);
  CHECK(Contains(outcome.text, "n.c:3:7: error: "));
  CHECK(Contains(outcome.text, "trampoline"));
}

TEST_CASE("objects that may need the full printf ask for it, others do not") {
  const Folder folder;
  const auto asks = [&folder](const std::string& body) {
    // No header: the libraries of guests need not be built yet.
    const std::string source = folder.Write("p.c", "int printf(const char *, ...);\n" + body);
    REQUIRE(Call("-O2 -S " + source + " -o " + folder.Path("p.s")).status == 0);
    return Contains(folder.Read("p.s"), "__zvm_float_printf");
  };
  CHECK_FALSE(asks("int f(int x) { return printf(\"%d %% $ %s\", x, \"100%\"); }\n"));
  CHECK(asks("int f(int x) { return printf(\"%2$s %1$d\", x, \"s\"); }\n"));
  CHECK(asks("int f(double x) { return printf(\"%g\", x); }\n"));
  CHECK(asks("double g(void);\nint f(void) { return printf(\"%g\", g()) + 1; }\n"));
  CHECK_FALSE(asks("int g(void);\nint f(int x) { return x == 7 || (g() & 1); }\n"));
  CHECK(asks("int wprintf(const int *, ...);\nint f(void) { return wprintf(L\"w\"); }\n"));
}

}  // namespace
