/* The target machine as libgcc's C helpers and its unwinder see it: x86-64 registers with DWARF's
 * own numbering, 32-bit pointers, values of registers kept in the unwind context. */
#ifndef ZVM_TM_H
#define ZVM_TM_H
#define DWARF_FRAME_REGISTERS 17
#define DWARF_FRAME_REGNUM(reg) (reg)
#define DWARF_REG_TO_UNWIND_COLUMN(reg) (reg)
#define REG_VALUE_IN_UNWIND_CONTEXT 1
#define ASSUME_EXTENDED_UNWIND_CONTEXT 1
#define STACK_GROWS_DOWNWARD 1
/* libgcc2.c is empty where this is not at least LIBGCC2_UNITS_PER_WORD. */
#define MIN_UNITS_PER_WORD 8
#define LIBGCC2_UNITS_PER_WORD 8
#define BITS_PER_UNIT 8
#endif
