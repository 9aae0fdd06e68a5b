/* The peer of a fresh sandbox: the smallest ordinary program that says hello. */
#include <unistd.h>

int main(void) { return write(STDOUT_FILENO, "hello world\n", 12) == 12 ? 0 : 1; }
