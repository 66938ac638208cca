// Runs a grid: blocks one after the other, their threads as fibers that meet at barriers and shuffles.
// Compiled without sanitizers, so that they see the kernel's accesses and none of the scheduler's.
#include "runtime.hpp"

#include <stddef.h>

#include <vector>

#include "meetings.hpp"

// All __shared__ variables lie between these; absent where a kernel file has none.
extern "C" __attribute__((weak, visibility("hidden"))) volatile unsigned char __start_cuda_shared[], __stop_cuda_shared[];

namespace cuda_on_cpu {

Position now;
const uint3* threads;
unsigned thread_count;
uint3 thread_index() { return now.thread; }
uint3 block_index() { return now.block; }
dim3 block_shape() { return now.block_shape; }
dim3 grid_shape() { return now.grid_shape; }

static Launch current;
static void (*kernel_function)(void**);
static void** kernel_arguments;
static std::vector<unsigned> block_order, thread_order;
static std::vector<uint3> ordered_threads;
static size_t block_position;

static uint3 unravel(const unsigned linear, const uint32_t* shape)
{
    return {linear % shape[0], linear / shape[0] % shape[1], linear / shape[0] / shape[1]};
}

// splitmix64
static uint64_t random_bits(uint64_t& state)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void arrange(std::vector<unsigned>& order, const size_t count, const uint64_t stream)
{
    order.resize(count);
    for (size_t k = 0; k < count; ++k) order[k] = unsigned(current.order == Order::reverse ? count - 1 - k : k);
    if (current.order != Order::shuffled) return;
    uint64_t state = uint64_t(current.seed) << 32 ^ stream;
    for (size_t k = count; k > 1; --k) {
        const size_t other = random_bits(state) % k;
        const unsigned kept = order[k - 1];
        order[k - 1] = order[other];
        order[other] = kept;
    }
}

void begin(const Launch& launch)
{
    current = launch;
    now.grid_shape = dim3(launch.grid[0], launch.grid[1], launch.grid[2]);
    now.block_shape = dim3(launch.block[0], launch.block[1], launch.block[2]);
    thread_count = launch.block[0] * launch.block[1] * launch.block[2];
    arrange(block_order, size_t(launch.grid[0]) * launch.grid[1] * launch.grid[2], 0);
    ordered_threads.resize(thread_count);
    block_position = 0;
    error[0] = 0;
}

bool next_block()
{
    if (block_position == block_order.size()) return false;
    now.block = unravel(block_order[block_position++], current.grid);
    if (block_position == 1 || current.order == Order::shuffled) {
        arrange(thread_order, thread_count, block_position);
        for (unsigned k = 0; k < thread_count; ++k) ordered_threads[k] = unravel(thread_order[k], current.block);
        threads = ordered_threads.data();
    }
    if (__start_cuda_shared) {
        for (volatile unsigned char* p = __start_cuda_shared; p != __stop_cuda_shared; ++p) *p = 0xff;
        races::forget(__start_cuda_shared, __stop_cuda_shared);
    }
    return true;
}

static void enter_kernel()
{
    Thread& self = *running;
    entered(self.fiber);
    kernel_function(kernel_arguments);
    races::leave_grid();
    self.state = State::exited;
    suspend(self.fiber, true);
}

// Each thread of a part of the order once, if it can go on; whether any could.
static bool run_some(const size_t begin, const size_t end)
{
    bool progress = false;
    for (size_t k = begin; k < end && !error[0]; ++k) {
        running = &pool[thread_order[k]];
        if (running->state != State::ready) continue;
        progress = true;
        now.thread = running->index;
        resume(running->fiber);
    }
    return progress && !error[0];
}

// Forward and reverse, a warp runs as far as it can before the next; shuffled, the threads of all warps take turns.
static void run_block()
{
    arrivals = 0;
    for (unsigned& lanes : warp_arrivals) lanes = 0;
    races::new_block(thread_count);
    for (Thread& t : block_threads) {
        t.state = State::ready;
        t.index = unravel(linear(t), current.block);
        prepare(t.fiber, enter_kernel);
    }
    bool progress = true;
    while (progress) {
        progress = false;
        for (size_t begin = 0, end; begin < thread_count; begin = end) {
            end = begin + 1;
            while (end < thread_count && (current.order == Order::shuffled || thread_order[end] / 32 == thread_order[begin] / 32))
                ++end;
            while (run_some(begin, end)) progress = true;
        }
    }
    if (error[0]) return;
    for (const Thread& t : block_threads)
        if (t.state != State::exited) return explain();
    for (Thread& t : block_threads) release(t.fiber);
}

const char* run_fibers(const Launch& launch, void (*kernel)(void**), void** arguments)
{
    begin(launch);
    kernel_function = kernel;
    kernel_arguments = arguments;
    while (!error[0] && next_block()) run_block();
    running = nullptr;
    races::join_grid();
    return error[0] ? error : nullptr;
}

// A process has few maps to give, and every kernel file has stacks of its own.
extern "C" __attribute__((visibility("default"))) void cuda_on_cpu_give_back()
{
    for (Thread& thread : pool) give_back(thread.fiber);
}

}  // namespace cuda_on_cpu
