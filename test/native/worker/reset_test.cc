// The reset behind a session, proven from outside: what every guest finds, byte for byte and
// register for register, is what the same session finds as the first one of a fresh worker.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "reset_session.h"

namespace zvm::test {
namespace {

constexpr uint64_t kRandomSessions = 300;
constexpr uint64_t kSeed = 20261124;
constexpr uint64_t kSoakSessions = 100'000;
// Enough to be entered on a busy machine; spinning attacks last that long.
constexpr uint64_t kWallMs = 60;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// The attacks that are programs, by name.
std::vector<std::string> ValidAttacks() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ZVM_BUILD_DIR "/guest/attack")) {
    const std::string name = "attack/" + entry.path().stem().string();
    if (entry.path().extension() == ".nexe" && ImageOf(name) >= 0) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("behind every attack the same program finds what it found in a fresh worker") {
  CheckedWorker worker;
  size_t attacks = 0;
  for (const std::string& name : ValidAttacks()) {
    INFO(name);
    const SessionShape shape = {name};
    // In a worker that has run all the others before, then behind itself.
    const std::string first = worker.Run(shape, std::string(466, 'a'), kWallMs);
    const std::string second = worker.Run(shape, std::string(466, 'a'), kWallMs);
    REQUIRE_FALSE(second.empty());
    CHECK(first == second);
    ++attacks;
  }
  CHECK(attacks >= 100);
}

TEST_CASE("a sample of the attacks against fresh workers") {
  CheckedWorker worker;
  for (const char* const name :
       {"attack/jail-executes", "attack/jail-flood", "attack/heap-exhaustion",
        "attack/stack-exhaustion", "attack/direction-flag-fault", "attack/float-unmasked",
        "attack/mmx-state", "attack/no-data-segment", "attack/terminate-traps"}) {
    INFO(name);
    const SessionShape shape = {name};
    for (int i = 0; i < 3; ++i) {
      CHECK(worker.Run(shape, std::string(466, 'a'), kWallMs) == FreshLine(shape));
    }
  }
}

TEST_CASE("random sessions that leave as much as they can") {
  CheckedWorker worker;
  CHECK(CountDifferences(worker, kRandomSessions, kSeed) == 0);
}

TEST_CASE("sessions from a snapshot between those of the same and of other programs") {
  CheckedWorker worker;
  const SessionShape marked = {.program = "reset/dirty-snapshot", .memory_bytes = 26 << 20};
  SessionShape started = marked, more_channels = marked;
  started.snapshot = true;
  more_channels.channel_count = 6;
  REQUIRE(SnapshotOf(started) >= 0);
  CHECK(FreshLine(started) != FreshLine(marked));
  for (uint64_t i = 0; i < 60; ++i) {
    const SessionShape shapes[] = {started, marked, {"reset/dirty", 26 << 20}, started,
                                   more_channels};
    const SessionShape& shape = shapes[(i * i + i / 7) % std::size(shapes)];
    const std::string line = worker.Run(shape, RandomInput(kSeed + i), kWallMs);
    INFO(i << " " << shape.program << " " << shape.snapshot);
    CHECK((line == kNotEntered || line == FreshLine(shape)));
  }
}

// By hand, some minutes: reset_test --no-skip --test-case='soak*', RESET_SEED, RESET_SESSIONS.
TEST_CASE("soak: a hundred thousand random sessions in one worker" * doctest::skip()) {
  CheckedWorker worker;
  CHECK(CountDifferences(worker, FromEnvironment("RESET_SESSIONS", kSoakSessions),
                         FromEnvironment("RESET_SEED", kSeed)) == 0);
}

TEST_CASE("control: without the reset the same sessions find what others left") {
  CheckedWorker worker("zvm-worker-no-reset");
  CHECK(CountDifferences(worker, 40, kSeed, false) > 20);
}

}  // namespace zvm::test
