/* Quantizing a weight, for x86 processors: quantize.py says what is computed, native_fit.py calls this.

   Why it exists: fitting scale and offset looks at every weight seven times. Done with torch, each look
   is a dozen passes over memory and Phi-2 takes minutes; here a group stays in the nearest cache until it
   is finished, and its codes, packed, and its error come out of the same visit. The arithmetic is that of
   quantize.py, operation by operation, so that both give the same codes but for sums rounded in another
   order. Plain C with OpenMP and AVX2; no state. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#define EXPORT __declspec(dllexport)
#define AVX2
#else
#define EXPORT __attribute__((visibility("default")))
#define AVX2 __attribute__((target("avx2,fma")))
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>

enum { WIDEST_GROUP = 256 };

/* What is to be done: weights (rows, columns) float32; where codes go (two to a byte if there are 4
   bits), scales and offsets (rows, columns / group) bfloat16; and for each row the sum of squared errors,
   the sum of squares, and the largest error, which is NaN where a weight is not finite. */
typedef struct {
    const float *weights;
    uint8_t *codes;
    uint16_t *scales, *offsets;
    double *squared, *total;
    float *largest;
    int64_t rows, columns, group, bits, ranges, refinements;
    const float *range; /* fractions of a group's range to try */
} Fit;

/* A scale and an offset as they are stored, the codes they give, and the squared error of these. */
typedef struct {
    float scale, offset, error;
    float codes[WIDEST_GROUP];
} Choice;

