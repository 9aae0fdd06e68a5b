// A window with a program in it, in this process: text 0x20000, rodata 0x30000, data 0x40000
// (hello), 32 MiB of memory, three channels on /dev/null. Unmapped at the end, so that cases do not
// meet.
#pragma once

#include "sandbox/address_space.h"
#include "session/prepare.h"

namespace zvm {

class Window {
 public:
  explicit Window(PreparedImage program, int64_t memory_bytes = 32 << 20);
  explicit Window(int64_t memory_bytes = 32 << 20, bool with_data = true);
  ~Window();

  AddressSpace space;
  ChannelTable channels;
  PreparedImage image;
};

// The sealed image of test/guest/asm/hello.S; without its data segment when asked.
PreparedImage HelloImage(bool with_data = true);

}  // namespace zvm
