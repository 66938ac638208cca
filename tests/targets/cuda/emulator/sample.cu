// Sample in the style the CUDA backend will emit (float32 module of an ICA network, 288 filters of 144 inputs).
// Machine functions that C++ has no exact counterpart for:
static __device__ __forceinline__ float maximum(const float a, const float b) { return a > b || a != a ? a : b; }
static __device__ __forceinline__ float signum(const float u) { return u > 0.0f ? 1.0f : u < 0.0f ? -1.0f : u; }

// One block's sum of `value`, in float64, valid in thread (0, 0): shuffles inside warps, shared memory between them.
static __device__ double block_sum(double value)
{
    __shared__ double warp_sums[32];
    const int thread = threadIdx.y * blockDim.x + threadIdx.x;
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    __syncthreads();
    if (thread % 32 == 0) warp_sums[thread / 32] = value;
    __syncthreads();
    value = thread < blockDim.x * blockDim.y / 32 ? warp_sums[thread] : 0.0;
    if (thread < 32)
        for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    return value;
}

static __device__ __forceinline__ void forward_experts_at(const float g_filters, float& tanh_experts, float& f_second_experts)
{
    // tanh_experts = tanh(g_filters)
    tanh_experts = tanhf(g_filters);
    // f″(g_filters) = 1 - tanh_experts^2
    f_second_experts = 1.0f - tanh_experts * tanh_experts;
}

// forward_experts, one value a thread; block (bx, by), grid (ceil(288 / bx), ≤ limit), rows by a grid-stride loop
extern "C" __global__ void forward_experts(
    const float* __restrict__ g_filters, float* __restrict__ tanh_experts, float* __restrict__ f_second_experts, const int N)
{
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= 288) return;
    for (int row = blockIdx.y * blockDim.y + threadIdx.y; row < N; row += gridDim.y * blockDim.y) {
        const long long i = (long long)row * 288 + column;
        float tanh_experts_i, f_second_experts_i;
        forward_experts_at(g_filters[i], tanh_experts_i, f_second_experts_i);
        tanh_experts[i] = tanh_experts_i;
        f_second_experts[i] = f_second_experts_i;
    }
}

// the same, four values a thread (all pointers aligned to 16 bytes, row length a multiple of 4); double modules use double2
extern "C" __global__ void forward_experts_x4(
    const float* __restrict__ g_filters, float* __restrict__ tanh_experts, float* __restrict__ f_second_experts, const int N)
{
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= 72) return;
    for (int row = blockIdx.y * blockDim.y + threadIdx.y; row < N; row += gridDim.y * blockDim.y) {
        const long long i = (long long)row * 72 + column;
        const float4 g_filters_i = reinterpret_cast<const float4*>(g_filters)[i];
        float4 tanh_experts_i, f_second_experts_i;
        forward_experts_at(g_filters_i.x, tanh_experts_i.x, f_second_experts_i.x);
        forward_experts_at(g_filters_i.y, tanh_experts_i.y, f_second_experts_i.y);
        forward_experts_at(g_filters_i.z, tanh_experts_i.z, f_second_experts_i.z);
        forward_experts_at(g_filters_i.w, tanh_experts_i.w, f_second_experts_i.w);
        reinterpret_cast<float4*>(tanh_experts)[i] = tanh_experts_i;
        reinterpret_cast<float4*>(f_second_experts)[i] = f_second_experts_i;
    }
}

static __device__ __forceinline__ void loss_x_at(
    const float delta_x, const float delta_prime_x, const float lam, float& dJ_ddelta_prime_x,
    double& sum_delta_squared, double& sum_delta_prime)
{
    sum_delta_squared += delta_x * delta_x;
    sum_delta_prime += delta_prime_x;
    dJ_ddelta_prime_x = 2.0f * lam * delta_prime_x - 1.0f;
}

// elementwise map that also sums in float64: each block leaves one partial sum per accumulator (no early return: all threads meet)
extern "C" __global__ void loss_x(
    const float* __restrict__ delta_x, const float* __restrict__ delta_prime_x, float* __restrict__ dJ_ddelta_prime_x,
    double* __restrict__ sum_delta_squared, double* __restrict__ sum_delta_prime, const float lam, const int N)
{
    double sum_delta_squared_i = 0.0, sum_delta_prime_i = 0.0;
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column < 144)
        for (int row = blockIdx.y * blockDim.y + threadIdx.y; row < N; row += gridDim.y * blockDim.y) {
            const long long i = (long long)row * 144 + column;
            float dJ_ddelta_prime_x_i;
            loss_x_at(delta_x[i], delta_prime_x[i], lam, dJ_ddelta_prime_x_i, sum_delta_squared_i, sum_delta_prime_i);
            dJ_ddelta_prime_x[i] = dJ_ddelta_prime_x_i;
        }
    sum_delta_squared_i = block_sum(sum_delta_squared_i);
    sum_delta_prime_i = block_sum(sum_delta_prime_i);
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        const int block = blockIdx.y * gridDim.x + blockIdx.x;
        sum_delta_squared[block] = sum_delta_squared_i;
        sum_delta_prime[block] = sum_delta_prime_i;
    }
}

// the partial sums of all blocks, and the scalars that follow from them; one block of (256, 1)
extern "C" __global__ void finish_loss(
    const double* __restrict__ sum_delta_squared, const int blocks_a, double* __restrict__ J, const double lam, const int N)
{
    double total = 0.0;
    for (int k = threadIdx.x; k < blocks_a; k += blockDim.x) total += sum_delta_squared[k];
    total = block_sum(total);
    if (threadIdx.x == 0) J[0] = 0.5 * total / N;
}

// Sums over rows. block (32, 8), grid (ceil(columns / 32), chunks): chunk c leaves its partial sums in row c of `out`.
extern "C" __global__ void column_sum(
    const float* __restrict__ src, float* __restrict__ out, const int rows, const int columns, const int stride)
{
    __shared__ float partial[8][33];
    const int column = blockIdx.x * 32 + threadIdx.x;
    float total = 0.0f;
    if (column < columns)
        for (int row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8)
            total += src[(long long)row * stride + column];
    partial[threadIdx.y][threadIdx.x] = total;
    __syncthreads();
    if (threadIdx.y == 0 && column < columns) {
        for (int k = 1; k < 8; ++k) total += partial[k][threadIdx.x];
        out[(long long)blockIdx.y * columns + column] = total;
    }
}

// Sums over columns: one warp a row. block (32, 8), grid (ceil(rows / 8) or fewer, 1)
extern "C" __global__ void row_sum(
    const float* __restrict__ src, float* __restrict__ out, const int rows, const int columns, const int stride)
{
    for (int row = blockIdx.x * 8 + threadIdx.y; row < rows; row += gridDim.x * 8) {
        float total = 0.0f;
        for (int column = threadIdx.x; column < columns; column += 32) total += src[(long long)row * stride + column];
        for (int offset = 16; offset > 0; offset /= 2) total += __shfl_down_sync(0xffffffffu, total, offset);
        if (threadIdx.x == 0) out[row] = total;
    }
}
