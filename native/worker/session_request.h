// From a checked start frame to the request of a session.
#pragma once

#include "channel/memory_source.h"
#include "session/guest_session.h"
#include "wire/frame_reader.h"
#include "wire/frame_socket.h"

namespace zvm {

// The sources are numbers of descriptors that stay those of `descriptors` until
// ReleaseSources.
// Inputs point into the frame; `sink` takes outputs under the numbers that the channels have there.
SessionRequest MakeRequest(const StartRequest& start, const FrameDescriptors& descriptors,
                           OutputSink& sink);

// The session owns the descriptors of its sources from here on.
void ReleaseSources(const StartRequest& start, FrameDescriptors& descriptors);

// True when `image` is the program that the frame names as mapped.
bool NamesProgram(const StartRequest& start, const PreparedImage& image);

}  // namespace zvm
