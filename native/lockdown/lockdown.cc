// The order of the outer wall. Each step may use what the steps below it take away; none may be
// moved without the reason beside it. Steps are in descriptors.cc, privileges.cc, kernel_walls.cc.
#include "lockdown/lockdown.h"

#include "lockdown/steps.h"

namespace zvm {

Failure Lockdown(const LockdownOptions& options, LockdownStatus* status) {
  *status = LockdownStatus{};
  Failure failure;
  const auto failed = [&failure](Failure result) {
    failure = result;
    return failure.failed();
  };
  // Credentials and filters are set for the calling thread only, so there must be no other.
  if (failed(RequireSingleThread(status)) ||
      // Lets an unprivileged process use Landlock and seccomp.
      failed(ForbidNewPrivileges(status)) ||
      // Before the limit on descriptors, which counts from what is still open.
      failed(CloseDescriptors(options, status)) ||
      // Need a capability or a free descriptor: before rlimits and privileges go.
      failed(EnterNamespaces(options, status)) ||
      failed(DenyFilesAndNetwork(status)) ||
      failed(LimitResources(options, status)) ||
      failed(DropPrivileges(options, status)) ||
      // A change of user resets both: after it.
      failed(DieWithOwner(options, status)) ||
      failed(ForbidInspection(status)) ||
      failed(DenyWriteExecute(options, status)) ||
      failed(ControlSpeculation(options, status)) ||
      // Last: it forbids every call above.
      failed(FilterSystemCalls(options, status))) {
    return failure;
  }
  return failure;
}

Failure NarrowToRun(LockdownStatus* status, const LockdownLimits& limits) {
  if (Failure failure = LowerLimits(limits); failure.failed()) {
    return failure;
  }
  LockdownOptions options;
  options.stage = LockdownStage::kRun;
  return FilterSystemCalls(options, status);
}

}  // namespace zvm
