// The trap handler: the only way in which a guest asks anything of the host. Every argument is
// copied out of guest memory once, then checked, then used. Rules: docs/abi.md §3.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "abi/trap.h"
#include "base/check.h"
#include "sandbox/checkpoint.h"
#include "sandbox/guest_context.h"
#include "sandbox/guest_state.h"

namespace zvm {
namespace {

// After a trap the guest goes on, or it has ended and guest_state says how.
enum class Next : int { kResume = 0, kLeave = 1 };

// Length of `call *%rax` behind `movabs`: where a trampoline's return address stands in its slot.
constexpr uint32_t kTrampolineReturnOffset = 12;

struct TrapCall {
  uint64_t words[ZVM_TRAP_WORDS_MAX] = {};
  uint64_t function() const { return words[0]; }
};

Next Leave(GuestEnd end) {
  guest_state.end = end;
  return Next::kLeave;
}

Next Resume(int32_t result) {
  zvm_guest_context.trap_result = result;
  return Next::kResume;
}

// The channel layer's answer to read and write.
Next Deliver(const IoResult& io) {
  switch (io.status) {
    case IoStatus::kDone:
      return Resume(io.value);
    case IoStatus::kFailed:
      return Leave(GuestEnd::kChannelFailed);
    case IoStatus::kStopped:
      break;
  }
  return Leave(GuestEnd::kStopped);
}

Next OnRead(const GuestRun& run, const TrapCall& call) {
  const auto size = static_cast<int32_t>(call.words[4]);
  uint8_t* const buffer = run.space->CheckBuffer(call.words[3], size, kRightWrite);
  if (buffer == nullptr) {
    return Resume(-EINVAL);
  }
  return Deliver(run.channels->Read(static_cast<int32_t>(call.words[2]), buffer, size,
                                    static_cast<int64_t>(call.words[5])));
}

Next OnWrite(const GuestRun& run, const TrapCall& call) {
  const auto size = static_cast<int32_t>(call.words[4]);
  const uint8_t* const buffer = run.space->CheckBuffer(call.words[3], size, kRightRead);
  if (buffer == nullptr) {
    return Resume(-EINVAL);
  }
  return Deliver(run.channels->Write(static_cast<int32_t>(call.words[2]), buffer, size,
                                     static_cast<int64_t>(call.words[5])));
}

bool ValidateJailed(void* context, std::span<const uint8_t> code) {
  const auto& run = *static_cast<const GuestRun*>(context);
  return Validate(code, run.jail_policy, run.jail_scratch, {}).valid;
}

Next OnJail(const GuestRun& run, const TrapCall& call) {
  const auto size = static_cast<int32_t>(call.words[3]);
  if (size > static_cast<int32_t>(kJailSizeMax)) {
    return Resume(-EINVAL);
  }
  return Resume(run.space->Jail(static_cast<uint32_t>(call.words[2]), size, ValidateJailed,
                                const_cast<GuestRun*>(&run)));
}

Next OnUnjail(const GuestRun& run, const TrapCall& call) {
  return Resume(run.space->Unjail(static_cast<uint32_t>(call.words[2]),
                                  static_cast<int32_t>(call.words[3])));
}

Next OnExit(const GuestRun&, const TrapCall& call) {
  guest_state.exit_code = static_cast<int32_t>(call.words[2]);
  return Leave(GuestEnd::kExited);
}

// The checkpoint. Without a snapshot to be made the call succeeds and changes nothing. A program
// that was promised a daemon must not believe that it is one.
Next OnFork(const GuestRun& run, const TrapCall&) {
  if (run.checkpoint != nullptr) {
    run.checkpoint->Take(run);
    return Leave(GuestEnd::kCheckpoint);
  }
  return Resume(run.daemon_requested ? -ENOSYS : kForkNothing);
}

struct TrapFunction {
  uint64_t id;
  unsigned words;  // that it reads, id and reserved word included
  Next (*serve)(const GuestRun&, const TrapCall&);
};
constexpr TrapFunction kTrapFunctions[] = {
    {ZVM_TRAP_READ, 6, OnRead}, {ZVM_TRAP_WRITE, 6, OnWrite},   {ZVM_TRAP_JAIL, 4, OnJail},
    {ZVM_TRAP_EXIT, 3, OnExit}, {ZVM_TRAP_UNJAIL, 4, OnUnjail}, {ZVM_TRAP_FORK, 1, OnFork},
};

// Copies `words` words of the guest at `address`; false when they are not all readable.
bool CopyWords(const GuestRun& run, uint64_t address, unsigned words, uint64_t* out) {
  const auto size = static_cast<int32_t>(words * sizeof *out);
  const uint8_t* const source = run.space->CheckBuffer(address, size, kRightRead);
  if (source == nullptr) {
    return false;
  }
  std::memcpy(out, source, static_cast<size_t>(size));
  return true;
}

// Finds the slot that was entered and where the guest goes on. False when the guest's stack does
// not hold two return addresses.
bool ReadReturnAddresses(const GuestRun& run, uint32_t* slot) {
  uint64_t addresses[2];
  if (!CopyWords(run, zvm_guest_context.guest_rsp - ZVM_WINDOW_BASE, 2, addresses)) {
    return false;
  }
  const auto trampoline = static_cast<uint32_t>(addresses[0]);
  *slot = (trampoline - kTrampolineReturnOffset - ZVM_TRAMPOLINE_START) / ZVM_BUNDLE_SIZE_BYTES;
  // SAFETY: the guest wrote this word; only a bundle start inside the window is ever jumped to.
  zvm_guest_context.return_address =
      ZVM_WINDOW_BASE +
      (static_cast<uint32_t>(addresses[1]) & ~uint32_t{ZVM_BUNDLE_SIZE_BYTES - 1});
  return true;
}

Next Serve(const GuestRun& run, uint32_t block, TrapCall& call) {
  if (block == 0 || !CopyWords(run, block, 1, call.words)) {
    guest_state.trap_block = block;
    return Leave(GuestEnd::kBadTrap);
  }
  const auto* function = std::find_if(
      std::begin(kTrapFunctions), std::end(kTrapFunctions),
      [&](const TrapFunction& row) { return row.id == call.function(); });
  if (function == std::end(kTrapFunctions)) {
    return Resume(-EPERM);
  }
  // The id was read once, above; the arguments are read once, here.
  if (function->words > 1 &&
      !CopyWords(run, uint64_t{block} + sizeof call.words[0], function->words - 1,
                 call.words + 1)) {
    guest_state.trap_block = block;
    return Leave(GuestEnd::kBadTrap);
  }
  return function->serve(run, call);
}

}  // namespace

extern "C" int ZvmHandleTrap() {
  const GuestRun& run = *guest_state.run;
  uint32_t slot = 0;
  Next next;
  if (!ReadReturnAddresses(run, &slot)) {
    guest_state.trap_block = zvm_guest_context.trap_block;
    next = Leave(GuestEnd::kBadTrap);
  } else if (slot != 0) {
    guest_state.trampoline = slot;
    next = Leave(GuestEnd::kBadTrampoline);
  } else {
    TrapCall call;
    next = Serve(run, zvm_guest_context.trap_block, call);
    if (run.observer != nullptr) {
      run.observer->OnTrap({call.function(),
                            {call.words[2], call.words[3], call.words[4], call.words[5]},
                            next == Next::kResume ? zvm_guest_context.trap_result : 0});
    }
  }
  if (next == Next::kResume && run.stop->requested()) {
    next = Leave(GuestEnd::kStopped);
  }
  return static_cast<int>(next);
}

}  // namespace zvm
