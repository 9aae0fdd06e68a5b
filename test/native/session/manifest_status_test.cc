// The manifest cases of existing clients (docs/abi.md §5.5): the exit status is part of each name.
#include <doctest/doctest.h>

#include <functional>

#include "run_tool.h"

namespace zvm {
namespace {

struct Case {
  const char* name;
  int status;
  std::function<std::string(std::string)> change;
  bool compat_only = false;  // strict mode has another, stricter answer of the same status
};

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// Drops the line that starts with `key`.
std::string Without(std::string text, const std::string& key) {
  const size_t at = text.find(key);
  REQUIRE(at != std::string::npos);
  return text.erase(at, text.find('\n', at) + 1 - at);
}

const char kStdin[] = "Channel = /dev/null, /dev/stdin, 0, 0, 99, 9999, 0, 0\n";

const Case kCases[] = {
    {"good", 0, [](std::string m) { return m; }},
    {"duplicated_channel_alias", 14, [](std::string m) { return m + kStdin; }},
    {"empty_manifest", 14, [](std::string) { return "== nothing here\n"; }},
    {"invalid_channel_access_type", 14,
     [](std::string m) { return Replace(m, "/dev/stdin, 0", "/dev/stdin, 5"); }},
    {"invalid_channel_path", 14,
     [](std::string m) { return Replace(m, "/dev/null, /dev/stdin", "dev/null, /dev/stdin"); }},
    {"invalid_limits", 14, [](std::string m) { return Replace(m, "99, 9999, 0, 0",
                                                              "-1, 9999, 0, 0"); }},
    {"invalid_memory", 12, [](std::string m) { return Replace(m, "33554432, 0", "-1, 1"); }},
    {"invalid_memory_tag", 14, [](std::string m) { return Replace(m, "33554432, 0",
                                                                  "33554432, 2"); }},
    {"invalid_name_server_host", 14,
     [](std::string m) { return m + "NameServer = udp:127.0.1:54321\nNode = 1\n"; }},
    {"invalid_name_server_proto", 14,
     [](std::string m) {
       return Replace(m, "/dev/null, /dev/stdin", "tcp:2:, /dev/stdin") +
              "NameServer = tcp:127.0.0.1:54321\nNodeName = 1\n";
     }},
    {"invalid_name_server_type", 14,
     [](std::string m) { return m + "NameServer = udp:127.0.0.1\nNode = 1\n"; }},
    {"invalid_nexe", 2, [](std::string m) { return Replace(m, "Program = ", "Program = /no"); }},
    {"invalid_node", 14, [](std::string m) { return m + "Node = word\n"; }},
    {"invalid_timeout", 14, [](std::string m) { return Replace(m, "Timeout = 5", "Timeout = 0"); }},
    {"negative_timeout", 14,
     [](std::string m) { return Replace(m, "Timeout = 5", "Timeout = -1"); }},
    {"missed_memory_tag", 14, [](std::string m) { return Replace(m, "33554432, 0", "33554432"); }},
    {"name_server_missed_node", 14,
     [](std::string m) {
       return Replace(m, "/dev/null, /dev/stdin", "tcp:2:, /dev/stdin") +
              "NameServer = udp:127.0.0.1:54321\n";
     }},
    {"nexe_skipped", 14, [](std::string m) { return Without(m, "Program"); }},
    {"no_version", 14, [](std::string m) { return Without(m, "Version"); }},
    {"nil_channel", 22, [](std::string m) { return Replace(m, "99, 9999, 0, 0", "0, 0, 0, 0"); }},
    {"no_channels", 14,
     [](std::string m) { return Without(Without(Without(m, "Channel"), "Channel"), "Channel"); }},
    {"no_std_channels", 14,
     [](std::string m) {
       return Replace(Replace(Replace(m, "/dev/stdin", "/dev/a"), "/dev/stdout", "/dev/b"),
                      "/dev/stderr", "/dev/c") +
              "Channel = /dev/null, /dev/d, 0, 0, 9, 9, 0, 0\n";
     }},
    {"not_enough_std_channels", 14,
     [](std::string m) {
       return Replace(m, "/dev/stderr", "/dev/a") +
              "Channel = /dev/null, /dev/b, 0, 0, 9, 9, 0, 0\n"
              "Channel = /dev/null, /dev/c, 0, 0, 9, 9, 0, 0\n";
     }},
    {"not_existing_channel_name", 14,
     [](std::string m) { return Replace(m, "/dev/null, /dev/stdin", "/dev/gone, /dev/stdin"); }},
    {"too_few_channel_attributes", 14,
     [](std::string m) { return Replace(m, "99, 9999, 0, 0", "99, 9999, 0"); }},
    {"too_much_channel_attributes", 14,
     [](std::string m) { return Replace(m, "99, 9999, 0, 0", "99, 9999, 0, 0, 0"); }},
    {"too_large_nexe", 5,
     [](std::string m) { return Replace(m, Guest("hello"), "/dev/zero"); }},
    {"directory_channel", 93,
     [](std::string m) { return Replace(m, "/dev/null, /dev/stdin", "/tmp, /dev/stdin"); }},
    {"text after the lines", 0, [](std::string m) { return m + "just text\nUnknown = 1\n"; },
     true},
};

TEST_CASE("exit statuses of the classic manifest cases, in both modes") {
  TestFolder folder;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const auto manifest = folder.Write("m", c.change(Manifest(Guest("hello"))));
    const ToolResult compat = RunTool({"--compat", manifest});
    CHECK(compat.status == c.status);
    const ToolResult strict = RunTool({manifest});
    CHECK(strict.status == (c.compat_only ? 14 : c.status));
    CHECK(StateLine(compat.out) != "(no state line)");
  }
}

TEST_CASE("a program that is a manifest, a manifest that is empty") {
  TestFolder folder;
  std::string text = Manifest("PLACE");
  text.replace(text.find("PLACE"), 5, folder.Path("m"));
  CHECK(RunTool({"--compat", folder.Write("m", text)}).status == 8);
  CHECK(RunTool({"--compat", folder.Write("empty", "")}).status == 5);
}

}  // namespace
}  // namespace zvm
