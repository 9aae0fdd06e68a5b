#include "addon/worker.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "addon/errors.h"
#include "addon/fd_handle.h"
#include "wire/frame_reader.h"

namespace zvm {

WorkerCounts g_worker_counts;

namespace {

// Frames of one wake-up; the rest comes with the next turn of the event loop.
constexpr int kFramesPerTurnMax = 64;
constexpr double kSafeIntegerMax = 9007199254740991.0;

bool IsFromWorker(uint16_t type, bool greeted) {
  if (!greeted) {
    return type == static_cast<uint16_t>(FrameType::kHello);
  }
  return type == static_cast<uint16_t>(FrameType::kPrepared) ||
         type == static_cast<uint16_t>(FrameType::kReport) ||
         type == static_cast<uint16_t>(FrameType::kOutput) ||
         type == static_cast<uint16_t>(FrameType::kReports) ||
         type == static_cast<uint16_t>(FrameType::kRefusal);
}

bool ReadLimit(Napi::Object limits, const char* name, uint64_t* value) {
  const Napi::Value given = limits.Get(name);
  if (given.IsUndefined()) {
    return true;
  }
  const double number = given.IsNumber() ? given.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= kSafeIntegerMax)) {
    return false;
  }
  *value = static_cast<uint64_t>(number);
  return true;
}

// Takes the options of spawnWorker; false after it has thrown.
bool ReadOptions(const Napi::CallbackInfo& info, SpawnRequest* request) {
  const char* const usage =
      "spawnWorker({path, role, tasksMax?, limits?, stderr?}, {onFrame, onExit})";
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsObject()) {
    ThrowType(info.Env(), usage);
    return false;
  }
  const Napi::Object options = info[0].As<Napi::Object>();
  const Napi::Object events = info[1].As<Napi::Object>();
  const Napi::Value path = options.Get("path"), role = options.Get("role");
  const Napi::Value limits = options.Get("limits"), stderr_value = options.Get("stderr");
  if (!path.IsString() || !role.IsString() || !events.Get("onFrame").IsFunction() ||
      !events.Get("onExit").IsFunction()) {
    ThrowType(info.Env(), usage);
    return false;
  }
  request->path = path.As<Napi::String>();
  request->role = role.As<Napi::String>();
  bool good = request->path.starts_with('/') && request->path.find('\0') == std::string::npos &&
              (request->role == "prepare" || request->role == "session");
  uint64_t tasks_max = 1;
  good = good && ReadLimit(options, "tasksMax", &tasks_max) && tasks_max <= UINT8_MAX;
  request->tasks_max = static_cast<uint8_t>(tasks_max);
  if (limits.IsObject()) {
    const Napi::Object table = limits.As<Napi::Object>();
    good = good && ReadLimit(table, "cpuSeconds", &request->cpu_seconds) &&
           ReadLimit(table, "fileSizeBytes", &request->file_size_bytes) &&
           ReadLimit(table, "addressSpaceBytes", &request->address_space_bytes);
  }
  if (!stderr_value.IsUndefined()) {
    const FdHandle* const handle = FdHandle::From(stderr_value);
    good = good && handle != nullptr && handle->fd() >= 0;
    request->stderr_fd = handle != nullptr ? handle->fd() : -1;
  }
  if (!good && !info.Env().IsExceptionPending()) {
    ThrowType(info.Env(), "spawnWorker: an option is out of range");
  }
  return good;
}

// The descriptors of an array of FdHandles; false after it has thrown.
bool ReadHandles(Napi::Env env, Napi::Value value, std::vector<int>* fds) {
  if (value.IsUndefined()) {
    return true;
  }
  if (!value.IsArray()) {
    ThrowType(env, "send: the descriptors are an array of FdHandle");
    return false;
  }
  const Napi::Array array = value.As<Napi::Array>();
  if (array.Length() > kFrameDescriptorsMax) {
    ThrowCode(env, "frame-fds", "more descriptors than a frame takes");
    return false;
  }
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const FdHandle* const handle = FdHandle::From(array.Get(i));
    if (handle == nullptr) {
      ThrowType(env, "send: the descriptors are an array of FdHandle");
      return false;
    }
    if (handle->fd() < 0) {
      ThrowCode(env, "handle-closed", "a handle is closed");
      return false;
    }
    fds->push_back(handle->fd());
  }
  return true;
}

