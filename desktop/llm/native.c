/* One token through one layer of a quantized Phi, and through its head, for x86 processors.

   fast.py says what is computed; native.py calls this file, tests/llm/test_native.py holds it against
   the readable model. Why it exists: writing a token means reading every weight once, so the time is
   that of memory if arithmetic keeps up, and torch's 4-bit kernel does not (14 of 36 GB/s on an
   AVX-512 machine of 2026, less with AVX2). What is done here to keep up:

   - Codes are multiplied as the whole numbers they are. The input is rounded to 8 bits with one scale
     for each group of 64 columns, the same groups that the weights have; a product of two groups is
     then 64 small multiplications and one large. The error is a tenth of that of 4-bit weights.
   - Codes lie in memory as in the file: column 2j in the upper half of byte j. The input is parted
     into even and odd columns instead.
   - Each thread reads rows one behind the other and asks for memory ahead of time.
   - Keys and values are float16, which halves what a long context costs.

   A weight is scale * (code - 8) + offset, scale and offset in bfloat16, as quantize.py explains.
   Plain C with OpenMP; no state. Two forms of the inner product are compiled, for AVX2 and for
   AVX-512 with VNNI; native_level() says which one this processor runs. */

#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define X86 1
#include <immintrin.h>
#endif

#if defined(_MSC_VER)
#include <intrin.h>
#define EXPORT __declspec(dllexport)
#define FOR(features)
#else
#define EXPORT __attribute__((visibility("default")))
#define FOR(features) __attribute__((target(features)))
#endif

#define AVX2 FOR("avx2,fma,f16c")
#define AVX512 FOR("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")

enum { GROUP = 64, WIDEST = 32768, PIECE = 1 << 18, AHEAD = 8192 };

/* A matrix as it lies in memory: rows of codes, two to a byte, and a scale and an offset a group. */
typedef struct {
    const uint8_t *codes;
    const uint16_t *scales, *offsets;
    int64_t rows, columns;
} Matrix;

/* A layer with its part of the cache. Keys and values are (heads, capacity, size) float16; turns are
   (capacity, turned) cosines and sines; seen is (heads, capacity), where attention is written. */
typedef struct {
    Matrix inward, outward;
    const float *norm_weight, *norm_bias, *inward_bias, *outward_bias;
    const float *cosines, *sines;
    uint16_t *keys, *values;
    float *seen;
    int64_t heads, key_heads, size, turned, capacity, inner;
    float epsilon;
} Layer;

#ifdef X86

/* The input of a product: rounded to 8 bits, even columns and odd columns of each group apart. */
typedef struct {
    int8_t even[WIDEST / 2], odd[WIDEST / 2];
    float scale[WIDEST / GROUP], sum[WIDEST / GROUP];
} Rounded;

/* ---- small things, 8 numbers at a time */

AVX2 static inline float sum8(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

AVX2 static inline __m256 bfloat8(const uint16_t *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

/* e^x: 2^whole * 2^rest with a polynomial for the rest; relative error below 2e-7. */
AVX2 static inline __m256 exp8(__m256 x) {
    x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87.0f)), _mm256_set1_ps(88.0f));
    __m256 whole = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), 8);
    __m256 rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(0.693359375f), x);
    rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(-2.12194440e-4f), rest);
    __m256 y = _mm256_set1_ps(1.9875691500e-4f);
    y = _mm256_fmadd_ps(y, rest, _mm256_set1_ps(1.3981999507e-3f));
    y = _mm256_fmadd_ps(y, rest, _mm256_set1_ps(8.3334519073e-3f));
    y = _mm256_fmadd_ps(y, rest, _mm256_set1_ps(4.1665795894e-2f));
    y = _mm256_fmadd_ps(y, rest, _mm256_set1_ps(1.6666665459e-1f));
    y = _mm256_fmadd_ps(y, rest, _mm256_set1_ps(5.0000001201e-1f));
    y = _mm256_fmadd_ps(y, _mm256_mul_ps(rest, rest), _mm256_add_ps(rest, _mm256_set1_ps(1.0f)));
    __m256i power = _mm256_slli_epi32(
        _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(y, _mm256_castsi256_ps(power));
}

