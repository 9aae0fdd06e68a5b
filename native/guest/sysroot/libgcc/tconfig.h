/* What libgcc's sources want to know of the target compiler. */
#ifndef ZVM_TCONFIG_H
#define ZVM_TCONFIG_H
#define IN_GCC 1
#define USED_FOR_TARGET 1
#endif
