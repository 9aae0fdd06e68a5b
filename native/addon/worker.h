// Worker: one zvm-worker process as JavaScript sees it. Frames come and go through its socket, its
// end is noticed through a pidfd and reaped here, so that libuv's handling of SIGCHLD never meets
// it.
#pragma once

#include <signal.h>
#include <napi.h>
#include <uv.h>

#include <string>

#include "addon/spawn.h"
#include "wire/frame_socket.h"

namespace zvm {

struct WorkerCounts {
  int64_t workers = 0;
  int64_t frames_sent = 0;
  int64_t frames_received = 0;
};
extern WorkerCounts g_worker_counts;

class Worker final : public Napi::ObjectWrap<Worker> {
 public:
  static Napi::Function Init(Napi::Env env);

  explicit Worker(const Napi::CallbackInfo& info);
  ~Worker() override;

 private:
  friend Napi::Value JS_SpawnWorker(const Napi::CallbackInfo& info);

  Napi::Value JS_Pid(const Napi::CallbackInfo& info);
  Napi::Value JS_Exited(const Napi::CallbackInfo& info);
  Napi::Value JS_Send(const Napi::CallbackInfo& info);
  Napi::Value JS_Kill(const Napi::CallbackInfo& info);
  Napi::Value JS_Cancel(const Napi::CallbackInfo& info);
  void JS_Close(const Napi::CallbackInfo& info);
  void JS_Pause(const Napi::CallbackInfo& info);
  void JS_Resume(const Napi::CallbackInfo& info);
  void JS_Ref(const Napi::CallbackInfo& info);
  void JS_Unref(const Napi::CallbackInfo& info);

  // Watches the process from here on; keeps this object alive until the last callback.
  void Watch(SpawnedProcess process, Napi::Object events);
  uv_poll_t* Poll(uv_loop_t* loop, int fd, uv_poll_cb callback);
  static void StopPoll(uv_poll_t** poll);
  static void OnReadable(uv_poll_t* poll, int status, int events);
  static void OnEnd(uv_poll_t* poll, int status, int events);
  static void OnTearDown(void* self);

  // Delivers waiting frames, at most `frames_max`. False when no more will come.
  bool TakeFrames(int frames_max);
  bool TakeFrame(size_t size_bytes);
  void Fail(const char* wire_error);
  void EmitExit(const siginfo_t& end);
  void Finish(bool can_call);
  void Emit(const char* event, std::initializer_list<napi_value> arguments);

  SpawnedProcess process_;
  Napi::ObjectReference events_;
  uv_poll_t* socket_poll_ = nullptr;
  uv_poll_t* end_poll_ = nullptr;
  std::string wire_error_;
  bool unread_ = false;
  bool greeted_ = false;
  bool paused_ = false;
  bool watched_ = false;
};

Napi::Value JS_SpawnWorker(const Napi::CallbackInfo& info);

}  // namespace zvm
