/* A Lua state that runs one script, whose string result is the checksum's input. Only the libraries
 * that need no operating system. */
#include "kernel.h"
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static int RunScript(const char *name, const char *script, unsigned work) {
  static const luaL_Reg kLibraries[] = {
      {LUA_GNAME, luaopen_base},       {LUA_TABLIBNAME, luaopen_table},
      {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math}, {NULL, NULL}};
  lua_State *lua = luaL_newstate();
  for (const luaL_Reg *library = kLibraries; library->func != NULL; ++library) {
    luaL_requiref(lua, library->name, library->func, 1);
    lua_pop(lua, 1);
  }
  lua_pushinteger(lua, (lua_Integer)work);
  lua_setglobal(lua, "work");
  if (luaL_dostring(lua, script) != LUA_OK) {
    fprintf(stderr, "%s: %s\n", name, lua_tostring(lua, -1));
    return 1;
  }
  size_t length = 0;
  const char *result = lua_tolstring(lua, -1, &length);
  const uint64_t sum = Checksum(kChecksum, result, length);
  lua_close(lua);
  return Finish(name, sum);
}
