// zvm-run from outside: sessions that make a snapshot and sessions that start from one.
#include <doctest/doctest.h>

#include <set>

#include "run_tool.h"

namespace zvm {
namespace {

// Sessions of asm/checkpoint with one folder; see there for what the exit codes say.
class Checkpoints {
 public:
  explicit Checkpoints(const std::string& mode = "", const std::string& memory = "33554432, 1")
      : input_(folder_.Write("mode", mode)) {
    std::string text = Manifest(Guest("checkpoint"), input_, folder_.Path("out"));
    text.replace(text.find("33554432, 0"), 11, memory);
    manifest_ = folder_.Write("manifest", text);
  }

  ToolResult Run(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"--report", "json"});
    options.push_back(manifest_);
    return RunTool(options);
  }
  ToolResult Make() { return Run({"--make-snapshot", folder_.Path("snapshot")}); }
  ToolResult Start() { return Run({"--snapshot", folder_.Path("snapshot")}); }
  std::string Output() const { return folder_.Read("out"); }
  const TestFolder& folder() const { return folder_; }
  const std::string& manifest() const { return manifest_; }

 private:
  TestFolder folder_;
  std::string input_, manifest_;
};

std::string EtagOf(const std::string& report) {
  const size_t at = report.find("\"memoryEtag\":");
  return at == report.npos ? "" : report.substr(at, report.find(',', at) - at);
}

void CheckRefused(const ToolResult& run, const std::string& code) {
  INFO(run.out);
  CHECK(run.status != 0);
  CHECK(Has(run.out, "\"reason\":\"" + code + "\""));
  CHECK_FALSE(Has(run.out, "\"snapshot\":\"made\""));
}

}  // namespace

TEST_CASE("a program passes its checkpoint, ends there, and starts behind it") {
  Checkpoints sessions;
  const ToolResult without = sessions.Run();
  CHECK(Has(without.out, "\"exitCode\":128"));
  CHECK_FALSE(Has(without.out, "\"snapshot\""));
  const ToolResult made = sessions.Make();
  CHECK(made.status == 0);
  CHECK(Has(made.out, "\"snapshot\":\"made\""));
  CHECK(sessions.Output().empty());
  const ToolResult used = sessions.Start();
  CHECK(used.status == 0);
  CHECK(Has(used.out, "\"snapshot\":\"used\""));
  CHECK(Has(used.out, "\"exitCode\":129"));
  CHECK(Has(used.out, "\"alias\":\"/dev/stdin\",\"type\":0,\"reads\":0"));
  CHECK(sessions.Output() == "after\n");
}

TEST_CASE("every session from a snapshot ends with the memory of one without") {
  Checkpoints sessions("i");
  std::set<std::string> etags = {EtagOf(sessions.Run().out)};
  REQUIRE(sessions.Make().status == 0);
  for (int i = 0; i < 10; ++i) {
    etags.insert(EtagOf(sessions.Start().out));
  }
  CHECK(etags.size() == 1);
  CHECK(etags.begin()->starts_with("\"memoryEtag\":\"sha1:"));
}

TEST_CASE("behind the first checkpoint another one is nothing") {
  Checkpoints sessions("t");
  CHECK(Has(sessions.Run().out, "\"exitCode\":128"));
  REQUIRE(sessions.Make().status == 0);
  CHECK(Has(sessions.Start().out, "\"exitCode\":129"));
}

TEST_CASE("states that cannot be kept are refused at the checkpoint") {
  CheckRefused(Checkpoints("o").Make(), "snapshot-after-output");
  CheckRefused(Checkpoints("j").Make(), "snapshot-jailed-code");
  CheckRefused(Checkpoints("l", "134217728, 0").Make(), "snapshot-too-large");
}

TEST_CASE("a program that ends before it has a checkpoint leaves none") {
  TestFolder folder;
  const auto manifest = folder.Write("m", Manifest(Guest("hello")));
  const ToolResult run =
      RunTool({"--report", "json", "--make-snapshot", folder.Path("s"), manifest});
  CHECK(run.status == 0);
  CHECK_FALSE(Has(run.out, "\"snapshot\""));
  CHECK(folder.Read("s").empty());
  CheckRefused(RunTool({"--report", "json", "--snapshot", folder.Path("s"), manifest}),
               "snapshot-invalid");
}

TEST_CASE("a snapshot of something else is refused before a channel is opened") {
  Checkpoints sessions;
  REQUIRE(sessions.Make().status == 0);
  const auto other = [&](const std::string& what, const std::string& by) {
    std::string text = sessions.folder().Read("manifest");
    text.replace(text.find(what), what.size(), by);
    return RunTool({"--report", "json", "--snapshot", sessions.folder().Path("snapshot"),
                    sessions.folder().Write("other", text)});
  };
  CheckRefused(other("33554432", "33619968"), "snapshot-mismatch");
  CheckRefused(other(Guest("checkpoint"), Guest("hello")), "snapshot-mismatch");
  CheckRefused(other("/dev/stdin, 0", "/dev/stdin, 1"), "snapshot-mismatch");
  CheckRefused(other("Timeout", "Channel = /dev/null, /x, 0, 0, 1, 1, 0, 0\nTimeout"),
               "snapshot-mismatch");
  // Limits may differ, as long as a channel goes the same ways.
  CHECK(Has(other("99, 9999, 0, 0", "7, 7, 0, 0").out, "\"exitCode\":129"));
}

TEST_CASE("files of snapshots: never overwritten, never waited for") {
  Checkpoints sessions;
  REQUIRE(sessions.Make().status == 0);
  CheckRefused(sessions.Make(), "snapshot-open-failed");
  CheckRefused(sessions.Run({"--snapshot", "/nonexistent"}), "snapshot-open-failed");
  CheckRefused(sessions.Run({"--snapshot", "/dev/zero"}), "snapshot-invalid");
  CHECK(RunTool({"--snapshot", "/a", "--make-snapshot", "/b", sessions.manifest()}).status == 22);
}

}  // namespace zvm
