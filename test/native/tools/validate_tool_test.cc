// zvm-validate as a user runs it: output, exit status, and what it says about bad input.
#include <doctest/doctest.h>
#include <elf.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Answer {
  int status;
  std::string out;  // standard output and, behind it, standard error
};

Answer Run(const std::string& arguments, const std::string& input = "") {
  const std::string command = "printf '" + input + "' | '" ZVM_BUILD_DIR "/zvm-validate' " +
                              arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Answer answer{0, ""};
  char block[4096];
  for (size_t n; (n = fread(block, 1, sizeof block, pipe)) > 0;) {
    answer.out.append(block, n);
  }
  answer.status = WEXITSTATUS(pclose(pipe));
  return answer;
}

// A program file with `text` as its only segment, removed at the end.
class NexeFile {
 public:
  explicit NexeFile(const std::vector<uint8_t>& text) {
    Elf64_Ehdr ehdr{};
    std::memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
    ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    ehdr.e_type = ET_EXEC;
    ehdr.e_machine = EM_X86_64;
    ehdr.e_version = EV_CURRENT;
    ehdr.e_entry = 0x20000;
    ehdr.e_phoff = sizeof ehdr;
    ehdr.e_phentsize = sizeof(Elf64_Phdr);
    ehdr.e_phnum = 1;
    Elf64_Phdr phdr{};
    phdr.p_type = PT_LOAD;
    phdr.p_flags = PF_R | PF_X;
    phdr.p_offset = 0x1000;
    phdr.p_vaddr = 0x20000;
    phdr.p_filesz = phdr.p_memsz = text.size();
    const int fd = mkstemp(path_);
    REQUIRE(fd >= 0);
    REQUIRE(pwrite(fd, &ehdr, sizeof ehdr, 0) == sizeof ehdr);
    REQUIRE(pwrite(fd, &phdr, sizeof phdr, sizeof ehdr) == sizeof phdr);
    REQUIRE(pwrite(fd, text.data(), text.size(), 0x1000) == static_cast<ssize_t>(text.size()));
    close(fd);
  }
  ~NexeFile() { unlink(path_); }

  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/zvm-validate-test-XXXXXX";
};

}  // namespace

TEST_CASE("--hex prints one digit a line") {
  const Answer answer = Run("--hex", "90\\nc3\\n8B0424\\n\\n");
  CHECK(answer.out == "1\n0\n1\n1\n");
  CHECK(answer.status == 0);
}

TEST_CASE("--hex takes a last line without its end, and line ends of both kinds") {
  CHECK(Run("--hex", "90\\r\\nc3").out == "1\n0\n");
}

TEST_CASE("--hex complains about malformed lines with their number") {
  for (const char* bad : {"90\\n9", "90\\nxx", "90\\n90 90", "90\\n0x90"}) {
    const Answer answer = Run("--hex", bad);
    CAPTURE(bad);
    CHECK(answer.status == 2);
    CHECK(answer.out.find("line 2: ") != std::string::npos);
    CHECK(answer.out.substr(0, 2) == "1\n");
  }
}

TEST_CASE("--hex --load prints verdict and code") {
  CHECK(Run("--hex --load", "480fc30424\\n0fc30424\\n").out == "1 9048890424\n0 0fc30424\n");
  CHECK(Run("--hex --load --features=-AVX", "c5fc10042490").out == "1 f4f4f4f4f490\n");
  CHECK(Run("--hex --load --features none", "90").out == "0 90\n");
}

TEST_CASE("policy switches") {
  CHECK(Run("--hex", "0f31").out == "1\n");
  CHECK(Run("--hex --refuse-rdtsc", "0f31").out == "0\n");
  CHECK(Run("--hex --refuse-cpuid", "0fa2").out == "0\n");
  CHECK(Run("--hex --refuse-non-temporal", "0f2b0424").out == "0\n");
  CHECK(Run("--hex --profile=zvm", "65678b00").out == "1\n");
  CHECK(Run("--hex --profile=nacl", "65678b00").out == "0\n");
  for (const char* path : {"exact", "fast", "both"}) {
    CHECK(Run(std::string("--hex --path ") + path, "90\\nc3").out == "1\n0\n");
  }
}

TEST_CASE("--json") {
  CHECK(Run("--hex --json", "90").out ==
        "{\"valid\":true,\"profile\":\"nacl\",\"violation_count\":0,\"violations\":[]}\n");
  const Answer refused = Run("--hex --json --load", "90c3");
  CHECK(refused.out.find("\"offset\":1,\"rule\":\"unrecognized\"") != std::string::npos);
  CHECK(refused.out.find("\"code\":\"90c3\"") != std::string::npos);
}

TEST_CASE("a program: valid") {
  const NexeFile nexe({0x90, 0x8b, 0x04, 0x24});
  const Answer answer = Run(nexe.path());
  CHECK(answer.out == "valid\n");
  CHECK(answer.status == 0);
}

TEST_CASE("a program: every violation with offset, rule and reason, in order") {
  const NexeFile nexe({0xeb, 0x7d, 0x8b, 0x00, 0xc3});
  const Answer answer = Run(nexe.path());
  CHECK(answer.status == 1);
  CHECK(answer.out.find("0x2 bad-base ") == 0);
  CHECK(answer.out.find("\n0x4 unrecognized ") != std::string::npos);
  CHECK(Run("--json " + nexe.path()).status == 1);
}

TEST_CASE("a program names the profile that it needs") {
  const NexeFile nexe({0x65, 0x67, 0x8b, 0x00});
  CHECK(Run(nexe.path()).out.find("0x0 needs-zvm-profile ") == 0);
  const Answer zvm = Run("--profile=zvm " + nexe.path());
  CHECK(zvm.out == "valid (needs profile zvm)\n");
  CHECK(zvm.status == 0);
  CHECK(Run("--profile=zvm --json " + nexe.path()).out.find("\"profile\":\"zvm\"") !=
        std::string::npos);
}

TEST_CASE("an unusable file is status 2") {
  CHECK(Run("/nonexistent").status == 2);
  CHECK(Run("/").status == 2);
  CHECK(Run("/dev/zero").status == 2);
  const Answer script = Run("/etc/passwd");
  CHECK(script.status == 2);
  CHECK(script.out.find("elf") != std::string::npos);
}

TEST_CASE("--bench") {
  const NexeFile nexe(std::vector<uint8_t>(4096, 0x90));
  const Answer answer = Run("--path both --bench " + nexe.path() + " 3");
  CHECK(answer.status == 0);
  CHECK(answer.out.find("exact: ") == 0);
  CHECK(answer.out.find("min ") != std::string::npos);
  CHECK(answer.out.find("median ") != std::string::npos);
}

TEST_CASE("bad arguments are status 2 and named") {
  for (const char* bad : {"", "--nonsense x", "--hex x", "--hex --profile=x", "--hex --path",
                          "--hex --features=AVX", "--bench x 0", "--bench x 1x", "x y", "-x",
                          "--hex --load --path=both"}) {
    const Answer answer = Run(bad);
    CAPTURE(bad);
    CHECK(answer.status == 2);
    CHECK(answer.out.find("zvm-validate: ") == 0);
    CHECK(answer.out.find("usage: ") != std::string::npos);
  }
  CHECK(Run("--help").status == 0);
}