AVX2 static void normalize(const Layer *l, const float *x, float *y) {
    int64_t n = l->inward.columns;
    __m256 total = _mm256_setzero_ps(), squares = _mm256_setzero_ps();
    for (int64_t i = 0; i < n; i += 8) total = _mm256_add_ps(total, _mm256_loadu_ps(x + i));
    __m256 mean = _mm256_set1_ps(sum8(total) / (float)n);
    for (int64_t i = 0; i < n; i += 8) {
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(x + i), mean);
        squares = _mm256_fmadd_ps(d, d, squares);
    }
    __m256 by = _mm256_set1_ps(1.0f / sqrtf(sum8(squares) / (float)n + l->epsilon));
    for (int64_t i = 0; i < n; i += 8) {
        __m256 d = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), by);
        __m256 w = _mm256_loadu_ps(l->norm_weight + i), b = _mm256_loadu_ps(l->norm_bias + i);
        _mm256_storeu_ps(y + i, _mm256_fmadd_ps(d, w, b));
    }
}

/* GELU in the tanh form: x * sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). */
AVX2 static void gelu(float *x, int64_t n) {
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i), square = _mm256_mul_ps(v, v);
        __m256 u = _mm256_fmadd_ps(square, _mm256_set1_ps(0.07135481627f), _mm256_set1_ps(1.5957691216f));
        __m256 e = exp8(_mm256_mul_ps(_mm256_sub_ps(_mm256_setzero_ps(), v), u));
        _mm256_storeu_ps(x + i, _mm256_div_ps(v, _mm256_add_ps(e, _mm256_set1_ps(1.0f))));
    }
}

/* ---- products */

AVX2 static void round_input(const float *x, int64_t n, Rounded *r) {
    const __m256i parted = _mm256_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
                                            0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    const __m256 positive = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    const __m256i ordered = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int64_t g = 0; g < n / GROUP; g++) {
        const float *in = x + g * GROUP;
        __m256 largest = _mm256_setzero_ps();
        for (int i = 0; i < GROUP; i += 8)
            largest = _mm256_max_ps(largest, _mm256_and_ps(_mm256_loadu_ps(in + i), positive));
        float parts[8], most = 1e-20f;
        _mm256_storeu_ps(parts, largest);
        for (int i = 0; i < 8; i++) most = parts[i] > most ? parts[i] : most;
        __m256 by = _mm256_set1_ps(127.0f / most);
        __m256i total = _mm256_setzero_si256();
        for (int half = 0; half < 2; half++) {
            __m256i q[4];
            for (int i = 0; i < 4; i++) {
                __m256 v = _mm256_loadu_ps(in + 32 * half + 8 * i);
                q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v, by));
                total = _mm256_add_epi32(total, q[i]);
            }
            __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
            bytes = _mm256_shuffle_epi8(_mm256_permutevar8x32_epi32(bytes, ordered), parted);
            bytes = _mm256_permute4x64_epi64(bytes, 0xD8);
            _mm_storeu_si128((__m128i *)(r->even + g * 32 + 16 * half), _mm256_castsi256_si128(bytes));
            _mm_storeu_si128((__m128i *)(r->odd + g * 32 + 16 * half), _mm256_extracti128_si256(bytes, 1));
        }
        int32_t sums[8], sum = 0;
        _mm256_storeu_si256((__m256i *)sums, total);
        for (int i = 0; i < 8; i++) sum += sums[i];
        r->scale[g] = most / 127.0f;
        r->sum[g] = r->scale[g] * (float)sum;
    }
}

/* A group's share apart from its products: (offset - 8 scale) * the sum of its inputs. */
AVX2 static inline __m256 shares(const uint16_t *scales, const uint16_t *offsets, const float *sums, __m256 all) {
    __m256 each = _mm256_fnmadd_ps(_mm256_set1_ps(8.0f), bfloat8(scales), bfloat8(offsets));
    return _mm256_fmadd_ps(each, _mm256_loadu_ps(sums), all);
}

