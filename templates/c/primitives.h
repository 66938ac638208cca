/* Functions of one number that a compiler can vectorise: no branch, table or call, choices one after
   the other, arguments reduced by adding large constants. NaN in, NaN out; infinities, zeros with their signs and subnormal numbers as the C library has them.

   A section begins with a line  ---- name (needs: others) ----  and ends at the next. A generated file has those it calls.
   Compiled without -ffast-math, which would undo the sums that keep what rounding loses. Coefficients are near-minimax, from
   mpmath's chebyfit. Errors are in units in the last place of the exact result, as tests/c/test_primitives.py finds them. */

/* ---- bits32 ---- */
static inline int32_t bits32(const float x)
{
    union {
        float number;
        int32_t bits;
    } u = {x};
    return u.bits;
}

static inline float from_bits32(const int32_t bits)
{
    union {
        int32_t bits;
        float number;
    } u = {bits};
    return u.number;
}

/* x with the sign of y. */
static inline float signed32(const float x, const float y)
{
    const int32_t sign = INT32_MIN;
    return from_bits32((bits32(x) & ~sign) | (bits32(y) & sign));
}

/* ---- reduced32 (needs: bits32) ---- */
/* x = n ln 2 + r with |r| <= ln 2 / 2: n, which adding 1.5 * 2^23 rounds to a whole number, and r. */
typedef struct {
    float n, r;
    int32_t whole;
} reduced32;

static inline reduced32 reduce32(const float x)
{
    const float shifted = x * 1.442695f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const reduced32 found = {n, (x - n * 0.6933594f) - n * -0.00021219444f, bits32(shifted) - 0x4B400000};
    return found;
}

/* exp(r) - 1 for such an r: r + r^2 p(r), p near-minimax. */
static inline float near_one32(const float r)
{
    float p = 0.0013927685f;
    p = p * r + 0.00836438f;
    p = p * r + 0.041666545f;
    p = p * r + 0.1666657f;
    p = p * r + 0.5f;
    return r * r * p + r;
}

/* 2^n, for n from -126 to 127. */
static inline float power32(const int32_t n) { return from_bits32((n + 127) << 23); }

/* ---- expf (needs: reduced32) ---- */
/* exp(x) = 2^n exp(r); 2^n in two factors, so that only the last product rounds where the result is subnormal.
   Error at most 1.1 ulp. */
static inline float simd_expf(float x)
{
    x = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    const reduced32 x_ = reduce32(x);
    const int32_t half = (int32_t)((uint32_t)(x_.whole + 4096) >> 1) - 2048; /* a shift of a positive number */
    return (near_one32(x_.r) + 1) * power32(half) * power32(x_.whole - half);
}

/* ---- expm1f (needs: reduced32) ---- */
/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1). Error at most 1.7 ulp. */
static inline float simd_expm1f(const float x)
{
    const float y = x < -18.0f ? -18.0f : x > 89.0f ? 89.0f : x;
    const reduced32 y_ = reduce32(y);
    const float scale = power32(y_.whole - 1);
    const float value = 2 * (scale * near_one32(y_.r) + (scale - 0.5f));
    return fabsf(x) < 1e-30f ? x : value;
}

/* ---- log_of32 (needs: bits32) ---- */
/* log of a positive number: m 2^e with m from sqrt(1/2) to sqrt(2), f = m - 1, s = f / (2 + f) and
   log m = 2 s + s^3 p(s^2) = f - f^2 / 2 + s (f^2 / 2 + s^2 p(s^2)). `rest` is added where it is small: to the result. */
static inline float log_of32(const float x, const float rest)
{
    const int subnormal = x < 1.17549435e-38f;
    const int32_t bits = bits32(subnormal ? x * 33554432.0f : x);
    const int32_t shifted = bits - 0x3f3504f3;
    const int32_t exponent = shifted >> 23;
    const float f = from_bits32(bits - (exponent << 23)) - 1;
    const float e = (float)exponent - (subnormal ? 25 : 0);
    const float s = f / (2 + f), z = s * s, half = 0.5f * f * f;
    float p = 0.23353428f;
    p = p * z + 0.2854997f;
    p = p * z + 0.4000013f;
    p = p * z + 0.6666667f;
    return e * 0.6933594f + (f - (half - (s * (half + z * p) + (e * -0.00021219444f + rest))));
}

/* ---- logf (needs: log_of32) ---- */
/* Error at most 0.8 ulp. */
static inline float simd_logf(const float x)
{
    const float y = log_of32(x, 0);
    float z = x > 0 ? y : NAN;
    z = x == HUGE_VALF ? x : z;
    return x == 0 ? -HUGE_VALF : z;
}

