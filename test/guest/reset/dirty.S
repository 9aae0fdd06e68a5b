/* The program of dirty.h, from its start. */
#include "reset/dirty.h"
