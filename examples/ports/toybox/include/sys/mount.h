/* Toybox includes this header of Linux; its text tools use nothing of it. */
