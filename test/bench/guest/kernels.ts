// The kernels of the guest bench: what each is built from. A source is a file of kernels/, or
// "package:pattern" for files of a Debian source package, unpacked by name (see sources.ts).

export interface Kernel {
  readonly name: string
  /** The first source decides the language. */
  readonly sources: readonly string[]
  readonly flags?: readonly string[]
  /** More flags for WebAssembly, whose C library lacks something; null: does not build there. */
  readonly wasm?: readonly string[] | null
  /** More flags for zvm-cc. */
  readonly guest?: readonly string[]
  /** Percentage of the work in the smoke test, and the optimisation level that compiles in time. */
  readonly smoke: { readonly percent: number; readonly optimise: string }
}

const quick = { percent: 1, optimise: '-O2' }
const large = { percent: 1, optimise: '-O1' }

const lua = [
  'lua5.4:src/l{api,auxlib,code,ctype,debug,do,dump,func,gc,lex,mem,object,opcodes,parser,state}.c',
  'lua5.4:src/l{string,table,tm,undump,vm,zio,baselib,strlib,tablib,mathlib,utf8lib}.c',
]
// The seed of Lua's hashes would be the time. WebAssembly has no setjmp here: errors end the run.
const luaFlags = ['-Iinclude:lua5.4:src', '-Dluai_makeseed(L)=42u', '-lm']
const luaWasm = [
  '-Iinclude:wasm',
  '-D_WASI_EMULATED_SIGNAL',
  '-lwasi-emulated-process-clocks',
  '-Dluai_jmpbuf=int',
  '-DLUAI_THROW(L,c)=abort()',
  '-DLUAI_TRY(L,c,a)=a',
]

export const kernels: readonly Kernel[] = [
  { name: 'sha256', sources: ['sha256.c'], smoke: quick },
  { name: 'qsort', sources: ['qsort.c'], smoke: quick },
  { name: 'matmul', sources: ['matmul.c'], smoke: quick },
  { name: 'hash', sources: ['hash.c'], smoke: quick },
  {
    name: 'lua-fib',
    sources: ['lua_fib.c', ...lua],
    flags: luaFlags,
    wasm: luaWasm,
    smoke: large,
  },
  {
    name: 'lua-string',
    sources: ['lua_string.c', ...lua],
    flags: luaFlags,
    wasm: luaWasm,
    smoke: large,
  },
  {
    name: 'sqlite',
    sources: ['sqlite.c', 'sqlite3:amalgamation/sqlite3.c'],
    flags: [
      '-Iinclude:sqlite3:amalgamation',
      '-DSQLITE_OS_OTHER=1',
      '-DSQLITE_THREADSAFE=0',
      '-DSQLITE_OMIT_LOAD_EXTENSION',
      '-lm',
    ],
    smoke: { percent: 1, optimise: '-O0' },
  },
  {
    name: 'zstd',
    sources: ['zstd.c', 'libzstd:lib/{common,compress,decompress}/*.c'],
    flags: ['-Iinclude:libzstd:lib', '-DZSTD_DISABLE_ASM', '-DXXH_NAMESPACE=ZSTD_'],
    guest: ['-DDYNAMIC_BMI2=0'],
    smoke: { percent: 1, optimise: '-O0' },
  },
  {
    name: 'bzip2',
    sources: [
      'bzip2.c',
      'bzip2:{blocksort,huffman,crctable,randtable,compress,decompress,bzlib}.c',
    ],
    flags: ['-Iinclude:bzip2:.', '-DBZ_NO_STDIO'],
    smoke: large,
  },
  {
    name: 'json',
    sources: ['json.c', 'cjson:cJSON.c'],
    flags: ['-Iinclude:cjson:.', '-lm'],
    smoke: large,
  },
  {
    name: 'regex',
    sources: [
      'regex.c',
      'libonig:src/reg{comp,error,exec,enc,ext,parse,syntax,trav,version}.c',
      'libonig:src/{st,ascii,unicode}.c',
      'libonig:src/unicode_{unfold,fold1,fold2,fold3}_key.c',
    ],
    flags: ['-Iinclude:libonig:src', '-Iinclude:onig'],
    smoke: large,
  },
  // Debian's C++ library for WebAssembly has no exceptions.
  { name: 'containers', sources: ['containers.cc'], wasm: null, smoke: large },
]
