// GuestAddr: an offset inside the 4 GiB window. Never mixed with a host pointer: the one crossing
// is sandbox/address_space.
#pragma once

#include <cstdint>

#include "abi/layout.h"

namespace zvm {

struct GuestAddr {
  uint32_t value;
  friend constexpr bool operator==(GuestAddr, GuestAddr) = default;
  friend constexpr auto operator<=>(GuestAddr, GuestAddr) = default;
};

// Rounds up to the 64 KiB map page. 64-bit, so the end of the window (2^32) is representable.
constexpr uint64_t RoundUpMapPage(uint64_t size_bytes) {
  return (size_bytes + ZVM_MAP_PAGE_SIZE_BYTES - 1) & ~uint64_t{ZVM_MAP_PAGE_SIZE_BYTES - 1};
}

}  // namespace zvm
