// CUDA C as C++17: the keywords, types, built-in variables, shuffles, barriers and functions that emitted kernels use.
// A kernel file is compiled unchanged behind this header; whatever is missing here fails to compile, which is intended.
#pragma once

#include <math.h>
#include <stdint.h>

#include "runtime.hpp"

// NVRTC has none of these.
#undef INFINITY
#undef NAN
#undef HUGE_VAL
#undef HUGE_VALF
#undef M_PI

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// One copy a block: blocks run one after the other, and the runtime poisons the section at the start of each.
#define __shared__ static __attribute__((section("cuda_shared")))

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

#ifdef __SANITIZE_THREAD__
// Read by code that the sanitizer does not see: to it, the scheduler's writes would race with the kernel's reads.
#define threadIdx (cuda_on_cpu::thread_index())
#define blockIdx (cuda_on_cpu::block_index())
#define blockDim (cuda_on_cpu::block_shape())
#define gridDim (cuda_on_cpu::grid_shape())
#else
#define threadIdx (static_cast<const uint3&>(cuda_on_cpu::now.thread))
#define blockIdx (static_cast<const uint3&>(cuda_on_cpu::now.block))
#define blockDim (static_cast<const dim3&>(cuda_on_cpu::now.block_shape))
#define gridDim (static_cast<const dim3&>(cuda_on_cpu::now.grid_shape))
#endif
static const int warpSize = 32;

namespace cuda_on_cpu {

template <class T> T shuffled(const Site site, const unsigned mask, const T value, const unsigned operand, const int width = 32)
{
    static_assert((sizeof(T) == 4 || sizeof(T) == 8) && !__is_class(T), "shuffles move numbers of 4 or 8 bytes");
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    bits = shuffle(site, mask, bits, operand, width);
    T result;
    __builtin_memcpy(&result, &bits, sizeof(T));
    return result;
}

}  // namespace cuda_on_cpu

// Macros, so that every call in the text is a place of its own: threads that wait in different places have diverged.
#define CUDA_ON_CPU_SITE(operation) (cuda_on_cpu::Site{cuda_on_cpu::Operation::operation, __LINE__, __COUNTER__})
#define __syncthreads() cuda_on_cpu::barrier(CUDA_ON_CPU_SITE(syncthreads))
#define __syncwarp(...) cuda_on_cpu::warp_barrier(CUDA_ON_CPU_SITE(syncwarp) __VA_OPT__(,) __VA_ARGS__)
#define __shfl_sync(...) cuda_on_cpu::shuffled(CUDA_ON_CPU_SITE(shfl), __VA_ARGS__)
#define __shfl_up_sync(...) cuda_on_cpu::shuffled(CUDA_ON_CPU_SITE(shfl_up), __VA_ARGS__)
#define __shfl_down_sync(...) cuda_on_cpu::shuffled(CUDA_ON_CPU_SITE(shfl_down), __VA_ARGS__)
#define __shfl_xor_sync(...) cuda_on_cpu::shuffled(CUDA_ON_CPU_SITE(shfl_xor), __VA_ARGS__)

template <class T> inline T __ldg(const T* address) { return *address; }

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline long long min(long long a, long long b) { return a < b ? a : b; }
inline long long max(long long a, long long b) { return a > b ? a : b; }

inline double rsqrt(double u) { return 1.0 / sqrt(u); }
inline float rsqrtf(float u) { return static_cast<float>(1.0 / sqrt(static_cast<double>(u))); }

// exp(u²) erfc(u): as such in long double while erfc is in its range, the continued fraction beyond.
inline double erfcx(double u)
{
    const long double x = u;
    if (x < 25.0L) return static_cast<double>(expl(x * x) * erfcl(x));
    long double denominator = x;
    for (int k = 16; k > 0; --k) denominator = x + 0.5L * k / denominator;
    return static_cast<double>(0.56418958354775628694807945156077258584L / denominator);
}
inline float erfcxf(float u) { return static_cast<float>(erfcx(static_cast<double>(u))); }
