// A guest finds nothing of the host in any register, although the host has filled all of them: the
// programs of the attack suite that look, entered right behind code that writes a pattern into
// every vector, mask and MMX register that this processor has.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "base/host_cpu.h"
#include "sandbox/cpu.h"
#include "sandbox/exec_memory.h"
#include "sandbox/faults.h"
#include "sandbox/guest_context.h"
#include "sandbox/guest_state.h"
#include "window_fixture.h"

namespace zvm {
namespace {

constexpr int kSetUpFailed = 99;
constexpr int kDidNotExit = 98;
alignas(64) const uint64_t g_pattern[8] = {0x5EC5E75EC5E75EC5, 1, 2, 3, 4, 5, 6, 7};

void FillMmx() {
  __asm__ volatile(
      ".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
      "movq (%0), %%mm\\n\n"
      ".endr" : : "r"(g_pattern) : "memory");
}

void FillAvx() {
  __asm__ volatile(
      ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
      "vmovdqa (%0), %%ymm\\n\n"
      ".endr" : : "r"(g_pattern) : "memory");
}

void FillAvx512() {
  __asm__ volatile(
      ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
      "vmovdqa64 (%0), %%zmm\\n\n"
      ".endr\n"
      ".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
      "vmovdqa64 (%0), %%zmm\\n\n"
      ".endr\n"
      ".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
      "kmovq (%0), %%k\\n\n"
      ".endr" : : "r"(g_pattern) : "memory");
}

// In a child: enters `program` behind filled registers; its exit code.
int EnterFilled(const std::string& program, bool skip_validation) {
  auto fd = OpenProgram((std::string(ZVM_BUILD_DIR) + "/guest/attack/" + program).c_str());
  auto image =
      PrepareProgram(fd.value().get(), {.policy = {.profile = Profile::kZvm},
                                        .skip_validation = skip_validation});
  static StopRequest stop;
  if (!image.ok() || QualifyCpu().failed() || MapThunk().failed() ||
      InstallSignalHandlers(&stop, [](int) { _exit(kDidNotExit); }).failed() ||
      SetGuestSegmentBase().failed()) {
    return kSetUpFailed;
  }
  Window window(std::move(image.value()));
  GuestRun run;
  run.space = &window.space;
  run.channels = &window.channels;
  run.stop = &stop;
  guest_state.run = &run;
  const uint32_t rsp = window.space.entry_stack_pointer().value;
  zvm_guest_context.return_address = ZVM_WINDOW_BASE + window.image.layout().entry;
  zvm_guest_context.guest_rsp = ZVM_WINDOW_BASE + rsp;
  zvm_guest_context.start_info = rsp + 8;
  // MMX last: nothing behind it may use x87, and nothing does.
  if (zvm_cpu_has_avx512bw()) {
    FillAvx512();
  } else if (zvm_cpu_has_avx()) {
    FillAvx();
  }
  FillMmx();
  ZvmEnterGuest();
  return guest_state.end == GuestEnd::kExited ? guest_state.exit_code : kDidNotExit;
}

int RunInChild(const std::string& program, bool skip_validation) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    _exit(EnterFilled(program, skip_validation));
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("registers that validated code can name are clean at entry") {
  if (zvm_cpu_has_avx()) {  // the program looks with vptest
    CHECK(RunInChild("entry-state.nexe", false) == 0);
  }
}

TEST_CASE("and those that only AVX-512 names") {
  if (zvm_cpu_has_avx512bw()) {
    CHECK(RunInChild("wide-state.nexe", true) == 0);
  }
}

}  // namespace
}  // namespace zvm
