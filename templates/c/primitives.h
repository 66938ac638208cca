/* Functions of one number that a compiler can vectorise: no branch, table or call, choices one after the other, arguments
   reduced by adding large constants, polynomials in an order that leaves independent products. NaN in, NaN out; infinities,
   zeros with their signs and subnormal numbers as the C library has them.

   A section begins with a line  ---- name (needs: others) ----  and ends at the next. A generated file has those it calls.

   Compiled without -ffast-math, which would undo the sums that keep what rounding loses; multiply-adds may be fused or not.
   No choice depends on an earlier one between constants: gcc would follow each to its end and compute both. Polynomials are
   minimax in the error of the result. Errors are in units in the last place of the exact result, as tests/targets/c/ finds them. */

/* ---- bits32 ---- */
static inline uint32_t bits32(const float x)
{
    union {
        float number;
        uint32_t bits;
    } u = {x};
    return u.bits;
}

static inline float from_bits32(const uint32_t bits)
{
    union {
        uint32_t bits;
        float number;
    } u = {bits};
    return u.number;
}

/* x >= 0 with the sign of y. */
static inline float signed32(const float x, const float y)
{
    return from_bits32((bits32(x) & 0x7fffffff) | (bits32(y) & 0x80000000));
}

/* a + b x + c x^2 + d x^3, where y = x^2: two products at a time. */
static inline float cubic32(const float x, const float y, const float a, const float b, const float c, const float d)
{
    return (a + b * x) + y * (c + d * x);
}

/* ---- reduced32 (needs: bits32) ---- */
/* x = n ln 2 + r with |r| <= ln 2 / 2: n + 1.5 * 2^23, a sum that rounds x / ln 2 to the whole number n. */
static inline float rounded32(const float x) { return x * 1.442695f + 12582912.0f; }

/* exp(r) - 1 for r = x - n ln 2 - excess: r + r^2 p(r). */
static inline float near_one32(const float x, const float rounded, const float excess)
{
    const float n = rounded - 12582912.0f;
    const float r = ((x - n * 0.6933594f) - n * -0.00021219444f) - excess, r2 = r * r;
    float p = 0.001395143f + 0.00019846197f * r;
    p = cubic32(r, r2, 0.5f, 0.16666666f, 0.04166622f, 0.008333417f) + r2 * r2 * p;
    return r2 * p + r;
}

/* 2^(n + more), for a sum from -126 to 127. */
static inline float power32(const float rounded, const uint32_t more)
{
    return from_bits32((bits32(rounded) + more + 127) << 23);
}

/* ---- expf (needs: reduced32) ---- */
/* exp(x) = 2^n exp(r); 2^n in two factors, so that only the last product rounds where the result is subnormal.
   Error at most 1.1 ulp. */
static inline float simd_expf(const float x)
{
    float y = x < -104.0f ? -104.0f : x;
    y = x > 89.0f ? 89.0f : y;
    const float rounded = rounded32(y);
    const uint32_t extra = (0 - (bits32(x) >> 31)) & 25; /* for negative x */
    return (near_one32(y, rounded, 0) + 1) * power32(rounded, extra - 1) * from_bits32((128 - extra) << 23);
}

/* ---- expm1f (needs: reduced32) ---- */
/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), half of it first. Error at most 2.2 ulp. */
static inline float simd_expm1f(const float x)
{
    float y = x < -18.0f ? -18.0f : x;
    y = x > 89.0f ? 89.0f : y;
    const float rounded = rounded32(y);
    const float half = power32(rounded, -1u);
    const float value = 2 * (half * near_one32(y, rounded, 0) + (half - 0.5f));
    return fabsf(x) < 1e-30f ? x : value;
}

/* ---- below32 (needs: reduced32) ---- */
/* exp(x - excess) - 1 for x from -40 to 0. */
static inline float below32(const float x, const float excess)
{
    const float rounded = rounded32(x);
    const float scale = power32(rounded, 0);
    return scale * near_one32(x, rounded, excess) + (scale - 1);
}

