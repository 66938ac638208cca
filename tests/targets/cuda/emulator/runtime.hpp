// What compiled kernels see of the machine that runs them: where they are, and how they meet.
#pragma once

#include <stdint.h>

struct uint3 { unsigned x, y, z; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace cuda_on_cpu {

enum class Order : uint32_t { forward, reverse, shuffled };

// The layout is known to emulator.py.
struct Launch {
    uint32_t grid[3], block[3];
    Order order;
    uint32_t seed;
};

// Where the running thread is.
struct Position {
    uint3 thread, block;
    dim3 block_shape, grid_shape;
};
extern Position now;
uint3 thread_index();
uint3 block_index();
dim3 block_shape();
dim3 grid_shape();

enum class Operation { syncthreads, syncwarp, shfl, shfl_up, shfl_down, shfl_xor };

// One call of an operation in the text of a kernel.
struct Site {
    Operation operation;
    int line, number;
};
inline bool operator==(const Site& a, const Site& b) { return a.number == b.number; }

void barrier(Site site);
void warp_barrier(Site site, unsigned mask = 0xffffffffu);
// The value of the source lane that `operand` names; poison where that lane is not in the mask.
uint64_t shuffle(Site site, unsigned mask, uint64_t bits, unsigned operand, int width);

// Blocks of a grid in the launch's order: next_block() moves on, poisons shared memory and orders the block's threads.
void begin(const Launch& launch);
bool next_block();
extern const uint3* threads;
extern unsigned thread_count;

struct NotInAFiber {};

// A kernel with neither barriers nor shuffles: its threads in a plain loop.
template <class Kernel> inline const char* run_loop(const Launch& launch, const Kernel kernel)
{
    begin(launch);
    try {
        while (next_block())
            for (unsigned k = 0; k < thread_count; ++k) {
                now.thread = threads[k];
                kernel();
            }
    } catch (const NotInAFiber&) {
        return "meets other threads, but was taken for a kernel that does not";
    }
    return nullptr;
}

// Any kernel: each thread a fiber that runs until it waits. Returns what went wrong, or null.
const char* run_fibers(const Launch& launch, void (*kernel)(void**), void** arguments);

using Entry = const char* (*)(const Launch&, void** arguments);

}  // namespace cuda_on_cpu
