/* Train an independent component analysis from C, without Python:

       smgen build generated/ica/net.py --backend c --standalone -o examples/standalone
       cc -O2 -march=native -fno-math-errno -fno-trapping-math -fopenmp-simd -pthread examples/standalone/main.c examples/standalone/net_c.c -lm -o ica
       ./ica

   With a BLAS, add -DWITH_CBLAS and its library (-lopenblas); without one, products are loops. */
#include "net_c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 512, INPUTS = 144, FILTERS = 288, STEPS = 20 };

#ifdef WITH_CBLAS
void cblas_sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
#endif

/* A number between -1 and 1, the same sequence everywhere. */
static float uniform(void)
{
    static unsigned long long state = 1;
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (float)(state >> 40) / (float)(1 << 23) - 1;
}

int main(void)
{
    static float weights[FILTERS * INPUTS], gradient[FILTERS * INPUTS], x[SAMPLES * INPUTS];
    const float *params[1];
    float *outputs[1] = {gradient};
    params[ICA_FILTERS_WEIGHT] = weights;
    for (int k = 0; k < FILTERS * INPUTS; k++)
        weights[k] = uniform() / 12;
    for (int k = 0; k < SAMPLES * INPUTS; k++)
        x[k] = uniform() + uniform() * uniform();
#ifdef WITH_CBLAS
    ica_use_gemm(cblas_sgemm);
#endif
    if (!ica_is_finite(x, SAMPLES * INPUTS))
        return 1;

    const size_t size = (size_t)ica_loss_and_grad_lam0_memory(SAMPLES, 0);
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (memory == NULL)
        return 1;
    double first = 0, J = 0;
    for (int step = 0; step < STEPS; step++) {
        ica_loss_and_grad_lam0(params, x, SAMPLES, 0, &J, outputs, memory, 0);
        if (step == 0)
            first = J;
        for (int k = 0; k < FILTERS * INPUTS; k++)
            weights[k] -= 0.02f * gradient[k];
    }
    free(memory);
    printf("J fell from %.3f to %.3f in %d steps\n", first, J, STEPS);
    return J < first && isfinite(J) ? 0 : 1;
}
