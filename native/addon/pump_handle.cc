#include "addon/pump_handle.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <cerrno>

#include "addon/errors.h"
#include "addon/fd_handle.h"
#include "base/monotonic.h"

namespace zvm {

PumpCounts g_pump_counts;

namespace {

constexpr size_t kStackBytes = size_t{256} << 10;
constexpr double kSafeIntegerMax = 9007199254740991.0;
constexpr const char* kUsage =
    "startPump({kind: 'receive', socketFd, pipe, sizeBytes} | {kind: 'receive-until', socketFd, "
    "pipe, delimiter, begun, bodyLeftBytes, contentBytesMax} | {kind: 'send', pipe, socketFd, "
    "isChunked}, onEnd)";

const char* EndName(PumpEnd end) {
  switch (end) {
    case PumpEnd::kDone: return "done";
    case PumpEnd::kDelimiter: return "delimiter";
    case PumpEnd::kTooLarge: return "too-large";
    case PumpEnd::kSourceEnded: return "source-ended";
    case PumpEnd::kSinkGone: return "sink-gone";
    case PumpEnd::kStopped: return "stopped";
    case PumpEnd::kFailed: return "failed";
  }
  return "failed";
}

bool ReadSize(Napi::Object order, const char* name, uint64_t* size) {
  const Napi::Value value = order.Get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= kSafeIntegerMax)) {
    return false;
  }
  *size = static_cast<uint64_t>(number);
  return true;
}

bool ReadBytes(Napi::Object order, const char* name, std::vector<uint8_t>* to) {
  const Napi::Value value = order.Get(name);
  if (!value.IsTypedArray() ||
      value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    return false;
  }
  const auto bytes = value.As<Napi::Uint8Array>();
  to->assign(bytes.Data(), bytes.Data() + bytes.ByteLength());
  return to->size() <= kDelimiterSizeMax;
}

bool IsSocket(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

// Both descriptors, as copies; false after it has thrown.
bool CopyEnds(Napi::Env env, Napi::Object from, PumpOrder* order) {
  const Napi::Value number = from.Get("socketFd");
  const FdHandle* const pipe = FdHandle::From(from.Get("pipe"));
  const int socket = number.IsNumber() ? number.As<Napi::Number>().Int32Value() : -1;
  if (pipe == nullptr || !IsSocket(socket)) {
    ThrowType(env, kUsage);
    return false;
  }
  if (pipe->fd() < 0) {
    ThrowCode(env, "handle-closed", "the pipe is closed");
    return false;
  }
  UniqueFd socket_copy(fcntl(socket, F_DUPFD_CLOEXEC, 3));
  UniqueFd pipe_copy(fcntl(pipe->fd(), F_DUPFD_CLOEXEC, 3));
  // Our own end only: the guest has another open file.
  if (!socket_copy.valid() || !pipe_copy.valid() ||
      fcntl(pipe_copy.get(), F_SETFL, O_NONBLOCK) != 0) {
    ThrowErrno(env, errno, "fcntl");
    return false;
  }
  const bool is_send = order->kind == PumpKind::kSend;
  order->source = std::move(is_send ? pipe_copy : socket_copy);
  order->sink = std::move(is_send ? socket_copy : pipe_copy);
  return true;
}

bool ReadOrder(const Napi::CallbackInfo& info, PumpOrder* order) {
  if (info.Length() != 2 || !info[0].IsObject() || !info[1].IsFunction()) {
    ThrowType(info.Env(), kUsage);
    return false;
  }
  const Napi::Object from = info[0].As<Napi::Object>();
  const Napi::Value kind_value = from.Get("kind");
  const std::string kind = kind_value.IsString() ? kind_value.As<Napi::String>() : std::string();
  bool good = false;
  if (kind == "receive") {
    good = ReadSize(from, "sizeBytes", &order->size_bytes);
  } else if (kind == "receive-until") {
    order->kind = PumpKind::kReceiveUntil;
    good = ReadSize(from, "bodyLeftBytes", &order->size_bytes) &&
           ReadSize(from, "contentBytesMax", &order->content_bytes_max) &&
           ReadBytes(from, "delimiter", &order->delimiter) &&
           ReadBytes(from, "begun", &order->begun) &&
           order->begun.size() < order->delimiter.size();
  } else if (kind == "send") {
    order->kind = PumpKind::kSend;
    const Napi::Value chunked = from.Get("isChunked");
    good = chunked.IsBoolean();
    order->chunked = good && chunked.As<Napi::Boolean>();
  }
  if (!good) {
    ThrowType(info.Env(), kUsage);
    return false;
  }
  return CopyEnds(info.Env(), from, order);
}

// False while the environment is torn down.
bool CanCallJs(Napi::Env env) {
  napi_value undefined = nullptr;
  napi_value text = nullptr;
  return napi_get_undefined(env, &undefined) == napi_ok &&
         napi_coerce_to_string(env, undefined, &text) == napi_ok;
}

}  // namespace

Napi::Function Pump::Init(Napi::Env env) {
  return DefineClass(env, "Pump",
                     {InstanceAccessor<&Pump::JS_SocketBytes>("socketBytes"),
                      InstanceAccessor<&Pump::JS_SourceWaitMs>("sourceWaitMs"),
                      InstanceAccessor<&Pump::JS_WaitsFor>("waitsFor"),
                      InstanceMethod<&Pump::JS_Stop>("stop")});
}

