// The block that is running: its threads, and what went wrong in it.
#pragma once

#include <stdio.h>

#include "fibers.hpp"
#include "races.hpp"
#include "runtime.hpp"

namespace cuda_on_cpu {

static const char* const operation_names[] = {
    "__syncthreads", "__syncwarp", "__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};

enum class State { ready, waiting, exited };

struct Thread {
    Fiber fiber;
    uint3 index;
    State state;
    Site site;
    unsigned mask;  // of those it waits for, in its warp
    uint64_t bits;  // what it offers, then what it gets
    unsigned source;
    unsigned granted_by;
};

static Thread pool[1024];  // by linear index; warps are 32 in a row
static struct {
    Thread* begin() const { return pool; }
    Thread* end() const { return pool + thread_count; }
} const block_threads;
static Thread* running;             // null outside of fibers
static unsigned arrivals;           // at the block's barrier
static unsigned warp_arrivals[32];  // in each warp, at whatever its lanes wait for
static char error[512];

static unsigned linear(const Thread& t) { return unsigned(&t - pool); }

// Whether `other` is at the place, and with the same mask, where `self` waits.
static bool met(const Thread& self, const Thread& other)
{
    return other.state == State::waiting && other.site == self.site && other.mask == self.mask;
}

static bool named(const unsigned mask, const unsigned lane) { return mask >> lane & 1; }

static int describe(char* text, const size_t size, const Thread& t)
{
    const char* name = operation_names[int(t.site.operation)];
    if (t.state == State::exited) return snprintf(text, size, "has exited");
    if (t.site.operation == Operation::syncthreads) return snprintf(text, size, "waits at %s in line %d", name, t.site.line);
    return snprintf(text, size, "waits at %s in line %d with mask 0x%08x", name, t.site.line, t.mask);
}

// Records what is wrong with the running thread's call. The grid ends, and the thread never goes on.
static void refuse(const char* what)
{
    const Thread& t = *running;
    snprintf(error, sizeof error, "block (%u, %u, %u): thread (%u, %u, %u) in line %d: %s %s", now.block.x, now.block.y,
             now.block.z, t.index.x, t.index.y, t.index.z, t.site.line, operation_names[int(t.site.operation)], what);
    suspend(running->fiber, true);
}

// Nobody can go on: name a thread that waits, in a warp if there is one, and the first that it waits for in vain.
static void explain()
{
    const Thread* waiting = nullptr;
    for (const Thread& t : block_threads)
        if (t.state == State::waiting && (!waiting || waiting->mask < t.mask)) waiting = &t;
    const bool in_warp = waiting->site.operation != Operation::syncthreads;
    const unsigned first = in_warp ? linear(*waiting) / 32 * 32 : 0, end = in_warp ? first + 32 : thread_count;
    unsigned missing = first;
    while (missing < end && ((in_warp && !named(waiting->mask, missing - first)) ||
                             (missing < thread_count && met(*waiting, pool[missing]))))
        ++missing;
    const uint3 w = waiting->index, m = pool[missing % 1024].index;
    char waits[128], instead[128];
    describe(waits, sizeof waits, *waiting);
    if (missing < thread_count)
        describe(instead, sizeof instead, pool[missing]);
    else
        snprintf(instead, sizeof instead, "the block does not have");
    snprintf(error, sizeof error, "block (%u, %u, %u): thread (%u, %u, %u) %s for thread (%u, %u, %u), which %s",
             now.block.x, now.block.y, now.block.z, w.x, w.y, w.z, waits, m.x, m.y, m.z, instead);
}

}  // namespace cuda_on_cpu
