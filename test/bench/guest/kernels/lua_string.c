/* Lua: strings, patterns, tables of strings, the collector. */
#include "lua_run.h"

static const char kScript[] =
    "local parts = {}\n"
    "for round = 1, work do\n"
    "  local words = {}\n"
    "  for i = 1, 2000 do\n"
    "    words[i] = string.format('%05d-%s', i * 7919 % 10007, ('x'):rep(i % 13))\n"
    "  end\n"
    "  table.sort(words)\n"
    "  local text = table.concat(words, ' ')\n"
    "  local count = 0\n"
    "  for number, tail in text:gmatch('(%d+)-(x*)') do\n"
    "    if #tail % 3 == 1 then count = count + tonumber(number) end\n"
    "  end\n"
    "  text = text:gsub('xxx', 'y'):upper():reverse()\n"
    "  parts[#parts + 1] = count .. ':' .. #text .. ':' .. (text:find('7Y', 1, true) or 0)\n"
    "end\n"
    "return table.concat(parts, ',')\n";

int main(int argc, char **argv) {
  return RunScript("lua-string", kScript, Work(argc, argv, 130));
}
