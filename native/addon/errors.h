// NativeError: the one error class of this addon, an Error with a stable `code`. A wrong shape of
// an argument is a TypeError instead. Every function throws into JavaScript and returns; none ends
// the process.
#pragma once

#include <napi.h>

#include <string_view>

namespace zvm {

// "ENOENT" and so on; "E<number>" for those without a name here.
std::string ErrnoName(int error);

void ThrowErrno(Napi::Env env, int error, const char* syscall);
void ThrowCode(Napi::Env env, std::string_view code, std::string_view message);
void ThrowType(Napi::Env env, std::string_view message);

// Tells the event loop of an exception that a callback left behind, as an uncaught one.
void ReportPending(Napi::Env env);

}  // namespace zvm