/* ---- log32 (needs: bits32) ---- */
/* log(2^e (1 + f)) for f from -1/3 to 1/3: e ln 2 + f - f^2 / 2 + f^3 p(f). */
static inline float log32(const float e, const float f)
{
    const float f2 = f * f;
    float p = cubic32(f, f2, 0.14005938f, -0.12183723f, 0.13984218f, -0.1289376f);
    p = cubic32(f, f2, 0.33333215f, -0.24999796f, 0.200104f, -0.16680533f) + f2 * f2 * p;
    return e * 0.6933594f + (f + (f2 * (f * p - 0.5f) + e * -0.00021219444f));
}

/* ---- logf (needs: log32) ---- */
/* x = 2^e (1 + f). Error at most 1.0 ulp. */
static inline float simd_logf(const float x)
{
    const int subnormal = x < 1.17549435e-38f;
    const uint32_t bits = bits32(subnormal ? x * 0x1p25f : x) - 0x3f2aaaab;
    const float e = (float)((int32_t)bits >> 23) - (subnormal ? 25.0f : 0.0f);
    const float f = from_bits32((bits & 0x7fffff) + 0x3f2aaaab) - 1;
    float y = x < HUGE_VALF ? log32(e, f) : x;
    y = x > 0 ? y : NAN;
    return x == 0 ? -HUGE_VALF : y;
}

/* ---- log1pf (needs: log32) ---- */
/* 1 + x, with what its rounding loses, is 2^e (1 + f). Error at most 1.8 ulp. */
static inline float simd_log1pf(const float x)
{
    const float u = 1 + x, lost = x - (u - 1);
    const uint32_t bits = bits32(u) - 0x3f2aaaab;
    const float e = (float)((int32_t)bits >> 23);
    const float twice = from_bits32(0x40000000 - (bits & 0xff800000)); /* 2^(1 - e), 0 for e = 128 */
    const float f = (from_bits32((bits & 0x7fffff) + 0x3f2aaaab) - 1) + lost * (0.5f * twice);
    /* The sign is that of x anyway, but for -0. */
    const float y = from_bits32(bits32(log32(e, f)) | (bits32(x) & 0x80000000));
    float z = x < HUGE_VALF ? y : x;
    z = x > -1 ? z : NAN;
    return x == -1 ? -HUGE_VALF : z;
}

/* ---- tanhf (needs: below32) ---- */
/* tanh(a) = -d / (2 + d) with d = exp(-2 a) - 1. Error at most 2.8 ulp. */
static inline float simd_tanhf(const float x)
{
    const float a = fabsf(x);
    const float d = below32(-2 * (a > 10.0f ? 10.0f : a), 0);
    return signed32(d / (2 + d), x);
}

/* ---- erff (needs: below32) ---- */
/* erf(a) = 1 - exp(-a - a p(a)). Error at most 2.2 ulp. */
static inline float simd_erff(const float x)
{
    float a = fabsf(x);
    a = a > 4.0f ? 4.0f : a;
    const float a2 = a * a, a4 = a2 * a2;
    float p = -9.256224e-06f;
    p = cubic32(a, a2, -0.00016041247f, 0.001667041f, -0.00063284195f, 0.000117641874f) + a4 * p;
    p = cubic32(a, a2, 0.12837917f, 0.6366194f, 0.10277783f, -0.019153055f) + a4 * p;
    const float y = -(a + a * p);
    return signed32(below32(y, (y + a) + a * p), x);
}

/* ---- erfcxf (needs: reduced32) ---- */
/* erfcx(x) = exp(x^2) erfc(x). For a >= 0 it is (1 + v p(2 v - 1)) / (1 + 2 a) with v = a / (a + 3);
   erfcx(-a) = 2 exp(a^2) - erfcx(a), where a^2 is the sum of a number with half the bits, squared, and a small one.
   Error at most 2.9 ulp. */
