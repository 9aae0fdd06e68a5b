/* What gnulib's configure would write for a system that has every function under test: nothing is
 * replaced, so its tests judge the C library itself. */
#define _GNU_SOURCE 1
#define _GL_UNUSED __attribute__((__unused__))
#define _GL_ATTRIBUTE_MAYBE_UNUSED __attribute__((__unused__))
#define _GL_ATTRIBUTE_DEPRECATED
#define _GL_ATTRIBUTE_NODISCARD
#define _GL_ATTRIBUTE_CONST __attribute__((__const__))
#define _GL_ATTRIBUTE_PURE __attribute__((__pure__))
#define _GL_ATTRIBUTE_MALLOC
#define _GL_ATTRIBUTE_DEALLOC(f, i)
#define _GL_ATTRIBUTE_DEALLOC_FREE
#define _GL_ATTRIBUTE_RETURNS_NONNULL
#define _GL_ATTRIBUTE_NONNULL(x)
#define _GL_ATTRIBUTE_NOTHROW
#define _GL_ATTRIBUTE_FORMAT(spec)
#define _GL_ATTRIBUTE_FALLTHROUGH
#define _GL_ATTRIBUTE_ALLOC_SIZE(x)
#define _GL_ASYNC_SAFE
#define _GL_INLINE static inline
#define _GL_INLINE_HEADER_BEGIN
#define _GL_INLINE_HEADER_END
#define _GL_EXTERN_INLINE extern inline
#define _GL_ARG_NONNULL(x)
#define _GL_CMP(a, b) (((a) > (b)) - ((a) < (b)))
