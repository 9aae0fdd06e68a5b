// From a guest address to the host's, for the few files of sandbox/ that work on guest memory. Must
// never be included outside of sandbox/: everybody else asks AddressSpace::CheckBuffer.
#pragma once

#include <cstdint>

#include "abi/layout.h"

namespace zvm {

// `guest_address` < ZVM_WINDOW_SIZE_BYTES; whether anything is mapped there is for the caller to
// know.
inline uint8_t* WindowHost(uint64_t guest_address) {
  return reinterpret_cast<uint8_t*>(ZVM_WINDOW_BASE + guest_address);
}

}  // namespace zvm