static inline float simd_erfcxf(const float x)
{
    const float a = fabsf(x);
    const float v = a < HUGE_VALF ? a / (a + 3) : 1;
    const float t = 2 * v - 1, t2 = t * t, t4 = t2 * t2;
    float p = -0.001105897f + -0.00033603905f * t + 0.00015043521f * t2;
    p = cubic32(t, t2, 0.18429613f, -0.04765876f, 0.0001305642f, 0.0048573003f) + t4 * p;
    p = cubic32(t, t2, 0.50601614f, -0.7772582f, 0.68213385f, -0.42284635f) + t4 * p;
    const float y = (0.5f * (v * p) + 0.5f) / (a + 0.5f);
    const float b = a > 9.42f ? 9.42f : a; /* exp(b^2) overflows at the end */
    const float high = from_bits32((bits32(b) + 0x800) & 0xfffff000);
    const float square = high * high;
    const float rounded = rounded32(square);
    const float e = (near_one32(square, rounded, (high - b) * (high + b)) + 1) * power32(rounded, 0);
    return x < 0 ? 2 * e - y : y;
}

/* ---- bits64 ---- */
static inline uint64_t bits64(const double x)
{
    union {
        double number;
        uint64_t bits;
    } u = {x};
    return u.bits;
}

static inline double from_bits64(const uint64_t bits)
{
    union {
        uint64_t bits;
        double number;
    } u = {bits};
    return u.number;
}

/* x >= 0 with the sign of y. */
static inline double signed64(const double x, const double y)
{
    return from_bits64((bits64(x) & 0x7fffffffffffffff) | (bits64(y) & 0x8000000000000000));
}

/* a + b x + c x^2 + d x^3, where y = x^2: two products at a time. */
static inline double cubic64(const double x, const double y, const double a, const double b, const double c,
                             const double d)
{
    return (a + b * x) + y * (c + d * x);
}

/* ---- reduced64 (needs: bits64) ---- */
/* x = n ln 2 + r with |r| <= ln 2 / 2: n + 1.5 * 2^52, a sum that rounds x / ln 2 to the whole number n. */
static inline double rounded64(const double x) { return x * 1.4426950408889634 + 6755399441055744.0; }

/* exp(r) - 1 for r = x - n ln 2 - excess: r + r^2 p(r). */
static inline double near_one64(const double x, const double rounded, const double excess)
{
    const double n = rounded - 6755399441055744.0;
    const double r = ((x - n * 0.6931471803691238) - n * 1.9082149292705877e-10) - excess, r2 = r * r, r4 = r2 * r2;
    double p = 2.75574029458722e-07 + 2.510908139304849e-08 * r + 2.0875326803902933e-09 * r2;
    p = cubic64(r, r2, 0.0013888888888962904, 0.00019841269886207907,
                2.4801587171836535e-05, 2.7557244104214446e-06) + r4 * p;
    p = cubic64(r, r2, 0.5, 0.16666666666666677, 0.041666666666666505, 0.008333333333321608) + r4 * p;
    return r2 * p + r;
}

/* 2^(n + more), for a sum from -1022 to 1023. */
static inline double power64(const double rounded, const uint64_t more)
{
    return from_bits64((bits64(rounded) + more + 1023) << 52);
}

/* ---- exp (needs: reduced64) ---- */
/* exp(x) = 2^n exp(r); 2^n in two factors, so that only the last product rounds where the result is subnormal.
   Error at most 1.1 ulp. */
static inline double simd_exp(const double x)
{
    double y = x < -746.0 ? -746.0 : x;
    y = x > 710.0 ? 710.0 : y;
    const double rounded = rounded64(y);
    const uint64_t extra = (0 - (bits64(x) >> 63)) & 55; /* for negative x */
    return (near_one64(y, rounded, 0) + 1) * power64(rounded, extra - 1) * from_bits64((1024 - extra) << 52);
}

