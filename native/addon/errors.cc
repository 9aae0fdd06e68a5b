#include "addon/errors.h"

#include <cstring>
#include <string>

namespace zvm {
namespace {

void Throw(Napi::Env env, const std::string& code, const std::string& message,
           const char* syscall) {
  Napi::Error error = Napi::Error::New(env, message);
  Napi::Object fields = error.Value().As<Napi::Object>();
  fields.Set("name", "NativeError");
  fields.Set("code", code);
  if (syscall != nullptr) {
    fields.Set("syscall", syscall);
  }
  error.ThrowAsJavaScriptException();
}

}  // namespace

std::string ErrnoName(int error) {
  const char* const name = strerrorname_np(error);
  return name != nullptr ? name : "E" + std::to_string(error);
}

void ThrowErrno(Napi::Env env, int error, const char* syscall) {
  const std::string code = ErrnoName(error);
  Throw(env, code, code + ": " + syscall, syscall);
}

void ThrowCode(Napi::Env env, std::string_view code, std::string_view message) {
  Throw(env, std::string(code), std::string(message), nullptr);
}

void ThrowType(Napi::Env env, std::string_view message) {
  Napi::TypeError::New(env, std::string(message)).ThrowAsJavaScriptException();
}

void ReportPending(Napi::Env env) {
  if (env.IsExceptionPending()) {
    const Napi::Error error = env.GetAndClearPendingException();
    napi_fatal_exception(env, error.Value());
  }
}

}  // namespace zvm