static inline float bfloat(uint16_t b) {
    uint32_t bits = (uint32_t)b << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

/* One group with AVX2: 64 products, as 8 sums. Codes are at most 15, so pairs fit into 16 bits. */
AVX2 static inline __m256 group_avx2(const uint8_t *codes, const int8_t *even, const int8_t *odd) {
    const __m256i low = _mm256_set1_epi8(15);
    __m256i pair = _mm256_loadu_si256((const __m256i *)codes);
    __m256i a = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(pair, 4), low),
                                     _mm256_loadu_si256((const __m256i *)even));
    __m256i b = _mm256_maddubs_epi16(_mm256_and_si256(pair, low), _mm256_loadu_si256((const __m256i *)odd));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1)));
}

/* The groups from `g` on that do not fill a step of eight. */
AVX2 static float last_groups(const Matrix *m, int64_t row, const Rounded *r, int64_t g) {
    int64_t groups = m->columns / GROUP;
    float result = 0;
    for (; g < groups; g++) {
        float scale = bfloat(m->scales[row * groups + g]), offset = bfloat(m->offsets[row * groups + g]);
        const uint8_t *codes = m->codes + (row * groups + g) * 32;
        result += scale * r->scale[g] * sum8(group_avx2(codes, r->even + g * 32, r->odd + g * 32));
        result += (offset - 8 * scale) * r->sum[g];
    }
    return result;
}

AVX2 static float row_avx2(const Matrix *m, int64_t row, const Rounded *r) {
    int64_t groups = m->columns / GROUP, g = 0;
    const uint16_t *scales = m->scales + row * groups, *offsets = m->offsets + row * groups;
    const uint8_t *codes = m->codes + row * groups * 32;
    __m256 all = _mm256_setzero_ps(), second = _mm256_setzero_ps();
    for (; g + 8 <= groups; g += 8) {
        float by[8];
        _mm256_storeu_ps(by, _mm256_mul_ps(bfloat8(scales + g), _mm256_loadu_ps(r->scale + g)));
        all = shares(scales + g, offsets + g, r->sum + g, all);
        for (int i = 0; i < 8; i += 2) {
            const uint8_t *at = codes + (g + i) * 32;
            const int8_t *even = r->even + (g + i) * 32, *odd = r->odd + (g + i) * 32;
            _mm_prefetch((const char *)at + AHEAD, _MM_HINT_T1);
            all = _mm256_fmadd_ps(group_avx2(at, even, odd), _mm256_set1_ps(by[i]), all);
            second = _mm256_fmadd_ps(group_avx2(at + 32, even + 32, odd + 32), _mm256_set1_ps(by[i + 1]), second);
        }
    }
    return sum8(_mm256_add_ps(all, second)) + last_groups(m, row, r, g);
}

AVX512 static float row_avx512(const Matrix *m, int64_t row, const Rounded *r) {
    const __m512i low = _mm512_set1_epi8(15), two = _mm512_set1_epi32(2);
    const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    int64_t groups = m->columns / GROUP, g = 0;
    const uint16_t *scales = m->scales + row * groups, *offsets = m->offsets + row * groups;
    const uint8_t *codes = m->codes + row * groups * 32;
    __m512 all = _mm512_setzero_ps();
    __m256 rest = _mm256_setzero_ps();
    for (; g + 8 <= groups; g += 8) {
        __m512 by = _mm512_castps256_ps512(_mm256_mul_ps(bfloat8(scales + g), _mm256_loadu_ps(r->scale + g)));
        __m512i which = first;
        rest = shares(scales + g, offsets + g, r->sum + g, rest);
        for (int i = 0; i < 8; i += 2) { /* two groups at a time */
            const uint8_t *at = codes + (g + i) * 32;
            _mm_prefetch((const char *)at + AHEAD, _MM_HINT_T1);
            __m512i pair = _mm512_loadu_si512(at);
            __m512i upper = _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);
            __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), upper, _mm512_loadu_si512(r->even + (g + i) * 32));
            sums = _mm512_dpbusd_epi32(sums, _mm512_and_si512(pair, low), _mm512_loadu_si512(r->odd + (g + i) * 32));
            all = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), _mm512_permutexvar_ps(which, by), all);
            which = _mm512_add_epi32(which, two);
        }
    }
    __m256 halves = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    return sum8(_mm256_add_ps(halves, rest)) + last_groups(m, row, r, g);
}

