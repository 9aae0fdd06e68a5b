// The answers to task frames, from the facts that session and validator give. Never allocates; the
// frame lies in a buffer of the process and is sent at once.
#pragma once

#include <cstdint>
#include <span>

#include "report/report.h"
#include "session/image_builder.h"
#include "wire/layout.h"

namespace zvm {

// While it gathers, answers wait in a buffer and travel many in one `reports` frame: until it is
// full, until FlushAnswers, or until the oldest is kAnswerDelayUs old at FlushLateAnswers.
inline constexpr uint64_t kAnswerDelayUs = 5000;
// Sends what has been gathered; then gathers or no longer.
void GatherAnswers(bool gathers);
void FlushAnswers();
void FlushLateAnswers();

// Sends `prepared`. `header` is that of the image, read back; ignored unless `answer.built`.
void SendPrepared(uint64_t session_id, const BuildAnswer& answer, const ImageHeader& header,
                  uint64_t program_size_bytes);

// Sends `report`. `start_indexes[i]`: number in the start frame of the i-th channel of the report.
// `outputs`: records of inline outputs. `flags`: further bits of WireReport::flags.
void SendReport(uint64_t session_id, const Report& report, std::span<const uint16_t> start_indexes,
                std::span<const uint8_t> outputs, uint32_t flags);

}  // namespace zvm
