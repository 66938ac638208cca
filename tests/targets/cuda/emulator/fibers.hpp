// Fibers: one stack each, switched by hand, with the sanitizers told of every switch.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef WITH_ADDRESS
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_THREAD
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__) && !defined(FIBERS_BY_UCONTEXT)
// ucontext asks the kernel to swap signal masks at every switch, which costs ten times the rest.
extern "C" __attribute__((visibility("hidden"))) void cuda_on_cpu_switch(void** from, void* to);
asm(R"(
    .text
    .globl cuda_on_cpu_switch
    .hidden cuda_on_cpu_switch
    .type cuda_on_cpu_switch, @function
cuda_on_cpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuda_on_cpu_switch, .-cuda_on_cpu_switch
)");

struct Context {
    void* stack_pointer = nullptr;

    void prepare(char* stack, size_t size, void (*entry)())
    {
        void** top = reinterpret_cast<void**>(stack + size);
        top[-1] = nullptr;  // where entry would return to
        top[-2] = reinterpret_cast<void*>(entry);
        for (int k = 3; k <= 8; ++k) top[-k] = nullptr;  // the six registers
        stack_pointer = top - 8;
    }
    static void swap(Context& from, Context& to) { cuda_on_cpu_switch(&from.stack_pointer, to.stack_pointer); }
};
#else
#include <ucontext.h>
struct Context {
    ucontext_t machine;

    void prepare(char* stack, size_t size, void (*entry)())
    {
        getcontext(&machine);
        machine.uc_stack.ss_sp = stack;
        machine.uc_stack.ss_size = size;
        machine.uc_link = nullptr;
        makecontext(&machine, entry, 0);
    }
    static void swap(Context& from, Context& to) { swapcontext(&from.machine, &to.machine); }
};
#endif

struct Fiber {
    static constexpr size_t stack_size = 1 << 17;
    Context context;
    char* stack = nullptr;
    void* fake_stack = nullptr;      // of the address sanitizer
    void* sanitizer_fiber = nullptr;  // of the thread sanitizer
};

// The scheduler's own stack, from which fibers are resumed and to which they return.
struct Scheduler {
    Context context;
    void* fake_stack = nullptr;
    const void* stack = nullptr;
    size_t stack_size = 0;
    void* sanitizer_fiber = nullptr;
} static scheduler;

// A stack whose lowest page can't be touched, so that an overflow stops the run.
static char* new_stack()
{
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* memory = mmap(nullptr, page + Fiber::stack_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) __builtin_trap();
    char* stack = static_cast<char*>(memory) + page;
    if (mprotect(stack, Fiber::stack_size, PROT_READ | PROT_WRITE) != 0) __builtin_trap();
    return stack;
}

static void give_back(Fiber& fiber)
{
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (fiber.stack) munmap(fiber.stack - page, page + Fiber::stack_size);
    fiber.stack = nullptr;
}

// `entry` starts with entered() and ends with suspend(fiber, true).
static void prepare(Fiber& fiber, void (*entry)())
{
    if (!fiber.stack) fiber.stack = new_stack();
    fiber.context.prepare(fiber.stack, Fiber::stack_size, entry);
    fiber.fake_stack = nullptr;
#ifdef WITH_THREAD
    scheduler.sanitizer_fiber = __tsan_get_current_fiber();
    fiber.sanitizer_fiber = __tsan_create_fiber(0);
#endif
}

// The sanitizer takes a new fiber that gets the number of an old one for the same thread, and sees no race between
// them: so the numbers of the last few blocks are not given back yet.
static void release(Fiber& fiber)
{
#ifdef WITH_THREAD
    static void* kept[512];
    static size_t oldest = 0;
    if (kept[oldest]) __tsan_destroy_fiber(kept[oldest]);
    kept[oldest] = fiber.sanitizer_fiber;
    oldest = (oldest + 1) % 512;
#endif
    (void)fiber;
}

static void entered(Fiber& fiber)
{
#ifdef WITH_ADDRESS
    __sanitizer_finish_switch_fiber(fiber.fake_stack, &scheduler.stack, &scheduler.stack_size);
#endif
    (void)fiber;
}

// From the scheduler into a fiber, until it suspends itself.
static void resume(Fiber& fiber)
{
#ifdef WITH_ADDRESS
    __sanitizer_start_switch_fiber(&scheduler.fake_stack, fiber.stack, Fiber::stack_size);
#endif
#ifdef WITH_THREAD
    __tsan_switch_to_fiber(fiber.sanitizer_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    Context::swap(scheduler.context, fiber.context);
#ifdef WITH_ADDRESS
    __sanitizer_finish_switch_fiber(scheduler.fake_stack, nullptr, nullptr);
#endif
}

// From a fiber back into the scheduler; a switch orders no memory accesses, only barriers do.
static void suspend(Fiber& fiber, const bool forever)
{
#ifdef WITH_ADDRESS
    __sanitizer_start_switch_fiber(forever ? nullptr : &fiber.fake_stack, scheduler.stack, scheduler.stack_size);
#endif
#ifdef WITH_THREAD
    __tsan_switch_to_fiber(scheduler.sanitizer_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    (void)forever;
    Context::swap(fiber.context, scheduler.context);
    entered(fiber);
}
