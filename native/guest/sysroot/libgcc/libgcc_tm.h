/* Nothing: the target is described in tm.h. */