/* y = W x + bias, or y += W x + bias, for `count` inputs: r and y have one behind the other. */
static void product(const Matrix *m, const Rounded *r, int count, const float *bias, float *y, int add,
                    int threads, int level) {
    int64_t bytes = m->columns / 2, piece = PIECE / bytes + 1;
    int pieces = (int)((m->rows + piece - 1) / piece), p;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (p = 0; p < pieces; p++) {
        int64_t end = (p + 1) * piece < m->rows ? (p + 1) * piece : m->rows;
        for (int64_t row = p * piece; row < end; row++) {
            for (int i = 0; i < count; i++) {
                float sum = level == 2 ? row_avx512(m, row, r + i) : row_avx2(m, row, r + i);
                float *to = y + i * m->rows + row;
                *to = sum + (bias ? bias[row] : 0.0f) + (add ? *to : 0.0f);
            }
        }
    }
}

/* ---- unpacking, for prompts */

/* 64 weights as numbers, 8 at a time in their order: scale * code + offset. */
AVX2 static inline void group_numbers(const uint8_t *codes, float scale, float offset, __m256 out[8]) {
    const __m256i low = _mm256_set1_epi8(15);
    __m256i pair = _mm256_loadu_si256((const __m256i *)codes);
    __m256i even = _mm256_and_si256(_mm256_srli_epi16(pair, 4), low), odd = _mm256_and_si256(pair, low);
    __m256i a = _mm256_unpacklo_epi8(even, odd), b = _mm256_unpackhi_epi8(even, odd);
    __m128i parts[4] = {_mm256_castsi256_si128(a), _mm256_castsi256_si128(b),
                        _mm256_extracti128_si256(a, 1), _mm256_extracti128_si256(b, 1)};
    for (int i = 0; i < 8; i++) {
        __m128i eight = i & 1 ? _mm_srli_si128(parts[i / 2], 8) : parts[i / 2];
        __m256 numbers = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
        out[i] = _mm256_fmadd_ps(numbers, _mm256_set1_ps(scale), _mm256_set1_ps(offset));
    }
}

AVX2 static inline __m256i to_bfloat(__m256 v) { /* in the lower half of each number, to the nearest */
    __m256i bits = _mm256_castps_si256(v), even = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), even), 16);
}

AVX2 static void row_as_bfloat(const Matrix *m, int64_t row, uint16_t *out) {
    int64_t groups = m->columns / GROUP;
    for (int64_t g = 0; g < groups; g++) {
        float scale = bfloat(m->scales[row * groups + g]), offset = bfloat(m->offsets[row * groups + g]);
        __m256 v[8];
        group_numbers(m->codes + (row * groups + g) * 32, scale, offset - 8 * scale, v);
        for (int i = 0; i < 8; i += 2) {
            __m256i both = _mm256_packus_epi32(to_bfloat(v[i]), to_bfloat(v[i + 1]));
            _mm256_storeu_si256((__m256i *)(out + g * GROUP + 8 * i), _mm256_permute4x64_epi64(both, 0xD8));
        }
    }
}

