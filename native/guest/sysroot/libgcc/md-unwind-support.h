/* No machine-dependent unwinding: signals do not exist. */