// False while the environment is torn down: handles still fire then, and every call fails.
bool CanCallJs(Napi::Env env, napi_value object) {
  bool has = false;
  return napi_has_named_property(env, object, "onExit", &has) == napi_ok;
}

std::string SignalName(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "SIG" + std::to_string(signal);
}

}  // namespace

Napi::Function Worker::Init(Napi::Env env) {
  return DefineClass(env, "Worker",
                     {InstanceAccessor<&Worker::JS_Pid>("pid"),
                      InstanceAccessor<&Worker::JS_Exited>("exited"),
                      InstanceMethod<&Worker::JS_Send>("send"),
                      InstanceMethod<&Worker::JS_Kill>("kill"),
                      InstanceMethod<&Worker::JS_Cancel>("cancel"),
                      InstanceMethod<&Worker::JS_Close>("close"),
                      InstanceMethod<&Worker::JS_Pause>("pause"),
                      InstanceMethod<&Worker::JS_Resume>("resume"),
                      InstanceMethod<&Worker::JS_Ref>("ref"),
                      InstanceMethod<&Worker::JS_Unref>("unref")});
}

Worker::Worker(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    ThrowType(info.Env(), "Worker cannot be constructed");
  }
}

Worker::~Worker() = default;

Napi::Value JS_SpawnWorker(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  SpawnRequest request;
  if (!ReadOptions(info, &request)) {
    return {};
  }
  // The object first: once the process runs nothing below can fail and leave it unwatched.
  const Napi::Object object = env.GetInstanceData<AddonData>()->worker.New(
      {Napi::External<SpawnRequest>::New(env, &request)});
  if (env.IsExceptionPending()) {
    return {};
  }
  SpawnedProcess process;
  const char* syscall_name = nullptr;
  if (const int error = SpawnWorkerProcess(request, &process, &syscall_name); error != 0) {
    ThrowErrno(env, error, syscall_name);
    return {};
  }
  Worker::Unwrap(object)->Watch(std::move(process), info[1].As<Napi::Object>());
  return object;
}

void Worker::Watch(SpawnedProcess process, Napi::Object events) {
  process_ = std::move(process);
  events_ = Napi::Persistent(events);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(Env(), &loop);
  socket_poll_ = Poll(loop, process_.socket.get(), OnReadable);
  end_poll_ = Poll(loop, process_.pidfd.get(), OnEnd);
  Ref();
  watched_ = true;
  ++g_worker_counts.workers;
  napi_add_env_cleanup_hook(Env(), OnTearDown, this);
}

uv_poll_t* Worker::Poll(uv_loop_t* loop, int fd, uv_poll_cb callback) {
  auto* const poll = new uv_poll_t;
  uv_poll_init(loop, poll, fd);
  poll->data = this;
  uv_poll_start(poll, UV_READABLE, callback);
  return poll;
}

