#include "addon/files.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "addon/errors.h"
#include "addon/fd_handle.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3; older headers lack both
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace zvm {
namespace {

constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

Napi::Value MakeOrThrow(Napi::Env env, int fd, const char* syscall) {
  if (fd < 0) {
    ThrowErrno(env, errno, syscall);
    return {};
  }
  return FdHandle::Make(env, UniqueFd(fd));
}

// Kernels before 6.3 do not know the two flags about execution.
int MakeMemoryFile(const char* name, unsigned flags) {
  constexpr unsigned kCommon = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = memfd_create(name, kCommon | flags);
  return fd < 0 && errno == EINVAL ? memfd_create(name, kCommon) : fd;
}

bool WriteWhole(int fd, const uint8_t* data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t got = pwrite(fd, data + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno != EINTR) {
      return false;
    }
    done += got > 0 ? static_cast<size_t>(got) : 0;
  }
  return true;
}

bool Flag(Napi::Value options, const char* name) {
  if (!options.IsObject()) {
    return false;
  }
  const Napi::Value value = options.As<Napi::Object>().Get(name);
  return !value.IsEmpty() && value.ToBoolean();
}

}  // namespace

Napi::Value JS_OpenFile(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsString()) {
    ThrowType(info.Env(), "openFile(path, options?)");
    return {};
  }
  const std::string path = info[0].As<Napi::String>();
  if (path.find('\0') != std::string::npos) {
    ThrowType(info.Env(), "openFile: the path has a NUL");
    return {};
  }
  const bool create = Flag(info[1], "createNew");
  const int access = create || Flag(info[1], "write") ? O_RDWR : O_RDONLY;
  mode_t mode = 0600;
  if (info[1].IsObject()) {
    const Napi::Value wanted = info[1].As<Napi::Object>().Get("mode");
    mode = wanted.IsNumber() ? wanted.As<Napi::Number>().Uint32Value() & 0777 : mode;
  }
  constexpr int kAlways = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
  return MakeOrThrow(
      info.Env(), open(path.c_str(), kAlways | access | (create ? O_CREAT | O_EXCL : 0), mode),
      "open");
}

Napi::Value JS_OpenNull(const Napi::CallbackInfo& info) {
  return MakeOrThrow(info.Env(), open("/dev/null", O_RDWR | O_CLOEXEC), "open");
}

Napi::Value JS_AdoptFd(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    ThrowType(info.Env(), "adoptFd(fd)");
    return {};
  }
  const int fd = info[0].As<Napi::Number>().Int32Value();
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    ThrowErrno(info.Env(), errno, "fcntl");
    return {};
  }
  return FdHandle::Make(info.Env(), UniqueFd(fd));
}

Napi::Value JS_MakePipe(const Napi::CallbackInfo& info) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    ThrowErrno(info.Env(), errno, "pipe2");
    return {};
  }
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  if (info.Length() > 0 && info[0].IsObject()) {
    const Napi::Value size = info[0].As<Napi::Object>().Get("sizeBytes");
    if (size.IsNumber()) {
      // A wish: the kernel refuses when the user's quota is used up.
      (void)fcntl(write_end.get(), F_SETPIPE_SZ, size.As<Napi::Number>().Int32Value());
    }
    if (Flag(info[0], "nonBlockingRead") && fcntl(read_end.get(), F_SETFL, O_NONBLOCK) != 0) {
      ThrowErrno(info.Env(), errno, "fcntl");
      return {};
    }
  }
  const int size_bytes = fcntl(write_end.get(), F_GETPIPE_SZ);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("read", FdHandle::Make(info.Env(), std::move(read_end)));
  result.Set("write", FdHandle::Make(info.Env(), std::move(write_end)));
  result.Set("sizeBytes", size_bytes);
  return result;
}

Napi::Value JS_MakeMemfd(const Napi::CallbackInfo& info) {
  const bool has_bytes = info.Length() > 1 && !info[1].IsUndefined();
  if (info.Length() < 1 || !info[0].IsString() ||
      (has_bytes && (!info[1].IsTypedArray() ||
                     info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array))) {
    ThrowType(info.Env(), "makeMemfd(name, bytes?, options?)");
    return {};
  }
  const std::string name = info[0].As<Napi::String>();
  UniqueFd fd(MakeMemoryFile(name.substr(0, 64).c_str(), MFD_NOEXEC_SEAL));
  if (!fd.valid()) {
    ThrowErrno(info.Env(), errno, "memfd_create");
    return {};
  }
  if (has_bytes) {
    const auto bytes = info[1].As<Napi::Uint8Array>();
    if (!WriteWhole(fd.get(), bytes.Data(), bytes.ByteLength())) {
      ThrowErrno(info.Env(), errno, "pwrite");
      return {};
    }
  }
  if (Flag(info[2], "seal") && fcntl(fd.get(), F_ADD_SEALS, kAllSeals) != 0) {
    ThrowErrno(info.Env(), errno, "fcntl");
    return {};
  }
  return FdHandle::Make(info.Env(), std::move(fd));
}

Napi::Value JS_MakeImageFile(const Napi::CallbackInfo& info) {
  return MakeOrThrow(info.Env(), MakeMemoryFile("zvm-image", MFD_EXEC), "memfd_create");
}

}  // namespace zvm
