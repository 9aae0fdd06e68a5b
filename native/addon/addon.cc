// What zvm.node exports. Types and meaning of every function: zvm.d.ts.
#include <napi.h>

#include "addon/fd_handle.h"
#include "addon/files.h"
#include "addon/pump_handle.h"
#include "addon/worker.h"
#include "validator/rule.h"
#include "wire/layout.h"

namespace zvm {
namespace {

Napi::Value JS_Stats(const Napi::CallbackInfo& info) {
  Napi::Object stats = Napi::Object::New(info.Env());
  stats.Set("openHandles", static_cast<double>(g_fd_counts.open));
  stats.Set("leakedHandles", static_cast<double>(g_fd_counts.leaked));
  stats.Set("workers", static_cast<double>(g_worker_counts.workers));
  stats.Set("framesSent", static_cast<double>(g_worker_counts.frames_sent));
  stats.Set("framesReceived", static_cast<double>(g_worker_counts.frames_received));
  stats.Set("pumps", static_cast<double>(g_pump_counts.running));
  stats.Set("pumpsStarted", static_cast<double>(g_pump_counts.started));
  return stats;
}

Napi::Array MakeRules(Napi::Env env) {
  Napi::Array rules = Napi::Array::New(env, kRuleCount);
  for (uint32_t i = 0; i < kRuleCount; ++i) {
    Napi::Object rule = Napi::Object::New(env);
    rule.Set("name", std::string(kRules[i].name));
    rule.Set("reason", std::string(kRules[i].reason));
    rules.Set(i, rule);
  }
  return rules;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* const data = new AddonData;
  data->fd_handle = Napi::Persistent(FdHandle::Init(env));
  data->worker = Napi::Persistent(Worker::Init(env));
  data->pump = Napi::Persistent(Pump::Init(env));
  env.SetInstanceData(data);
  exports.Set("FdHandle", data->fd_handle.Value());
  exports.Set("Worker", data->worker.Value());
  exports.Set("wireVersion", kWireVersion);
  exports.Set("frameSizeMax", static_cast<double>(kFrameSizeMax));
  exports.Set("frameFdsMax", static_cast<double>(kFrameDescriptorsMax));
  exports.Set("rules", MakeRules(env));
  const struct {
    const char* name;
    Napi::Value (*function)(const Napi::CallbackInfo&);
  } functions[] = {
      {"openFile", JS_OpenFile},   {"openNull", JS_OpenNull},
      {"adoptFd", JS_AdoptFd},     {"makePipe", JS_MakePipe},
      {"makeMemfd", JS_MakeMemfd}, {"makeImageFile", JS_MakeImageFile},
      {"stats", JS_Stats},         {"spawnWorker", JS_SpawnWorker},
      {"startPump", JS_StartPump},
  };
  for (const auto& [name, function] : functions) {
    exports.Set(name, Napi::Function::New(env, function, name));
  }
  return exports;
}

}  // namespace
}  // namespace zvm

static Napi::Object InitAll(Napi::Env env, Napi::Object exports) {
  return zvm::Init(env, exports);
}

NODE_API_MODULE(zvm, InitAll)