/* ---- log1pf (needs: log_of32) ---- */
/* log(1 + x) = log u + d / u, where u is 1 + x rounded and d what rounding lost. Error at most 0.8 ulp. */
static inline float simd_log1pf(const float x)
{
    const float u = 1 + x;
    const float y = log_of32(u, (x - (u - 1)) / u);
    float z = x > -1 ? y : NAN;
    z = x == -1 ? -HUGE_VALF : z;
    z = x == HUGE_VALF ? x : z;
    return x == 0 ? x : z;
}

/* ---- tanhf (needs: expm1f, bits32) ---- */
/* tanh |x| = e / (e + 2) with e = exp(2 |x|) - 1. Error at most 2.5 ulp. */
static inline float simd_tanhf(const float x)
{
    const float a = fabsf(x);
    const float e = simd_expm1f(2 * (a > 10.0f ? 10.0f : a));
    return signed32(e / (e + 2), x);
}

/* ---- expx2f (needs: expf) ---- */
/* exp(x^2) and, with sign = -1, exp(-x^2): the square as a sum of two numbers, since its rounding error would be multiplied
   by x^2. x is split by multiplying with 2^12 + 1. */
static inline float exp_of_squaref(float x, const float sign)
{
    x = x > 1e3f ? 1e3f : x;
    const float wide = x * 4097.0f;
    const float high = wide - (wide - x), low = x - high;
    const float square = x * x;
    const float lost = ((high * high - square) + 2 * high * low) + low * low;
    const float e = simd_expf(sign * square);
    return e * (1 + sign * lost);
}

/* erfcx(x) = exp(x^2) erfc(x) for x >= 0: a polynomial in t = (x - 2.0f) / (x + 2.0f), over 1 + 2 x. */
static inline float erfcx_of_positivef(const float x)
{
    const float y = x > 1e9f ? 1e9f : x;
    const float t = (y - 2.0f) / (y + 2.0f);
    float p = -2.0108931e-05f;
    p = p * t + 6.310018e-05f;
    p = p * t + 0.00022110545f;
    p = p * t + -0.0003571779f;
    p = p * t + -0.0014635117f;
    p = p * t + 0.0012166655f;
    p = p * t + 0.008724295f;
    p = p * t + -0.008018636f;
    p = p * t + -0.054220185f;
    p = p * t + 0.1640494f;
    p = p * t + -0.16603039f;
    p = p * t + -0.09276376f;
    p = p * t + 1.2769784f;
    return 0.5f * p / (0.5f + x);
}

/* ---- erfcxf (needs: expx2f) ---- */
/* erfcx(-x) = 2 exp(x^2) - erfcx(x). Error at most 3.7 ulp. */
static inline float simd_erfcxf(const float x)
{
    const float a = fabsf(x);
    const float y = erfcx_of_positivef(a);
    return x < 0 ? 2 * exp_of_squaref(a, 1) - y : y;
}

/* ---- erff (needs: expx2f, bits32) ---- */
/* erf(x) = x + x p(x^2) up to 1, 1 - exp(-x^2) erfcx(x) from there. Error at most 1.1 ulp. */
static inline float simd_erff(const float x)
{
    const float a = fabsf(x);
    const float z = a * a;
    float p = 1.0589381e-06f;
    p = p * z + -1.390934e-05f;
    p = p * z + 0.00011956562f;
    p = p * z + -0.0008542638f;
    p = p * z + 0.0052237837f;
    p = p * z + -0.026866132f;
    p = p * z + 0.11283791f;
    p = p * z + -0.37612638f;
    p = p * z + 0.12837917f;
    const float far = 1 - exp_of_squaref(a, -1) * erfcx_of_positivef(a);
    return a < 1 ? x + x * p : signed32(a > 5.0f ? 1 : far, x);
}

/* ---- bits64 ---- */
static inline int64_t bits64(const double x)
{
    union {
        double number;
        int64_t bits;
    } u = {x};
    return u.bits;
}

static inline double from_bits64(const int64_t bits)
{
    union {
        int64_t bits;
        double number;
    } u = {bits};
    return u.number;
}

/* x with the sign of y. */
static inline double signed64(const double x, const double y)
{
    const int64_t sign = INT64_MIN;
    return from_bits64((bits64(x) & ~sign) | (bits64(y) & sign));
}