/* ---- expm1 (needs: reduced64) ---- */
/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), half of it first. Error at most 2.2 ulp. */
static inline double simd_expm1(const double x)
{
    double y = x < -38.0 ? -38.0 : x;
    y = x > 710.0 ? 710.0 : y;
    const double rounded = rounded64(y);
    const double half = power64(rounded, -1ull);
    const double value = 2 * (half * near_one64(y, rounded, 0) + (half - 0.5));
    return fabs(x) < 1e-300 ? x : value;
}

/* ---- below64 (needs: reduced64) ---- */
/* exp(x - excess) - 1 for x from -40 to 0. */
static inline double below64(const double x, const double excess)
{
    const double rounded = rounded64(x);
    const double scale = power64(rounded, 0);
    return scale * near_one64(x, rounded, excess) + (scale - 1);
}

/* ---- log64 (needs: bits64) ---- */
/* log(2^e (1 + f)) for 1 + f from sqrt(1/2) to sqrt(2): with s = f / (2 + f) and log(1 + f) = 2 s + s^3 p(s^2)
   = f - f^2 / 2 + s (f^2 / 2 + s^2 p(s^2)). */
static inline double log64(const double e, const double f)
{
    const double s = f / (2 + f), z = s * s, z2 = z * z, half = 0.5 * f * f;
    double p = 0.18183564325113702 + 0.1531405057119072 * z + 0.14795949561476004 * z2;
    p = cubic64(z, z2, 0.6666666666666734, 0.3999999999941468,
                0.28571428742387284, 0.22222198573210486) + z2 * z2 * p;
    return e * 0.6931471803691238 + (f - (half - (s * (half + z * p) + e * 1.9082149292705877e-10)));
}

/* ---- log (needs: log64) ---- */
/* x = 2^e (1 + f); e + 1023, put into the last bits of 2^52, becomes a number. Error at most 1.0 ulp. */
static inline double simd_log(const double x)
{
    const int subnormal = x < 2.2250738585072014e-308;
    const uint64_t bits = bits64(subnormal ? x * 0x1p54 : x) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    const double e = (from_bits64(bits >> 52 | 0x4330000000000000) - (0x1p52 + 1023)) - (subnormal ? 54.0 : 0.0);
    const double f = from_bits64((bits & 0xfffffffffffff) + 0x3fe6a09e667f3bcd) - 1;
    double y = x < HUGE_VAL ? log64(e, f) : x;
    y = x > 0 ? y : (double)NAN;
    return x == 0 ? -HUGE_VAL : y;
}

/* ---- log1p (needs: log64) ---- */
/* 1 + x, with what its rounding loses, is 2^e (1 + f). Error at most 1.8 ulp. */
static inline double simd_log1p(const double x)
{
    const double u = 1 + x, lost = x - (u - 1);
    const uint64_t bits = bits64(u) + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    const double e = from_bits64(bits >> 52 | 0x4330000000000000) - (0x1p52 + 1023);
    const double twice = from_bits64(0x7ff0000000000000 - (bits & 0xfff0000000000000)); /* 2^(1 - e), 0 for e = 1024 */
    const double f = (from_bits64((bits & 0xfffffffffffff) + 0x3fe6a09e667f3bcd) - 1) + lost * (0.5 * twice);
    /* The sign is that of x anyway, but for -0. */
    const double y = from_bits64(bits64(log64(e, f)) | (bits64(x) & 0x8000000000000000));
    double z = x < HUGE_VAL ? y : x;
    z = x > -1 ? z : (double)NAN;
    return x == -1 ? -HUGE_VAL : z;
}

