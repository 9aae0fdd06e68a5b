/* Lua for short scripts: opens its libraries, runs /lua/start.lua of a mounted image if there is
 * one, passes its checkpoint, then runs what the session asks for. A session that starts from a
 * snapshot begins at the last step. Usage: lua [-e CODE | SCRIPT | -] [ARGUMENT...]; without one
 * stdin is the script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <zvm.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static const char kRootScript[] = "/lua/start.lua";

static int WithTraceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  luaL_traceback(L, L, message != NULL ? message : "(error is no text)", 1);
  return 1;
}

/* Calls the function below `count` arguments; what goes wrong is written to standard error. */
static int Call(lua_State *L, int count) {
  const int handler = lua_gettop(L) - count;
  lua_pushcfunction(L, WithTraceback);
  lua_insert(L, handler);
  const int status = lua_pcall(L, count, 0, handler);
  if (status != LUA_OK) fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
  return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int Complain(lua_State *L) {
  fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
  return EXIT_FAILURE;
}

/* math.random starts from the session's seed, not from the one that made the snapshot. */
static void SeedRandom(lua_State *L) {
  lua_Integer seed[2];
  getrandom(seed, sizeof seed, 0);
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, seed[0]);
  lua_pushinteger(L, seed[1]);
  lua_call(L, 2, 0);
  lua_pop(L, 1);
}

static int Run(lua_State *L, int argc, char **argv) {
  const int code = argc > 2 && strcmp(argv[1], "-e") == 0;
  const int script = code ? 2 : 1;
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; ++i) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
  int status;
  if (code) {
    status = luaL_loadbuffer(L, argv[2], strlen(argv[2]), "=(command line)");
  } else {
    const char *name = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    status = luaL_loadfile(L, name);
  }
  if (status != LUA_OK) return Complain(L);
  const int count = argc > script + 1 ? argc - script - 1 : 0;
  luaL_checkstack(L, count, "too many arguments");
  for (int i = 0; i < count; ++i) lua_pushstring(L, argv[script + 1 + i]);
  return Call(L, count);
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (L == NULL) return EXIT_FAILURE;
  luaL_openlibs(L);
  struct stat status;
  if (stat(kRootScript, &status) == 0) {
    if (luaL_loadfile(L, kRootScript) != LUA_OK) return Complain(L);
    if (Call(L, 0) != EXIT_SUCCESS) return EXIT_FAILURE;
  }
  lua_gc(L, LUA_GCCOLLECT);
  static char output[BUFSIZ];
  setvbuf(stdout, output, _IOFBF, sizeof output);
  zvm_checkpoint(&argc, &argv);
  SeedRandom(L);
  const int code = Run(L, argc, argv);
  /* No lua_close: the memory goes with the session. Buffers of open files do not. */
  fflush(NULL);
  return code;
}