void Worker::StopPoll(uv_poll_t** poll) {
  if (*poll != nullptr) {
    uv_close(reinterpret_cast<uv_handle_t*>(*poll),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    *poll = nullptr;
  }
}

// The environment ends while the process lives: nobody will hear of it.
void Worker::OnTearDown(void* self) {
  auto* const worker = static_cast<Worker*>(self);
  (void)SignalProcess(worker->process_.pidfd.get(), SIGKILL);
  StopPoll(&worker->socket_poll_);
  StopPoll(&worker->end_poll_);
}

void Worker::OnReadable(uv_poll_t* poll, int, int) {
  auto* const worker = static_cast<Worker*>(poll->data);
  const Napi::HandleScope scope(worker->Env());
  if (!CanCallJs(worker->Env(), worker->events_.Value()) ||
      !worker->TakeFrames(kFramesPerTurnMax)) {
    StopPoll(&worker->socket_poll_);
  }
}

void Worker::OnEnd(uv_poll_t* poll, int, int) {
  auto* const worker = static_cast<Worker*>(poll->data);
  const Napi::HandleScope scope(worker->Env());
  const bool can_call = CanCallJs(worker->Env(), worker->events_.Value());
  if (can_call) {
    // Nobody writes any more: what waits in the socket is all, and it is bounded. It is told even
    // when a callback pauses once more.
    do {
      worker->paused_ = false;
    } while (worker->TakeFrames(INT_MAX) && worker->paused_);
  }
  worker->Finish(can_call);
}

bool Worker::TakeFrames(int frames_max) {
  static uint8_t buffer[kFrameSizeMax];
  for (int i = 0; i < frames_max && wire_error_.empty() && !paused_; ++i) {
    size_t size_bytes = 0;
    switch (ReceiveFrame(process_.socket.get(), buffer, &size_bytes)) {
      case ReceiveEnd::kFrame: break;
      case ReceiveEnd::kInterrupted: continue;
      case ReceiveEnd::kUnread: unread_ = true; continue;
      case ReceiveEnd::kWouldBlock: return true;
      case ReceiveEnd::kClosed: return false;
      case ReceiveEnd::kTruncated: Fail("frame-truncated"); return false;
      case ReceiveEnd::kError: Fail("frame-receive"); return false;
    }
    WireHeader header;
    FrameError error = ReadHeader({buffer, size_bytes}, 0, &header);
    if (error == FrameError::kNone && !IsFromWorker(header.type, greeted_)) {
      error = FrameError::kType;
    }
    if (error != FrameError::kNone) {
      Fail(FrameErrorName(error).data());
      return false;
    }
    greeted_ = true;
    ++g_worker_counts.frames_received;
    const Napi::HandleScope scope(Env());
    Emit("onFrame", {Napi::Buffer<uint8_t>::Copy(Env(), buffer, size_bytes)});
  }
  return wire_error_.empty();
}

void Worker::Fail(const char* wire_error) {
  wire_error_ = wire_error;
  (void)SignalProcess(process_.pidfd.get(), SIGKILL);
}

void Worker::Emit(const char* event, std::initializer_list<napi_value> arguments) {
  const Napi::Value callback = events_.Get(event);
  if (callback.IsFunction()) {
    callback.As<Napi::Function>().MakeCallback(events_.Value(), arguments);
  }
  ReportPending(Env());
}

void Worker::EmitExit(const siginfo_t& end) {
  const Napi::Env env = Env();
  const bool exited = end.si_code == CLD_EXITED;
  Napi::Object status = Napi::Object::New(env);
  status.Set("code", exited ? Napi::Number::New(env, end.si_status).As<Napi::Value>()
                            : env.Null().As<Napi::Value>());
  status.Set("signal",
             exited ? env.Null().As<Napi::Value>()
                    : Napi::String::New(env, SignalName(end.si_status)).As<Napi::Value>());
  const Napi::Value wire_error = wire_error_.empty()
                                     ? env.Null().As<Napi::Value>()
                                     : Napi::String::New(env, wire_error_).As<Napi::Value>();
  Emit("onExit", {status, wire_error, Napi::Boolean::New(env, unread_)});
}

// Reaps the process, gives everything back and tells. Last of all, because the callback may do
// anything.
void Worker::Finish(bool can_call) {
  siginfo_t end = {};
  while (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process_.pidfd.get()), &end,
                WEXITED) != 0 &&
         errno == EINTR) {
  }
  StopPoll(&socket_poll_);
  StopPoll(&end_poll_);
  napi_remove_env_cleanup_hook(Env(), OnTearDown, this);
  process_.socket.Reset();
  process_.pidfd.Reset();
  --g_worker_counts.workers;
  watched_ = false;
  if (can_call) {
    EmitExit(end);
  }
  events_.Reset();
  Unref();
}

Napi::Value Worker::JS_Pid(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), process_.pid);
}

Napi::Value Worker::JS_Exited(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !watched_);
}

