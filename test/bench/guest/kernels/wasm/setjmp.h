/* wasi-libc has no setjmp; Lua is built without it (kernels.ts) but includes the header. */
