/* Oniguruma's configuration for every target of the bench. */
#define SIZEOF_INT 4
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOIDP __SIZEOF_POINTER__
#define HAVE_STDINT_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_ALLOCA 1
#define HAVE_ALLOCA_H 1
#define PACKAGE_VERSION "bench"