Napi::Value Worker::JS_Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    ThrowType(env, "send(frame, descriptors?)");
    return {};
  }
  std::vector<int> fds;
  if (!ReadHandles(env, info[1], &fds)) {
    return {};
  }
  const auto frame = info[0].As<Napi::Uint8Array>();
  if (frame.ByteLength() == 0 || frame.ByteLength() > kFrameSizeMax) {
    ThrowCode(env, "frame-size", "a frame has 1 to 65536 bytes");
    return {};
  }
  if (!watched_) {
    ThrowCode(env, "worker-gone", "the worker has ended");
    return {};
  }
  const int error = SendFrame(process_.socket.get(), {frame.Data(), frame.ByteLength()}, fds);
  if (error == EPIPE || error == ECONNRESET) {
    // The kernel says it once: here it is about the frame before this one.
    unread_ = unread_ || error == ECONNRESET;
    ThrowCode(env, "worker-gone", "the worker has ended");
    return {};
  }
  if (error != 0 && error != EAGAIN) {
    ThrowErrno(env, error, "sendmsg");
    return {};
  }
  g_worker_counts.frames_sent += error == 0;
  return Napi::Boolean::New(env, error == 0);
}

Napi::Value Worker::JS_Kill(const Napi::CallbackInfo& info) {
  const std::string name =
      info.Length() > 0 && info[0].IsString() ? std::string(info[0].As<Napi::String>()) : "";
  if (name != "SIGTERM" && name != "SIGKILL") {
    ThrowType(info.Env(), "kill('SIGTERM' | 'SIGKILL')");
    return {};
  }
  const bool sent = watched_ && SignalProcess(process_.pidfd.get(),
                                              name == "SIGTERM" ? SIGTERM : SIGKILL) == 0;
  return Napi::Boolean::New(info.Env(), sent);
}

// The number of a session: a bigint, or a number that is a whole one.
Napi::Value Worker::JS_Cancel(const Napi::CallbackInfo& info) {
  bool exact = false;
  uint64_t session_id = 0;
  if (info.Length() > 0 && info[0].IsBigInt()) {
    session_id = info[0].As<Napi::BigInt>().Uint64Value(&exact);
  } else if (info.Length() > 0 && info[0].IsNumber()) {
    const double number = info[0].As<Napi::Number>().DoubleValue();
    exact = number >= 0 && number <= kSafeIntegerMax;
    session_id = exact ? static_cast<uint64_t>(number) : 0;
    exact = exact && static_cast<double>(session_id) == number;
  }
  if (!exact) {
    ThrowType(info.Env(), "cancel(session id)");
    return {};
  }
  const bool sent = watched_ && CancelSession(process_.pidfd.get(), session_id) == 0;
  return Napi::Boolean::New(info.Env(), sent);
}

void Worker::JS_Close(const Napi::CallbackInfo&) {
  if (watched_) {
    (void)SignalProcess(process_.pidfd.get(), SIGKILL);
  }
}

// Frames wait in the socket, and the worker in its write when that is full.
void Worker::JS_Pause(const Napi::CallbackInfo&) {
  if (socket_poll_ != nullptr && !paused_) {
    uv_poll_stop(socket_poll_);
  }
  paused_ = true;
}

void Worker::JS_Resume(const Napi::CallbackInfo&) {
  if (socket_poll_ != nullptr && paused_) {
    uv_poll_start(socket_poll_, UV_READABLE, OnReadable);
  }
  paused_ = false;
}

void Worker::JS_Ref(const Napi::CallbackInfo&) {
  for (uv_poll_t* poll : {socket_poll_, end_poll_}) {
    if (poll != nullptr) {
      uv_ref(reinterpret_cast<uv_handle_t*>(poll));
    }
  }
}

void Worker::JS_Unref(const Napi::CallbackInfo&) {
  for (uv_poll_t* poll : {socket_poll_, end_poll_}) {
    if (poll != nullptr) {
      uv_unref(reinterpret_cast<uv_handle_t*>(poll));
    }
  }
}

}  // namespace zvm
