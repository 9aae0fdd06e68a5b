// The functions of the addon that make descriptors: files, pipes, memory files.
#pragma once

#include <napi.h>

namespace zvm {

Napi::Value JS_OpenFile(const Napi::CallbackInfo& info);
Napi::Value JS_OpenNull(const Napi::CallbackInfo& info);
Napi::Value JS_AdoptFd(const Napi::CallbackInfo& info);
Napi::Value JS_MakePipe(const Napi::CallbackInfo& info);
Napi::Value JS_MakeMemfd(const Napi::CallbackInfo& info);
Napi::Value JS_MakeImageFile(const Napi::CallbackInfo& info);

}  // namespace zvm