/* ---- reduced64 (needs: bits64) ---- */
/* x = n ln 2 + r with |r| <= ln 2 / 2: n, which adding 1.5 * 2^52 rounds to a whole number, and r. */
typedef struct {
    double n, r;
    int64_t whole;
} reduced64;

static inline reduced64 reduce64(const double x)
{
    const double shifted = x * 1.4426950408889634 + 6755399441055744.0;
    const double n = shifted - 6755399441055744.0;
    const reduced64 found = {n, (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10, bits64(shifted) - 0x4338000000000000};
    return found;
}

/* exp(r) - 1 for such an r: r + r^2 p(r), p near-minimax. */
static inline double near_one64(const double r)
{
    double p = 2.0916212837493853e-09;
    p = p * r + 2.5107353767261877e-08;
    p = p * r + 2.7557269903215795e-07;
    p = p * r + 2.755725016302918e-06;
    p = p * r + 2.4801587328555858e-05;
    p = p * r + 0.00019841269879033045;
    p = p * r + 0.001388888888888287;
    p = p * r + 0.008333333333324906;
    p = p * r + 0.04166666666666667;
    p = p * r + 0.1666666666666667;
    p = p * r + 0.5;
    return r * r * p + r;
}

/* 2^n, for n from -1022 to 1023. */
static inline double power64(const int64_t n) { return from_bits64((n + 1023) << 52); }

/* ---- exp (needs: reduced64) ---- */
/* exp(x) = 2^n exp(r); 2^n in two factors, so that only the last product rounds where the result is subnormal.
   Error at most 1.1 ulp. */
static inline double simd_exp(double x)
{
    x = x < -746.0 ? -746.0 : x > 710.0 ? 710.0 : x;
    const reduced64 x_ = reduce64(x);
    const int64_t half = (int64_t)((uint64_t)(x_.whole + 4096) >> 1) - 2048; /* a shift of a positive number */
    return (near_one64(x_.r) + 1) * power64(half) * power64(x_.whole - half);
}

/* ---- expm1 (needs: reduced64) ---- */
/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1). Error at most 1.8 ulp. */
static inline double simd_expm1(const double x)
{
    const double y = x < -38.0 ? -38.0 : x > 710.0 ? 710.0 : x;
    const reduced64 y_ = reduce64(y);
    const double scale = power64(y_.whole - 1);
    const double value = 2 * (scale * near_one64(y_.r) + (scale - 0.5));
    return fabs(x) < 1e-300 ? x : value;
}

/* ---- log_of64 (needs: bits64) ---- */
/* log of a positive number: m 2^e with m from sqrt(1/2) to sqrt(2), f = m - 1, s = f / (2 + f) and
   log m = 2 s + s^3 p(s^2) = f - f^2 / 2 + s (f^2 / 2 + s^2 p(s^2)). `rest` is added where it is small: to the result. */
static inline double log_of64(const double x, const double rest)
{
    const int subnormal = x < 2.2250738585072014e-308;
    const int64_t bits = bits64(subnormal ? x * 18014398509481984.0 : x);
    const int64_t shifted = bits + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    const int64_t exponent = (int64_t)((uint64_t)shifted >> 52) - 1023;
    const double f = from_bits64(bits - (int64_t)((uint64_t)exponent << 52)) - 1;
    const double e = (from_bits64(exponent + 0x4338000000000000) - 6755399441055744.0) - (subnormal ? 54 : 0);
    const double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    double p = 0.131148348695975;
    p = p * z + 0.13266048812203002;
    p = p * z + 0.15386342449645143;
    p = p * z + 0.18181793732111753;
    p = p * z + 0.22222222409750114;
    p = p * z + 0.2857142857072325;
    p = p * z + 0.40000000000001007;
    p = p * z + 0.6666666666666666;
    return e * 0.6931471803691238 + (f - (half - (s * (half + z * p) + (e * 1.9082149292705877e-10 + rest))));
}

/* ---- log (needs: log_of64) ---- */
/* Error at most 0.8 ulp. */
static inline double simd_log(const double x)
{
    const double y = log_of64(x, 0);
    double z = x > 0 ? y : (double)NAN;
    z = x == HUGE_VAL ? x : z;
    return x == 0 ? -HUGE_VAL : z;
}

/* ---- log1p (needs: log_of64) ---- */
/* log(1 + x) = log u + d / u, where u is 1 + x rounded and d what rounding lost. Error at most 0.8 ulp. */
static inline double simd_log1p(const double x)
{
    const double u = 1 + x;
    const double y = log_of64(u, (x - (u - 1)) / u);
    double z = x > -1 ? y : (double)NAN;
    z = x == -1 ? -HUGE_VAL : z;
    z = x == HUGE_VAL ? x : z;
    return x == 0 ? x : z;
}

