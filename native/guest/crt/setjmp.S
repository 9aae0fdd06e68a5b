/* int setjmp(jmp_buf) and void longjmp(jmp_buf, int). The buffer, in 8-byte words: rbx, rbp, rsp,
 * r12, r13, r14, return address. r15 never changes, r11 is scratch, r10 and below die in calls. */
	.text
	.globl	setjmp, _setjmp
	.type	setjmp, @function
	.type	_setjmp, @function
setjmp:
_setjmp:
	popq	%rdx
	movq	%rbx, (%edi)
	movq	%rbp, 8(%edi)
	movq	%rsp, 16(%edi)
	movq	%r12, 24(%edi)
	movq	%r13, 32(%edi)
	movq	%r14, 40(%edi)
	movq	%rdx, 48(%edi)
	xorl	%eax, %eax
	pushq	%rdx
	ret
	.size	setjmp, .-setjmp

	.globl	longjmp, _longjmp
	.type	longjmp, @function
	.type	_longjmp, @function
longjmp:
_longjmp:
	movl	%esi, %eax
	testl	%eax, %eax
	jne	1f
	incl	%eax
1:	movq	(%edi), %rbx
	movq	24(%edi), %r12
	movq	32(%edi), %r13
	movq	40(%edi), %r14
	movl	48(%edi), %edx
	movl	8(%edi), %ebp
	movl	16(%edi), %esp
	jmp	*%rdx
	.size	longjmp, .-longjmp
	.section .note.GNU-stack,"",@progbits