Pump::Pump(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    ThrowType(info.Env(), "Pump cannot be constructed");
  }
}

Pump::~Pump() = default;

Napi::Value JS_StartPump(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PumpOrder order;
  if (!ReadOrder(info, &order)) {
    return {};
  }
  const Napi::Object object =
      env.GetInstanceData<AddonData>()->pump.New({Napi::External<PumpOrder>::New(env, &order)});
  if (env.IsExceptionPending()) {
    return {};
  }
  const int error =
      Pump::Unwrap(object)->Start(std::move(order), info[1].As<Napi::Function>());
  if (error != 0) {
    ThrowErrno(env, error, "pthread_create");
    return {};
  }
  return object;
}

int Pump::Start(PumpOrder order, Napi::Function on_end) {
  order_ = std::move(order);
  stop_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_.valid()) {
    return errno;
  }
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(Env(), &loop);
  async_ = new uv_async_t;
  uv_async_init(loop, async_, OnDone);
  async_->data = this;
  const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                       .stack_size = kStackBytes};
  const int error = uv_thread_create_ex(
      &thread_, &options, [](void* self) { static_cast<Pump*>(self)->Run(); }, this);
  if (error != 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(async_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_async_t*>(handle); });
    async_ = nullptr;
    return -error;
  }
  on_end_ = Napi::Persistent(on_end);
  running_ = true;
  Ref();
  ++g_pump_counts.running;
  ++g_pump_counts.started;
  napi_add_env_cleanup_hook(Env(), OnTearDown, this);
  return 0;
}

// On the thread of its own: no JavaScript value is touched.
void Pump::Run() {
  // A pipe without reader is an error code here, never a signal; all others are Node's.
  sigset_t all;
  sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, nullptr);
  const PumpFds fds = {order_.source.get(), order_.sink.get(), stop_.get()};
  switch (order_.kind) {
    case PumpKind::kReceive:
      result_ = ReceiveBytes(fds, order_.size_bytes, progress_);
      break;
    case PumpKind::kReceiveUntil:
      result_ = ReceiveUntil(
          fds,
          {order_.delimiter, order_.begun, order_.size_bytes, order_.content_bytes_max},
          progress_);
      break;
    case PumpKind::kSend: result_ = SendAll(fds, order_.chunked, progress_); break;
  }
  uv_async_send(async_);
}

void Pump::Stop() {
  if (running_) {
    progress_.stop_wanted.store(true, std::memory_order_relaxed);
    (void)eventfd_write(stop_.get(), 1);
  }
}

void Pump::OnDone(uv_async_t* async) {
  auto* const pump = static_cast<Pump*>(async->data);
  const Napi::HandleScope scope(pump->Env());
  pump->Finish(CanCallJs(pump->Env()));
}

// The environment ends while the thread runs: it is joined, and nobody hears of its end.
void Pump::OnTearDown(void* self) {
  auto* const pump = static_cast<Pump*>(self);
  pump->Stop();
  pump->Finish(false);
}

void Pump::Finish(bool can_call) {
  uv_thread_join(&thread_);
  uv_close(reinterpret_cast<uv_handle_t*>(async_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_async_t*>(handle); });
  async_ = nullptr;
  napi_remove_env_cleanup_hook(Env(), OnTearDown, this);
  order_.source.Reset();
  order_.sink.Reset();
  stop_.Reset();
  --g_pump_counts.running;
  running_ = false;
  if (can_call) {
    const Napi::Env env = Env();
    Napi::Object end = Napi::Object::New(env);
    end.Set("end", EndName(result_.end));
    end.Set("code", result_.error == 0 ? env.Null().As<Napi::Value>()
                                       : Napi::String::New(env, ErrnoName(result_.error)));
    end.Set("contentBytes", static_cast<double>(result_.content_bytes));
    end.Set("chunkLeftBytes", static_cast<double>(result_.chunk_left_bytes));
    end.Set("rest",
            Napi::Buffer<uint8_t>::Copy(env, result_.rest.data(), result_.rest.size()));
    on_end_.MakeCallback(env.Global(), {end});
    ReportPending(env);
  }
  on_end_.Reset();
  Unref();
}

Napi::Value Pump::JS_SocketBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(
      info.Env(), static_cast<double>(progress_.socket_bytes.load(std::memory_order_relaxed)));
}

Napi::Value Pump::JS_SourceWaitMs(const Napi::CallbackInfo& info) {
  // A wait that ends meanwhile is counted twice or not at all, once.
  const bool waits = progress_.waits_for.load(std::memory_order_acquire) == PumpWait::kSource;
  const uint64_t since_us = progress_.wait_began_us.load(std::memory_order_relaxed);
  const uint64_t total_us = progress_.source_wait_us.load(std::memory_order_relaxed) +
                            (waits ? MonotonicUs() - since_us : 0);
  return Napi::Number::New(info.Env(), static_cast<double>(total_us) / 1000);
}

Napi::Value Pump::JS_WaitsFor(const Napi::CallbackInfo& info) {
  switch (progress_.waits_for.load(std::memory_order_relaxed)) {
    case PumpWait::kSource: return Napi::String::New(info.Env(), "source");
    case PumpWait::kSink: return Napi::String::New(info.Env(), "sink");
    case PumpWait::kNothing: break;
  }
  return info.Env().Null();
}

void Pump::JS_Stop(const Napi::CallbackInfo&) { Stop(); }

}  // namespace zvm
