/* One thread. */
#include "gthr-single.h"
