# The probe guest: a boot sector that takes a vCPU through real, protected and long mode with paging, does a little work in memory,
# writes what it computed to isa-debugcon (port 0xe9) and leaves through isa-debug-exit (port 0xf4).
#
# Each step is one that a vCPU can fail at while /dev/kvm looks healthy: segment loads in real mode are emulated on some hosts, paging
# needs nested page tables, the loop needs the guest to be scheduled. The answer is computed, so no half-working guest can print it by luck.
#
# Rebuild: as --64 -o probe.o probe.S && objcopy -O binary -j .text probe.o probe.bin
# The bytes are committed in ProbePayload.swift; a test assembles this file and compares.

        .text
        .globl  _start
        .set    ORIGIN, 0x7c00
        .set    TABLES, 0x10000         # page tables: 3 pages
        .set    WINDOW, 0x200000        # 2 MiB of memory to work in
        .set    STEPS, 0x40000

        .code16
_start:
        cli
        cld
        ljmp    $0, $(ORIGIN + real - _start)
real:
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $ORIGIN, %sp
        inb     $0x92, %al              # A20 on, without the reset bit
        orb     $2, %al
        andb    $0xfe, %al
        outb    %al, $0x92

        movw    $(TABLES >> 4), %ax
        movw    %ax, %es
        xorw    %di, %di
        xorl    %eax, %eax
        movw    $(3 * 4096 / 4), %cx
        rep stosl
        movl    $(TABLES + 0x1003), %es:0x0000
        movl    $(TABLES + 0x2003), %es:0x1000
        movw    $0x2000, %di            # 512 pages of 2 MiB, identity mapped
        movl    $0x83, %eax
        movw    $512, %cx
1:      movl    %eax, %es:(%di)
        addl    $0x200000, %eax
        addw    $8, %di
        loop    1b

        lgdt    (ORIGIN + descriptors_pointer - _start)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $0x08, $(ORIGIN + protected - _start)

        .code32
protected:
        movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    %cr4, %eax
        orl     $0x20, %eax             # physical address extension
        movl    %eax, %cr4
        movl    $TABLES, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       # EFER: long mode enable
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        ljmp    $0x18, $(ORIGIN + long - _start)

        .code64
long:
        movl    $WINDOW, %edi
        xorl    %eax, %eax
        movl    $(0x200000 / 8), %ecx
        rep stosq

        movabsq $6364136223846793005, %r8       # Knuth's MMIX linear congruential generator
        movabsq $1442695040888963407, %r9
        xorl    %ebx, %ebx              # sum
        movl    $1, %eax                # state
        movl    $STEPS, %ecx
2:      imulq   %r8, %rax
        addq    %r9, %rax
        movq    %rax, %rdi
        shrq    $43, %rdi
        andl    $0x1ffff8, %edi
        xorq    %rax, WINDOW(%rdi)
        addq    WINDOW(%rdi), %rbx
        decl    %ecx
        jnz     2b

        movl    $(ORIGIN + greeting - _start), %esi
3:      lodsb
        testb   %al, %al
        jz      4f
        outb    %al, $0xe9
        jmp     3b
4:      movl    $16, %ecx               # the sum as 16 hexadecimal digits
5:      rolq    $4, %rbx
        movb    %bl, %al
        andb    $15, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     6f
        addb    $('a' - '9' - 1), %al
6:      outb    %al, $0xe9
        decl    %ecx
        jnz     5b
        movb    $'\n', %al
        outb    %al, $0xe9
        movl    $0x2a, %eax             # QEMU exits with (0x2a << 1) | 1
        outl    %eax, $0xf4
7:      hlt
        jmp     7b

greeting:
        .asciz  "vmlab-probe "
        .balign 8
descriptors:
        .quad   0
        .quad   0x00cf9a000000ffff      # 0x08: 32-bit code
        .quad   0x00cf92000000ffff      # 0x10: data
        .quad   0x00af9a000000ffff      # 0x18: 64-bit code
descriptors_pointer:
        .word   . - descriptors - 1
        .long   ORIGIN + descriptors - _start

        .org    510
        .word   0xaa55