AVX2 static inline float sum_of(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

AVX2 static inline float largest_of(__m256 v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* The nearest bfloat16, as its bits and as a number. */
static inline uint16_t bits_of(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline float as_stored(float f) {
    uint32_t bits = (uint32_t)bits_of(f) << 16;
    memcpy(&f, &bits, 4);
    return f;
}

/* The nearest codes for a scale and an offset, and how far off they are. */
AVX2 static void choose(const float *w, int64_t n, int bits, float scale, float offset, Choice *c) {
    c->scale = as_stored(scale);
    c->offset = as_stored(offset);
    const __m256 by = _mm256_set1_ps(c->scale), from = _mm256_set1_ps(c->offset);
    const __m256 step = _mm256_set1_ps(c->scale == 0.0f ? 1.0f : c->scale);
    const __m256 middle = _mm256_set1_ps((float)(1 << (bits - 1))), most = _mm256_set1_ps((float)((1 << bits) - 1));
    __m256 error = _mm256_setzero_ps();
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_loadu_ps(w + i);
        __m256 code = _mm256_add_ps(_mm256_div_ps(_mm256_sub_ps(v, from), step), middle);
        code = _mm256_round_ps(code, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        code = _mm256_min_ps(_mm256_max_ps(code, _mm256_setzero_ps()), most);
        __m256 value = _mm256_add_ps(_mm256_mul_ps(_mm256_sub_ps(code, middle), by), from);
        __m256 off = _mm256_sub_ps(value, v);
        error = _mm256_fmadd_ps(off, off, error);
        _mm256_storeu_ps(c->codes + i, code);
    }
    c->error = sum_of(error);
}

/* The straight line through (code, weight): the best scale and offset for these codes. */
AVX2 static void least_squares(const float *w, int64_t n, int bits, float mean, const float *codes, float *scale,
                               float *offset) {
    const __m256 middle = _mm256_set1_ps((float)(1 << (bits - 1))), centre = _mm256_set1_ps(mean);
    __m256 sum = _mm256_setzero_ps(), squares = sum, products = sum;
    for (int64_t i = 0; i < n; i += 8) {
        __m256 code = _mm256_sub_ps(_mm256_loadu_ps(codes + i), middle);
        sum = _mm256_add_ps(sum, code);
        squares = _mm256_fmadd_ps(code, code, squares);
        products = _mm256_fmadd_ps(code, _mm256_sub_ps(_mm256_loadu_ps(w + i), centre), products);
    }
    float code_mean = sum_of(sum) / (float)n, variance = sum_of(squares) - (float)n * code_mean * code_mean;
    *scale = variance > 0.5f / (float)n ? sum_of(products) / variance : 0.0f; /* the least there can be is 1 - 1/n */
    *offset = mean - *scale * code_mean;
}

AVX2 static void pack(const float *codes, int64_t n, int bits, uint8_t *out) {
    if (bits == 4)
        for (int64_t i = 0; i < n; i += 2) out[i / 2] = (uint8_t)((uint8_t)codes[i] << 4 | (uint8_t)codes[i + 1]);
    else
        for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)codes[i];
}

/* One group; returns whether all its weights are finite. */
AVX2 static int fit_group(const Fit *f, const float *w, Choice *best, Choice *next) {
    const int bits = (int)f->bits;
    const int64_t n = f->group;
    __m256 low = _mm256_set1_ps(INFINITY), high = _mm256_set1_ps(-INFINITY);
    __m256 sum = _mm256_setzero_ps(), none = _mm256_setzero_ps();
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_loadu_ps(w + i);
        low = _mm256_min_ps(low, v);
        high = _mm256_max_ps(high, v);
        sum = _mm256_add_ps(sum, v);
        none = _mm256_or_ps(none, _mm256_sub_ps(v, v)); /* 0 for a number, NaN for one that is not finite */
    }
    if (_mm256_movemask_ps(_mm256_cmp_ps(none, none, _CMP_UNORD_Q))) return 0;
    float least = -largest_of(_mm256_sub_ps(_mm256_setzero_ps(), low)), most = largest_of(high);
    float mean = sum_of(sum) / (float)n, centre = (most + least) / 2.0f, half = (most - least) / 2.0f;
    best->error = INFINITY;
    for (int64_t i = 0; i < f->ranges + f->refinements; i++) {
        float scale, offset;
        if (i < f->ranges) {
            scale = 2.0f * (half * f->range[i]) / (float)((1 << bits) - 1);
            offset = centre + scale / 2.0f;
        } else {
            least_squares(w, n, bits, mean, best->codes, &scale, &offset);
        }
        choose(w, n, bits, scale, offset, next);
        if (next->error < best->error || i == 0)
            memcpy(best, next, sizeof(Choice) - sizeof(float) * (size_t)(WIDEST_GROUP - n));
        else if (i >= f->ranges)
            break; /* the same codes would give the same line again */
    }
    return 1;
}

AVX2 static void fit_row(const Fit *f, int64_t row) {
    Choice best, next;
    const __m256 middle = _mm256_set1_ps((float)(1 << (f->bits - 1)));
    const __m256 positive = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    int64_t groups = f->columns / f->group;
    double squared = 0, total = 0;
    __m256 largest = _mm256_setzero_ps();
    for (int64_t g = 0; g < groups; g++) {
        const float *w = f->weights + row * f->columns + g * f->group;
        if (!fit_group(f, w, &best, &next)) {
            f->largest[row] = NAN;
            return;
        }
        __m256 errors = _mm256_setzero_ps(), squares = errors;
        for (int64_t i = 0; i < f->group; i += 8) {
            __m256 v = _mm256_loadu_ps(w + i), code = _mm256_sub_ps(_mm256_loadu_ps(best.codes + i), middle);
            __m256 value = _mm256_add_ps(_mm256_mul_ps(code, _mm256_set1_ps(best.scale)), _mm256_set1_ps(best.offset));
            __m256 off = _mm256_sub_ps(v, value);
            errors = _mm256_fmadd_ps(off, off, errors);
            squares = _mm256_fmadd_ps(v, v, squares);
            largest = _mm256_max_ps(largest, _mm256_and_ps(off, positive));
        }
        squared += sum_of(errors);
        total += sum_of(squares);
        pack(best.codes, f->group, (int)f->bits, f->codes + (row * f->columns + g * f->group) * (f->bits == 4 ? 1 : 2) / 2);
        f->scales[row * groups + g] = bits_of(best.scale);
        f->offsets[row * groups + g] = bits_of(best.offset);
    }
    f->squared[row] = squared;
    f->total[row] = total;
    f->largest[row] = largest_of(largest);
}

EXPORT void native_fit(const Fit *f, int threads) {
    int row;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (row = 0; row < (int)f->rows; row++) fit_row(f, row);
}

#endif