/* ---- tanh (needs: below64) ---- */
/* tanh(a) = -d / (2 + d) with d = exp(-2 a) - 1. Error at most 2.8 ulp. */
static inline double simd_tanh(const double x)
{
    const double a = fabs(x);
    const double d = below64(-2 * (a > 20.0 ? 20.0 : a), 0);
    return signed64(d / (2 + d), x);
}

/* ---- erf (needs: below64) ---- */
/* erf(a) = 1 - exp(-a - a p(a)). Error at most 2.2 ulp. */
static inline double simd_erf(const double x)
{
    double a = fabs(x);
    a = a > 6.0 ? 6.0 : a;
    const double a2 = a * a, a4 = a2 * a2;
    double p = cubic64(a, a2, 4.3021826576231364e-11, -3.364680169871282e-12,
                       1.6150400304683162e-13, -3.592595368129491e-15);
    p = cubic64(a, a2, 3.458805415807299e-08, -1.0774255544380675e-08,
                2.3607128085278713e-09, -3.7610394521205547e-10) + a4 * p;
    p = cubic64(a, a2, -2.037139858850279e-06, 5.705977544343529e-07,
                -1.168850681230797e-08, -6.574246243239134e-08) + a4 * p;
    p = cubic64(a, a2, 6.442048677017385e-05, -2.9575697619737884e-05,
                3.1697176968682445e-06, 3.132908565583481e-06) + a4 * p;
    p = cubic64(a, a2, -0.0002091948538865633, 0.0016962076695885388,
                -0.0005901324287036674, 2.5904494366822413e-05) + a4 * p;
    p = cubic64(a, a2, 0.12837916709551256, 0.6366197723675909, 0.10277260330131557, -0.019128446993097722) + a4 * p;
    const double y = -(a + a * p);
    return signed64(below64(y, (y + a) + a * p), x);
}

/* ---- erfcx (needs: reduced64) ---- */
/* erfcx(x) = exp(x^2) erfc(x). For a >= 0 it is (1 + v p(2 v - 1)) / (1 + 2 a) with v = a / (a + 3);
   erfcx(-a) = 2 exp(a^2) - erfcx(a), where a^2 is the sum of a number with half the bits, squared, and a small one.
   Error at most 2.9 ulp. */
static inline double simd_erfcx(const double x)
{
    const double a = fabs(x);
    const double v = a < HUGE_VAL ? a / (a + 3) : 1;
    const double t = 2 * v - 1, t2 = t * t, t4 = t2 * t2;
    double p = cubic64(t, t2, -1.0171281416825644e-08, -1.6546168866209593e-08,
                       3.5067586785181834e-10, 1.6380025498538607e-09);
    p = cubic64(t, t2, -8.412577594753677e-07, -3.922600680043987e-07,
                1.1221435173195319e-07, 9.168341326613152e-08) + t4 * p;
    p = cubic64(t, t2, -3.334702077837921e-05, -6.854221993143021e-06,
                5.393085272553753e-06, 1.5519335921708362e-06) + t4 * p;
    p = cubic64(t, t2, -0.001142391628947032, -0.0004172729245232194,
                0.00020695354225437918, 4.3245201799772575e-05) + t4 * p;
    p = cubic64(t, t2, 0.18429609584537762, -0.04768004115752486,
                0.0001390113241392855, 0.004919772309315159) + t4 * p;
    p = cubic64(t, t2, 0.5060161165394593, -0.7772583287886217, 0.6821337400817242, -0.42284342267619923) + t4 * p;
    const double y = (0.5 * (v * p) + 0.5) / (a + 0.5);
    const double b = a > 26.64 ? 26.64 : a; /* exp(b^2) overflows at the end */
    const double high = from_bits64((bits64(b) + 0x4000000) & 0xfffffffff8000000);
    const double square = high * high;
    const double rounded = rounded64(square);
    const double e = (near_one64(square, rounded, (high - b) * (high + b)) + 1) * power64(rounded, 0);
    return x < 0 ? 2 * e - y : y;
}
