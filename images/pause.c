/* The program of a pod that only asks for room: waits until it is told to end, without a C library. */

/* The first process of a container gets no signal that it neither handles nor blocks. So all are blocked and taken up
 * one by one, which needs no handler: SIGTERM and SIGINT end it at once, any other only wakes it to collect children
 * that others left behind. */

enum { SIGNAL_INT = 2, SIGNAL_TERM = 15, BLOCK = 0, NO_HANG = 1, SIGNALS_BYTES = 8 };

#if defined(__x86_64__)
enum { CALL_MASK = 14, CALL_WAIT_SIGNAL = 128, CALL_WAIT_CHILD = 61, CALL_EXIT = 231 };

static long call(long number, long a, long b, long c, long d)
{
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { CALL_MASK = 135, CALL_WAIT_SIGNAL = 137, CALL_WAIT_CHILD = 260, CALL_EXIT = 94 };

static long call(long number, long a, long b, long c, long d)
{
    register long which __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(first) : "r"(which), "r"(second), "r"(third), "r"(fourth) : "memory");
    return first;
}
#else
#error "pause.c knows the system calls of x86-64 and of 64-bit ARM"
#endif

void _start(void)
{
    unsigned long all = ~0UL;
    call(CALL_MASK, BLOCK, (long)&all, 0, SIGNALS_BYTES);
    for (;;) {
        long taken = call(CALL_WAIT_SIGNAL, (long)&all, 0, 0, SIGNALS_BYTES);
        if (taken == SIGNAL_INT || taken == SIGNAL_TERM)
            call(CALL_EXIT, 0, 0, 0, 0);
        while (call(CALL_WAIT_CHILD, -1, 0, NO_HANG, 0) > 0)
            ;
    }
}
