/* The checks that configure would have made; none applies. */
