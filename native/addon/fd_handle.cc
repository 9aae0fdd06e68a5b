#include "addon/fd_handle.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "addon/errors.h"

namespace zvm {

FdCounts g_fd_counts;
const napi_type_tag kFdHandleTag = {0x5A564D0046644861, 0x6E646C6531000001};

namespace {

constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
constexpr double kReadSizeMax = 64 << 20;

const char* KindName(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFIFO: return "pipe";
    case S_IFSOCK: return "socket";
    case S_IFCHR: return "character-device";
    default: return "other";
  }
}

}  // namespace

Napi::Function FdHandle::Init(Napi::Env env) {
  return DefineClass(env, "FdHandle",
                     {InstanceAccessor<&FdHandle::JS_Fd>("fd"),
                      InstanceAccessor<&FdHandle::JS_Closed>("closed"),
                      InstanceMethod<&FdHandle::JS_Close>("close"),
                      InstanceMethod<&FdHandle::JS_Release>("release"),
                      InstanceMethod<&FdHandle::JS_Duplicate>("duplicate"),
                      InstanceMethod<&FdHandle::JS_Stat>("stat"),
                      InstanceMethod<&FdHandle::JS_IsSealed>("isSealed"),
                      InstanceMethod<&FdHandle::JS_Read>("read"),
                      InstanceMethod<&FdHandle::JS_Rewind>("rewind")});
}

// Only Make passes an External; from JavaScript the constructor is private.
FdHandle::FdHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    ThrowType(info.Env(), "FdHandle cannot be constructed");
    return;
  }
  info.This().As<Napi::Object>().TypeTag(&kFdHandleTag);
  fd_ = std::move(*info[0].As<Napi::External<UniqueFd>>().Data());
  ++g_fd_counts.open;
}

FdHandle::~FdHandle() {
  if (fd_.valid()) {
    --g_fd_counts.open;
    ++g_fd_counts.leaked;
  }
}

Napi::Value FdHandle::Make(Napi::Env env, UniqueFd fd) {
  return env.GetInstanceData<AddonData>()->fd_handle.New({Napi::External<UniqueFd>::New(env, &fd)});
}

FdHandle* FdHandle::From(Napi::Value value) {
  // The tag, not the prototype, which JavaScript may change.
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kFdHandleTag)) {
    return nullptr;
  }
  return Unwrap(value.As<Napi::Object>());
}

bool FdHandle::RequireOpen(Napi::Env env) const {
  if (!fd_.valid()) {
    ThrowCode(env, "handle-closed", "the handle is closed");
  }
  return fd_.valid();
}

Napi::Value FdHandle::JS_Fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), fd_.get());
}

Napi::Value FdHandle::JS_Closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !fd_.valid());
}

void FdHandle::JS_Close(const Napi::CallbackInfo&) {
  if (fd_.valid()) {
    --g_fd_counts.open;
    fd_.Reset();
  }
}

Napi::Value FdHandle::JS_Release(const Napi::CallbackInfo& info) {
  if (!RequireOpen(info.Env())) {
    return {};
  }
  --g_fd_counts.open;
  return Napi::Number::New(info.Env(), fd_.Release());
}

Napi::Value FdHandle::JS_Duplicate(const Napi::CallbackInfo& info) {
  if (!RequireOpen(info.Env())) {
    return {};
  }
  UniqueFd copy(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy.valid()) {
    ThrowErrno(info.Env(), errno, "fcntl");
    return {};
  }
  return Make(info.Env(), std::move(copy));
}

Napi::Value FdHandle::JS_Stat(const Napi::CallbackInfo& info) {
  struct stat status;
  if (!RequireOpen(info.Env())) {
    return {};
  }
  if (fstat(fd_.get(), &status) != 0) {
    ThrowErrno(info.Env(), errno, "fstat");
    return {};
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("sizeBytes", static_cast<double>(status.st_size));
  result.Set("kind", KindName(status.st_mode));
  return result;
}

Napi::Value FdHandle::JS_IsSealed(const Napi::CallbackInfo& info) {
  if (!RequireOpen(info.Env())) {
    return {};
  }
  return Napi::Boolean::New(info.Env(), fcntl(fd_.get(), F_GET_SEALS) == kAllSeals);
}

Napi::Value FdHandle::JS_Read(const Napi::CallbackInfo& info) {
  if (info.Length() != 2 || !info[0].IsNumber() || !info[1].IsNumber()) {
    ThrowType(info.Env(), "read(offset, sizeBytes)");
    return {};
  }
  const double offset = info[0].As<Napi::Number>().DoubleValue();
  const double size = info[1].As<Napi::Number>().DoubleValue();
  if (!(offset >= 0 && offset <= 9007199254740991.0) || !(size >= 0 && size <= kReadSizeMax)) {
    ThrowType(info.Env(), "read: offset or sizeBytes is out of range");
    return {};
  }
  if (!RequireOpen(info.Env())) {
    return {};
  }
  auto bytes = Napi::Buffer<uint8_t>::New(info.Env(), static_cast<size_t>(size));
  size_t done = 0;
  while (done < bytes.Length()) {
    const ssize_t got = pread(fd_.get(), bytes.Data() + done, bytes.Length() - done,
                              static_cast<off_t>(offset) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      ThrowErrno(info.Env(), errno, "pread");
      return {};
    }
    if (got == 0) {
      return Napi::Buffer<uint8_t>::Copy(info.Env(), bytes.Data(), done);
    }
    done += static_cast<size_t>(got);
  }
  return bytes;
}

void FdHandle::JS_Rewind(const Napi::CallbackInfo& info) {
  if (RequireOpen(info.Env()) && lseek(fd_.get(), 0, SEEK_SET) < 0) {
    ThrowErrno(info.Env(), errno, "lseek");
  }
}

}  // namespace zvm
