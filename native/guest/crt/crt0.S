/* void _start(void): first instruction of a nexe that uses the C library.
 * In: rsp near 4 GiB, 8 modulo 16. Out: never. Calls __zvm_start, which ends in the exit trap. */
	.text
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	/* Keeps live objects away from the 4 GiB edge: a pointer one past the end of one must not wrap. */
	subl	$0x10000, %esp
	andl	$-16, %esp
	call	__zvm_start
	hlt
	.size	_start, .-_start
	.section .note.GNU-stack,"",@progbits
