// How threads of a block meet: barriers, and shuffles and barriers of a warp.
#pragma once

#include "block.hpp"

namespace cuda_on_cpu {

static Thread& arrive(const Site site, const unsigned mask, const uint64_t bits)
{
    if (!running) throw NotInAFiber();
    running->state = State::waiting;
    running->site = site;
    running->mask = mask;
    running->bits = bits;
    return *running;
}

void barrier(const Site site)
{
    Thread& self = arrive(site, 0, 0);
    races::offer(linear(self));
    bool all = ++arrivals >= thread_count;
    if (all)
        for (const Thread& t : block_threads) all = all && met(self, t);
    if (all) {
        arrivals = 0;
        for (const Thread& t : block_threads) races::collect(linear(t));
        races::grant(linear(self));
        for (Thread& t : block_threads) t.state = State::ready, t.granted_by = linear(self);
    }
    suspend(self.fiber, false);
    races::accept(self.granted_by);
}

static unsigned source_lane(const Operation operation, const unsigned lane, const unsigned operand, const unsigned width)
{
    const unsigned first = lane & ~(width - 1), last = first + width - 1;
    switch (operation) {
    case Operation::shfl: return first + (operand & (width - 1));
    case Operation::shfl_up: return operand <= lane - first ? lane - operand : lane;
    case Operation::shfl_down: return operand <= last - lane ? lane + operand : lane;
    case Operation::shfl_xor: return (lane ^ operand) <= last ? lane ^ operand : lane;
    default: return lane;
    }
}

// Waits until every lane of the mask is here; the last to arrive exchanges the values and lets all of them go.
static Thread& meet(const Site site, const unsigned mask, const uint64_t bits, const unsigned operand, const int width)
{
    Thread& self = arrive(site, mask, bits);
    const unsigned lane = linear(self) % 32;
    if (!named(mask, lane)) refuse("is called by a lane that its mask does not name");
    if (width < 1 || width > 32 || (width & (width - 1)) != 0) refuse("has a width that is no power of two up to 32");
    self.source = source_lane(site.operation, lane, operand, unsigned(width));
    Thread* const warp = &self - lane;
    const unsigned lanes = thread_count - linear(*warp), wanted = unsigned(__builtin_popcount(mask));
    unsigned& here = warp_arrivals[linear(self) / 32];
    bool all = ++here >= wanted;  // a quick no most of the time
    for (unsigned k = 0; all && k < 32; ++k) all = !named(mask, k) || (k < lanes && met(self, warp[k]));
    if (!all) {
        suspend(self.fiber, false);
        return self;
    }
    here -= wanted;
    uint64_t offered[32];
    for (unsigned k = 0; k < 32 && k < lanes; ++k) offered[k] = warp[k].bits;
    for (unsigned k = 0; k < 32; ++k)
        if (named(mask, k)) {
            Thread& t = warp[k];
            t.bits = named(mask, t.source) ? offered[t.source] : ~uint64_t(0);
            t.state = State::ready;
            t.granted_by = linear(self);
        }
    return self;
}

uint64_t shuffle(const Site site, const unsigned mask, const uint64_t bits, const unsigned operand, const int width)
{
    return meet(site, mask, bits, operand, width).bits;
}

// Shuffles exchange values; this also orders memory.
void warp_barrier(const Site site, const unsigned mask)
{
    if (running) races::offer(linear(*running));
    Thread& self = meet(site, mask, 0, 0, 32);
    const unsigned warp = linear(self) / 32 * 32;
    if (self.granted_by == linear(self)) {
        for (unsigned k = 0; k < 32; ++k)
            if (named(mask, k)) races::collect(warp + k);
        races::grant(linear(self));
    }
    races::accept(self.granted_by);
}

}  // namespace cuda_on_cpu
