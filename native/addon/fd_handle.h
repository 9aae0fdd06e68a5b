// FdHandle: a descriptor that JavaScript owns. Closed once: by close(), by release() (somebody else
// does), or by the garbage collector, which counts as a leak.
#pragma once

#include <napi.h>

#include "base/unique_fd.h"

namespace zvm {

struct FdCounts {
  int64_t open = 0;
  int64_t leaked = 0;
};
extern FdCounts g_fd_counts;

class FdHandle final : public Napi::ObjectWrap<FdHandle> {
 public:
  static Napi::Function Init(Napi::Env env);
  // Wraps `fd`, or closes it when no object can be made (an exception is then pending).
  static Napi::Value Make(Napi::Env env, UniqueFd fd);
  // The handle in `value`, nullptr when it is none. Never throws.
  static FdHandle* From(Napi::Value value);

  explicit FdHandle(const Napi::CallbackInfo& info);
  ~FdHandle() override;

  int fd() const { return fd_.get(); }

 private:
  Napi::Value JS_Fd(const Napi::CallbackInfo& info);
  Napi::Value JS_Closed(const Napi::CallbackInfo& info);
  void JS_Close(const Napi::CallbackInfo& info);
  Napi::Value JS_Release(const Napi::CallbackInfo& info);
  Napi::Value JS_Duplicate(const Napi::CallbackInfo& info);
  Napi::Value JS_Stat(const Napi::CallbackInfo& info);
  Napi::Value JS_IsSealed(const Napi::CallbackInfo& info);
  Napi::Value JS_Read(const Napi::CallbackInfo& info);
  void JS_Rewind(const Napi::CallbackInfo& info);

  bool RequireOpen(Napi::Env env) const;

  UniqueFd fd_;
};

// Constructors that the addon needs itself; one set for each JavaScript environment.
struct AddonData {
  Napi::FunctionReference fd_handle;
  Napi::FunctionReference worker;
  Napi::FunctionReference pump;
};
extern const napi_type_tag kFdHandleTag;

}  // namespace zvm
