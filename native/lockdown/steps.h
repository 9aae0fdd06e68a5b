// The single steps of a lockdown, one kernel facility each; internal to this module. Every step
// acts, reads back what the kernel holds, and fails when that is not what it wanted. None
// allocates.
#pragma once

#include <cerrno>

#include "lockdown/lockdown.h"

namespace zvm {

// A step that could not be made sure of. `action` names the call or the finding.
inline Failure LockdownFailure(std::string_view code, std::string_view action) {
  return MakeFailure(EPERM, code, "cannot lock the process down: ", action);
}

// descriptors.cc
Failure CloseDescriptors(const LockdownOptions& options, LockdownStatus* status);
Failure LowerLimits(const LockdownLimits& limits);
Failure LimitResources(const LockdownOptions& options, LockdownStatus* status);

// privileges.cc
Failure ForbidNewPrivileges(LockdownStatus* status);
Failure DropPrivileges(const LockdownOptions& options, LockdownStatus* status);
Failure DieWithOwner(const LockdownOptions& options, LockdownStatus* status);
Failure ForbidInspection(LockdownStatus* status);

// kernel_walls.cc
Failure RequireSingleThread(LockdownStatus* status);
Failure EnterNamespaces(const LockdownOptions& options, LockdownStatus* status);
Failure DenyFilesAndNetwork(LockdownStatus* status);
Failure DenyWriteExecute(const LockdownOptions& options, LockdownStatus* status);
Failure ControlSpeculation(const LockdownOptions& options, LockdownStatus* status);
Failure FilterSystemCalls(const LockdownOptions& options, LockdownStatus* status);

}  // namespace zvm