/* ---- tanh (needs: expm1, bits64) ---- */
/* tanh |x| = e / (e + 2) with e = exp(2 |x|) - 1. Error at most 2.5 ulp. */
static inline double simd_tanh(const double x)
{
    const double a = fabs(x);
    const double e = simd_expm1(2 * (a > 20.0 ? 20.0 : a));
    return signed64(e / (e + 2), x);
}

/* ---- expx2 (needs: exp) ---- */
/* exp(x^2) and, with sign = -1, exp(-x^2): the square as a sum of two numbers, since its rounding error would be multiplied
   by x^2. x is split by multiplying with 2^27 + 1. */
static inline double exp_of_square(double x, const double sign)
{
    x = x > 1e3 ? 1e3 : x;
    const double wide = x * 134217729.0;
    const double high = wide - (wide - x), low = x - high;
    const double square = x * x;
    const double lost = ((high * high - square) + 2 * high * low) + low * low;
    const double e = simd_exp(sign * square);
    return e * (1 + sign * lost);
}

/* erfcx(x) = exp(x^2) erfc(x) for x >= 0: a polynomial in t = (x - 2.75) / (x + 2.75), over 1 + 2 x. */
static inline double erfcx_of_positive(const double x)
{
    const double y = x > 1e18 ? 1e18 : x;
    const double t = (y - 2.75) / (y + 2.75);
    double p = 5.899204159956462e-10;
    p = p * t + -4.36146455228112e-10;
    p = p * t + -6.712923576959846e-09;
    p = p * t + 1.117407638410034e-09;
    p = p * t + 3.967686437132245e-08;
    p = p * t + 2.0890951951990205e-08;
    p = p * t + -1.6278946094389566e-07;
    p = p * t + -2.3831500995861705e-07;
    p = p * t + 5.038305966888637e-07;
    p = p * t + 1.5755584880013374e-06;
    p = p * t + -1.0814382145974598e-06;
    p = p * t + -8.74246640946199e-06;
    p = p * t + 3.8636539772938803e-07;
    p = p * t + 4.7975655947486554e-05;
    p = p * t + 8.595132626719887e-06;
    p = p * t + -0.00028905288903327287;
    p = p * t + 4.01525769346961e-05;
    p = p * t + 0.0019344816371571808;
    p = p * t + -0.002622280500238733;
    p = p * t + -0.010500720725520487;
    p = p * t + 0.05231957978729904;
    p = p * t + -0.11449313228502972;
    p = p * t + 0.1449063407518946;
    p = p * t + -0.07130621000899304;
    p = p * t + -0.13046248372294011;
    p = p * t + 1.2588036258139463;
    return 0.5 * p / (0.5 + x);
}

/* ---- erfcx (needs: expx2) ---- */
/* erfcx(-x) = 2 exp(x^2) - erfcx(x). Error at most 3.9 ulp. */
static inline double simd_erfcx(const double x)
{
    const double a = fabs(x);
    const double y = erfcx_of_positive(a);
    return x < 0 ? 2 * exp_of_square(a, 1) - y : y;
}

/* ---- erf (needs: expx2, bits64) ---- */
/* erf(x) = x + x p(x^2) up to 1, 1 - exp(-x^2) erfcx(x) from there. Error at most 1.1 ulp. */
static inline double simd_erf(const double x)
{
    const double a = fabs(x);
    const double z = a * a;
    double p = 2.8067128195611264e-13;
    p = p * z + -6.1967364287877e-12;
    p = p * z + 9.323723518153027e-11;
    p = p * z + -1.2277734486795524e-09;
    p = p * z + 1.4806027146128752e-08;
    p = p * z + -1.636576864883207e-07;
    p = p * z + 1.6462110782018636e-06;
    p = p * z + -1.4925650236967501e-05;
    p = p * z + 0.00012055332978879483;
    p = p * z + -0.0008548327023403001;
    p = p * z + 0.005223977625441674;
    p = p * z + -0.026866170645131218;
    p = p * z + 0.11283791670955126;
    p = p * z + -0.37612638903183754;
    p = p * z + 0.1283791670955126;
    const double far = 1 - exp_of_square(a, -1) * erfcx_of_positive(a);
    return a < 1 ? x + x * p : signed64(a > 7.0 ? 1 : far, x);
}