/* A row rounded to 8 bits; returns what one unit stands for. */
AVX2 static float row_as_bytes(const Matrix *m, int64_t row, int8_t *out) {
    const __m256i ordered = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int64_t groups = m->columns / GROUP;
    float most = 1e-20f;
    for (int64_t g = 0; g < groups; g++) {
        float scale = bfloat(m->scales[row * groups + g]), offset = bfloat(m->offsets[row * groups + g]);
        most = fmaxf(most, fmaxf(fabsf(offset - 8 * scale), fabsf(offset + 7 * scale)));
    }
    float by = 127.0f / most;
    for (int64_t g = 0; g < groups; g++) {
        float scale = bfloat(m->scales[row * groups + g]), offset = bfloat(m->offsets[row * groups + g]);
        __m256 v[8];
        group_numbers(m->codes + (row * groups + g) * 32, scale * by, (offset - 8 * scale) * by, v);
        for (int i = 0; i < 8; i += 4) {
            __m256i first = _mm256_packs_epi32(_mm256_cvtps_epi32(v[i]), _mm256_cvtps_epi32(v[i + 1]));
            __m256i second = _mm256_packs_epi32(_mm256_cvtps_epi32(v[i + 2]), _mm256_cvtps_epi32(v[i + 3]));
            __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second), ordered);
            _mm256_storeu_si256((__m256i *)(out + g * GROUP + 8 * i), bytes);
        }
    }
    return most / 127.0f;
}

/* ---- attention */

AVX2 static void store_half(uint16_t *to, const float *from, int64_t n) {
    const __m256 most = _mm256_set1_ps(65504.0f), least = _mm256_set1_ps(-65504.0f);
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(from + i), least), most);
        _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(v, 0));
    }
}

AVX2 static inline __m256 half8(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* Turn the first components of a head in pairs (i, i + turned/2), as in phi.py. */
static void turn(const Layer *l, float *head, int64_t place) {
    const float *cosine = l->cosines + place * l->turned, *sine = l->sines + place * l->turned;
    int64_t half = l->turned / 2;
    for (int64_t i = 0; i < half; i++) {
        float a = head[i], b = head[i + half];
        head[i] = a * cosine[i] - b * sine[i];
        head[i + half] = b * cosine[i + half] + a * sine[i + half];
    }
}

AVX2 static void attend_head(const Layer *l, const float *query, int64_t head, int64_t count, float *out) {
    int64_t size = l->size, from = head / (l->heads / l->key_heads);
    const uint16_t *keys = l->keys + from * l->capacity * size, *values = l->values + from * l->capacity * size;
    float *seen = l->seen + head * l->capacity, largest = -INFINITY, shrink = 1.0f / sqrtf((float)size);
    for (int64_t t = 0; t < count; t++) {
        __m256 sum = _mm256_setzero_ps();
        for (int64_t i = 0; i < size; i += 8)
            sum = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), half8(keys + t * size + i), sum);
        seen[t] = sum8(sum) * shrink;
        largest = seen[t] > largest ? seen[t] : largest;
    }
    int64_t t = 0;
    float total = 0;
    __m256 totals = _mm256_setzero_ps();
    for (; t + 8 <= count; t += 8) {
        __m256 e = exp8(_mm256_sub_ps(_mm256_loadu_ps(seen + t), _mm256_set1_ps(largest)));
        _mm256_storeu_ps(seen + t, e);
        totals = _mm256_add_ps(totals, e);
    }
    for (; t < count; t++) total += seen[t] = expf(seen[t] - largest);
    float by = 1.0f / (total + sum8(totals));
    memset(out, 0, (size_t)size * sizeof(float));
    for (t = 0; t + 4 <= count; t += 4) {
        __m256 w[4];
        for (int k = 0; k < 4; k++) w[k] = _mm256_set1_ps(seen[t + k] *= by);
        for (int64_t i = 0; i < size; i += 8) {
            __m256 sum = _mm256_loadu_ps(out + i);
            for (int k = 0; k < 4; k++) sum = _mm256_fmadd_ps(w[k], half8(values + (t + k) * size + i), sum);
            _mm256_storeu_ps(out + i, sum);
        }
    }
    for (; t < count; t++) {
        __m256 w = _mm256_set1_ps(seen[t] *= by);
        for (int64_t i = 0; i < size; i += 8)
            _mm256_storeu_ps(out + i, _mm256_fmadd_ps(w, half8(values + t * size + i), _mm256_loadu_ps(out + i)));
    }
}

