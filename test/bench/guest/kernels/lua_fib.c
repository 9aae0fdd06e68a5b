/* Lua: calls and arithmetic of the interpreter. */
#include "lua_run.h"

static const char kScript[] =
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n"
    "local sum = 0\n"
    "for i = 1, work do sum = sum + fib(27) + i end\n"
    "return tostring(sum)\n";

int main(int argc, char **argv) { return RunScript("lua-fib", kScript, Work(argc, argv, 25)); }
