// What the thread sanitizer is told: which threads meet where. Nothing else orders memory accesses, neither the
// order in which the scheduler happens to run threads and blocks, nor shuffles.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef WITH_THREAD
#include <sanitizer/tsan_interface.h>
extern "C" void __tsan_java_init(unsigned long begin, unsigned long size);
extern "C" void __tsan_java_alloc(unsigned long begin, unsigned long size);
extern "C" void __tsan_java_free(unsigned long begin, unsigned long size);
#endif

namespace races {

#ifdef WITH_THREAD
// Two addresses a thread stand for what it offers to a meeting and what it grants as the last to arrive at one.
// They are never reused: an earlier block's would order what must not be ordered.
static char* marks;
static char grid_end;

inline void new_block(const unsigned thread_count) { marks = new char[16 * size_t(thread_count)]; }
inline void offer(const unsigned thread) { __tsan_release(marks + 16 * thread); }
inline void collect(const unsigned thread) { __tsan_acquire(marks + 16 * thread); }
inline void grant(const unsigned thread) { __tsan_release(marks + 16 * thread + 8); }
inline void accept(const unsigned thread) { __tsan_acquire(marks + 16 * thread + 8); }
inline void leave_grid() { __tsan_release(&grid_end); }
inline void join_grid() { __tsan_acquire(&grid_end); }

// Shared memory is new to each block: forget who accessed it before.
inline void forget(const volatile void* begin, const volatile void* end)
{
    static bool known = false;
    const uintptr_t first = reinterpret_cast<uintptr_t>(begin) & ~uintptr_t(7);
    const size_t size = (reinterpret_cast<uintptr_t>(end) - first + 7) & ~size_t(7);
    if (known) __tsan_java_free(first, size);
    else __tsan_java_init(first, size);
    known = true;
    __tsan_java_alloc(first, size);
}
#else
inline void new_block(unsigned) {}
inline void offer(unsigned) {}
inline void collect(unsigned) {}
inline void grant(unsigned) {}
inline void accept(unsigned) {}
inline void leave_grid() {}
inline void join_grid() {}
inline void forget(const volatile void*, const volatile void*) {}
#endif

}  // namespace races