static void attend(const Layer *l, float *y, int64_t place, float *out, int threads) {
    int64_t heads = l->heads, size = l->size;
    float *key = y + heads * size, *value = key + l->key_heads * size;
    int h;
    for (h = 0; h < heads; h++) turn(l, y + h * size, place);
    for (h = 0; h < l->key_heads; h++) {
        turn(l, key + h * size, place);
        store_half(l->keys + (h * l->capacity + place) * size, key + h * size, size);
        store_half(l->values + (h * l->capacity + place) * size, value + h * size, size);
    }
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (h = 0; h < (int)heads; h++) attend_head(l, y + h * size, h, place + 1, out + h * size);
}

/* ---- what native.py calls */

/* x goes through the layer as token number `place`. y has room for the inward rows, both for the
   outward columns, rounded for one Rounded. */
EXPORT void native_layer(const Layer *l, float *x, int64_t place, float *y, float *both, Rounded *rounded,
                         int threads, int level) {
    normalize(l, x, both);
    round_input(both, l->inward.columns, rounded);
    product(&l->inward, rounded, 1, l->inward_bias, y, 0, threads, level);
    attend(l, y, place, both, threads);
    float *inner = y + l->inward.rows - l->inner, *after = both + l->outward.columns - l->inner;
    memcpy(after, inner, (size_t)l->inner * sizeof(float));
    gelu(after, l->inner);
    round_input(both, l->outward.columns, rounded);
    product(&l->outward, rounded, 1, l->outward_bias, x, 1, threads, level);
}

/* y = W x + bias for `count` inputs; bias may be null, rounded has room for `count`. */
EXPORT void native_product(const Matrix *m, const float *x, int count, const float *bias, float *y,
                           Rounded *rounded, int threads, int level) {
    for (int i = 0; i < count; i++) round_input(x + i * m->columns, m->columns, rounded + i);
    product(m, rounded, count, bias, y, 0, threads, level);
}

/* Rows `first` to `first + count` in bfloat16, (count, columns). */
EXPORT void native_bfloat(const Matrix *m, int64_t first, int count, uint16_t *out, int threads) {
    int i;
#pragma omp parallel for num_threads(threads)
    for (i = 0; i < count; i++) row_as_bfloat(m, first + i, out + i * m->columns);
}

/* The same in 8 bits, and what a unit of each row stands for. */
EXPORT void native_bytes(const Matrix *m, int64_t first, int count, int8_t *out, float *units, int threads) {
    int i;
#pragma omp parallel for num_threads(threads)
    for (i = 0; i < count; i++) units[i] = row_as_bytes(m, first + i, out + i * m->columns);
}

EXPORT int64_t native_room(void) { return (int64_t)sizeof(Rounded); }

/* 2: AVX-512 with VNNI, 1: AVX2, 0: neither. */
EXPORT int native_level(void) {
#if defined(_MSC_VER)
    int id[4];
    __cpuidex(id, 1, 0);
    if (!(id[2] & (1 << 12)) || !(id[2] & (1 << 27)) || !(id[2] & (1 << 29)) || (_xgetbv(0) & 6) != 6) return 0;
    int wide = (_xgetbv(0) & 0xe6) == 0xe6;
    __cpuidex(id, 7, 0);
    if (!(id[1] & (1 << 5))) return 0;
    const int needed = (1 << 16) | (1 << 17) | (1 << 30) | (int)(1u << 31);
    return wide && (id[1] & needed) == needed && (id[2] & (1 << 11)) ? 2 : 1;
#else
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) return 0;
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni")
               ? 2
               : 1;
#endif
}

#else
EXPORT int native_level(void) { return 0; }
#endif

/* The functions above are called through ctypes; this only makes the file a module that is found. */
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
