// Role prepare: a program becomes a sealed image. This process reads, parses and judges hostile
// bytes and can do nothing but fill the one memory file that came with the frame.
#include <algorithm>

#include "base/descriptor_status.h"
#include "session/image_builder.h"
#include "wire/frame_reader.h"
#include "worker/answers.h"
#include "worker/serve.h"

namespace zvm {
namespace {

ValidatorPolicy PolicyOf(uint8_t profile) {
  return {.profile = static_cast<Profile>(profile),
          .features = CpuFeatures::OfThisCpu(),
          .refuse_rdtsc = true};
}

class Preparing final : public Role {
 public:
  LockdownStage stage(const WorkerOptions&) const override {
    return LockdownStage::kServePrepare;
  }
  FrameType task_type() const override { return FrameType::kPrepare; }
  Failure SetUp(const WorkerOptions&) override { return {}; }
  LockdownLimits backstops() const override { return BuilderBackstops({}, kValidatorChunkMax); }

  FrameError Do(TaskFrame& frame) override {
    WirePrepare prepare;
    if (const FrameError error = ReadPrepare(frame.bytes, &prepare); error != FrameError::kNone) {
      return error;
    }
    const UniqueFd program = frame.descriptors.Take(0), image = frame.descriptors.Take(1);
    struct stat status = {};
    // What is not a regular file counts as empty and is then too short for a header.
    const bool regular =
        StatDescriptor(program.get(), &status) == 0 && S_ISREG(status.st_mode);
    const uint64_t size = regular ? static_cast<uint64_t>(status.st_size) : 0;
    static BuildAnswer answer;
    BuildImage(program.get(), size, image.get(), {.policy = PolicyOf(prepare.profile)}, answer);
    ImageHeader header;
    if (answer.built && pread(image.get(), &header, sizeof header, 0) !=
                            static_cast<ssize_t>(sizeof header)) {
      answer.built = false;
      answer.problem.failure = MakeFailure(EIO, "image-invalid", "the image cannot be read");
    }
    SendPrepared(frame.header.session_id, answer, header, size);
    return FrameError::kNone;
  }
};

}  // namespace

Role& PrepareRole() {
  static Preparing role;
  return role;
}

}  // namespace zvm
