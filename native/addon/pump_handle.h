// Pump: one native stream (pump/pump.h) as JavaScript sees it, on a thread of its own with copies
// of both descriptors, so that nothing that JavaScript closes can make it touch a stranger's.
#pragma once

#include <napi.h>
#include <uv.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "pump/pump.h"

namespace zvm {

// Both change on the thread of JavaScript only.
struct PumpCounts {
  int64_t running = 0;
  int64_t started = 0;
};
extern PumpCounts g_pump_counts;

enum class PumpKind : uint8_t { kReceive, kReceiveUntil, kSend };

struct PumpOrder {
  PumpKind kind = PumpKind::kReceive;
  UniqueFd source, sink;
  uint64_t size_bytes = 0;
  uint64_t content_bytes_max = 0;
  std::vector<uint8_t> delimiter, begun;
  bool chunked = false;
};

class Pump final : public Napi::ObjectWrap<Pump> {
 public:
  static Napi::Function Init(Napi::Env env);

  explicit Pump(const Napi::CallbackInfo& info);
  ~Pump() override;

 private:
  friend Napi::Value JS_StartPump(const Napi::CallbackInfo& info);

  Napi::Value JS_SocketBytes(const Napi::CallbackInfo& info);
  Napi::Value JS_SourceWaitMs(const Napi::CallbackInfo& info);
  Napi::Value JS_WaitsFor(const Napi::CallbackInfo& info);
  void JS_Stop(const Napi::CallbackInfo& info);

  // 0, or the errno of what failed; then nothing runs. Keeps this object alive until the callback.
  int Start(PumpOrder order, Napi::Function on_end);
  void Run();
  void Stop();
  static void OnDone(uv_async_t* async);
  static void OnTearDown(void* self);
  void Finish(bool can_call);

  PumpOrder order_;
  UniqueFd stop_;
  PumpProgress progress_;
  PumpResult result_;  // written by the thread, read after it was joined
  Napi::FunctionReference on_end_;
  uv_thread_t thread_ = {};
  uv_async_t* async_ = nullptr;
  bool running_ = false;
};

Napi::Value JS_StartPump(const Napi::CallbackInfo& info);

}  // namespace zvm
