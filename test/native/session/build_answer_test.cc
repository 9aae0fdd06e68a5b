// Answers of a judge that hostile bytes have taken over: any bytes at all.
#include "session/build_answer.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <random>

namespace zvm {
namespace {

BuildAnswer RefusedAnswer() {
  BuildAnswer answer;
  answer.finished = true;
  answer.problem.failure = MakeFailure(8, "validation-failed", "validation failed");
  answer.problem.validated = true;
  answer.problem.violation_count = 3;
  PackAnswer(answer);
  return answer;
}

void Poke(BuildAnswer& answer, size_t offset, unsigned char value) {
  reinterpret_cast<unsigned char*>(&answer)[offset] = value;
}

// One of 0 and 1, whatever the compiler makes of a bool.
bool IsBool(const BuildAnswer& answer, size_t offset) {
  return reinterpret_cast<const unsigned char*>(&answer)[offset] <= 1;
}

constexpr size_t kValidatedAt =
    offsetof(BuildAnswer, problem) + offsetof(PrepareFailure, validated);

TEST_CASE("a true answer passes as it is") {
  const BuildAnswer answer = ReadAnswer(RefusedAnswer());
  CHECK(answer.finished);
  CHECK_FALSE(answer.built);
  CHECK(answer.problem.validated);
  CHECK(answer.problem.failure.code == "validation-failed");
  CHECK(answer.problem.failure.message() == "validation failed");
  CHECK(answer.problem.violation_count == 3);
}

TEST_CASE("a bool that is none becomes one") {
  for (const size_t at : {offsetof(BuildAnswer, finished), offsetof(BuildAnswer, built),
                          kValidatedAt}) {
    BuildAnswer answer = RefusedAnswer();
    Poke(answer, at, 0xFE);
    const BuildAnswer read = ReadAnswer(answer);
    CHECK(IsBool(read, at));
    CHECK(read.finished);
  }
}

TEST_CASE("what cannot be right was never finished") {
  const auto finished = [](void (*spoil)(BuildAnswer&)) {
    BuildAnswer answer = RefusedAnswer();
    spoil(answer);
    return ReadAnswer(answer).finished;
  };
  CHECK_FALSE(finished([](BuildAnswer& a) { a.code[0] = 0; }));
  CHECK_FALSE(finished([](BuildAnswer& a) { a.code[3] = '"'; }));
  CHECK_FALSE(finished([](BuildAnswer& a) { std::memset(a.code, 'a', sizeof a.code); }));
  CHECK_FALSE(finished([](BuildAnswer& a) {
    a.problem.profile_needed = static_cast<Profile>(9);
  }));
  CHECK_FALSE(finished([](BuildAnswer& a) {
    a.problem.violations[15].rule = static_cast<Rule>(200);
  }));
}

TEST_CASE("a pointer in an answer is not followed") {
  BuildAnswer answer = RefusedAnswer();
  answer.problem.failure.code = {reinterpret_cast<const char*>(16), size_t{1} << 40};
  CHECK(ReadAnswer(answer).problem.failure.code == "validation-failed");
}

TEST_CASE("numbers are put in their range, places of the manifest are not the judge's to tell") {
  BuildAnswer answer = RefusedAnswer();
  answer.problem.failure.text_size = 1 << 30;
  answer.problem.failure.status = -7;
  answer.problem.failure.line = answer.problem.failure.column = 5;
  const Failure failure = ReadAnswer(answer).problem.failure;
  CHECK(failure.text_size == sizeof failure.text);
  CHECK(failure.status == 1);
  CHECK(failure.line == 0);
  CHECK(failure.column == 0);
}

TEST_CASE("random bytes do no harm") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    BuildAnswer answer = RefusedAnswer();
    for (int change = 0; change < 1 << (round % 8); ++change) {
      Poke(answer, random() % sizeof answer, static_cast<unsigned char>(random()));
    }
    const BuildAnswer read = ReadAnswer(answer);
    REQUIRE(IsBool(read, kValidatedAt));
    REQUIRE(read.problem.failure.message().size() <= sizeof read.problem.failure.text);
    REQUIRE(read.problem.profile_needed <= Profile::kZvm);
  }
}

}  // namespace
}  // namespace zvm
