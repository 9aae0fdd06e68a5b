/* The program of dirty.h behind a checkpoint. */
#define CHECKPOINT
#include "reset/dirty.h"
