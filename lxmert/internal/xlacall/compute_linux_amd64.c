#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "compute.h"

// The package comment says what this is for. A product is computed in tiles of c that fit the registers, 6 x 64 floats with
// AVX-512 and 6 x 16 with AVX2; what is left at the edges has tiles of its own. A tile reads rows of a, one float at a time,
// and a panel of b, which is as wide as the tile. Where several tiles use them, both are copies that lie close together in
// the cache. With few rows the first tile copies the panel while it reads it; with many, or where b is transposed, it is
// copied beforehand.

typedef void (*tile_function)(int64_t k, const float *a, int64_t a_m, int64_t a_k, const float *b, int64_t b_k, float *panel,
	const float *ahead, int64_t ahead_k, int lines, float *c, int64_t c_m, int add, int last);

// kind is how a tile reads a and b.
enum kind {
	direct,  // as they are, or a copied
	keeping, // a copied, and b, which it copies into the panel
	kept,    // both copied; it still prefetches what lies ahead
	packed,  // both copied
	edge,    // the same, where c ends within the last vector
	kinds,
};

enum {
	depth = 256,         // of k that a panel holds at most
	shallow = 32,        // with few rows: more rows of b are in more pages than a processor has at hand, and would be waited for
	height = 360,        // rows that use a panel before the next
	widest = 64,         // a panel, floats
	few = 64,            // rows for which panels are not copied beforehand
	line = depth + 16,   // floats between copied rows of a; depth itself would have them share places in the cache
	enough = 1 << 18,    // multiplications that are worth another thread
};

#define TARGET __attribute__((target("avx512f,fma")))
#define NAME(x) x##_512
#define V 16
#define TILES(t) \
	t(1, 1) t(2, 1) t(3, 1) t(4, 1) t(5, 1) t(6, 1) t(7, 1) t(8, 1) t(9, 1) t(10, 1) t(11, 1) t(12, 1) \
	t(1, 2) t(2, 2) t(3, 2) t(4, 2) t(5, 2) t(6, 2) t(7, 2) t(8, 2) t(9, 2) t(10, 2) t(11, 2) t(12, 2) \
	t(1, 3) t(2, 3) t(3, 3) t(4, 3) t(5, 3) t(6, 3) t(7, 3) t(8, 3) \
	t(1, 4) t(2, 4) t(3, 4) t(4, 4) t(5, 4) t(6, 4)
typedef __m512 vec_512;
typedef __mmask16 lanes_512;
#define zero_512 _mm512_setzero_ps
#define load_512 _mm512_loadu_ps
#define store_512 _mm512_storeu_ps
#define load_some_512(from, l) _mm512_maskz_loadu_ps(l, from)
#define store_some_512(to, x, l) _mm512_mask_storeu_ps(to, l, x)
#define broadcast_512 _mm512_set1_ps
#define fma_512 _mm512_fmadd_ps
#define plus_512 _mm512_add_ps
#define minus_512 _mm512_sub_ps
#define times_512 _mm512_mul_ps
#define over_512 _mm512_div_ps
#define larger_512 _mm512_max_ps
#define whole_512(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define times_power_512 _mm512_scalef_ps
#define load_some_or_512(from, l, other) _mm512_mask_loadu_ps(other, l, from)
#define first_512(n) (lanes_512)((1u << (n)) - 1)
#define low_512 _mm512_unpacklo_ps
#define high_512 _mm512_unpackhi_ps
#define low_pairs_512(x, y) _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#define high_pairs_512(x, y) _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))

// spread_512 finishes transpose_512.
static inline TARGET void spread_512(const __m512 *x, int columns, float *to, int64_t to_step) {
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++) {
		__m512 even_low = _mm512_shuffle_f32x4(x[j], x[4 + j], 0x88), even_high = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0x88);
		__m512 odd_low = _mm512_shuffle_f32x4(x[j], x[4 + j], 0xdd), odd_high = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0xdd);
		if (j < columns)
			_mm512_storeu_ps(to + j * to_step, _mm512_shuffle_f32x4(even_low, even_high, 0x88));
		if (4 + j < columns)
			_mm512_storeu_ps(to + (4 + j) * to_step, _mm512_shuffle_f32x4(odd_low, odd_high, 0x88));
		if (8 + j < columns)
			_mm512_storeu_ps(to + (8 + j) * to_step, _mm512_shuffle_f32x4(even_low, even_high, 0xdd));
		if (12 + j < columns)
			_mm512_storeu_ps(to + (12 + j) * to_step, _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd));
	}
}

#include "tile.h"
#include "rows.h"
#undef TARGET
#undef NAME
#undef V
#undef TILES

#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_256
#define V 8
#define TILES(t) \
	t(1, 1) t(2, 1) t(3, 1) t(4, 1) t(5, 1) t(6, 1) t(7, 1) t(8, 1) t(9, 1) t(10, 1) t(11, 1) t(12, 1) \
	t(1, 2) t(2, 2) t(3, 2) t(4, 2) t(5, 2) t(6, 2)
typedef __m256 vec_256;
typedef __m256i lanes_256;
#define zero_256 _mm256_setzero_ps
#define load_256 _mm256_loadu_ps
#define store_256 _mm256_storeu_ps
#define load_some_256(from, l) _mm256_maskload_ps(from, l)
#define store_some_256(to, x, l) _mm256_maskstore_ps(to, l, x)
#define broadcast_256 _mm256_set1_ps
#define fma_256 _mm256_fmadd_ps
#define plus_256 _mm256_add_ps
#define minus_256 _mm256_sub_ps
#define times_256 _mm256_mul_ps
#define over_256 _mm256_div_ps
#define larger_256 _mm256_max_ps
#define whole_256(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define load_some_or_256(from, l, other) _mm256_blendv_ps(other, _mm256_maskload_ps(from, l), _mm256_castsi256_ps(l))
#define first_256(n) _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define low_256 _mm256_unpacklo_ps
#define high_256 _mm256_unpackhi_ps
#define low_pairs_256(x, y) _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(x), _mm256_castps_pd(y)))
#define high_pairs_256(x, y) _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(x), _mm256_castps_pd(y)))

// times_power_256 is x times 2^n, as two factors: one reaches down to 2^-126.
static inline TARGET __m256 times_power_256(__m256 x, __m256 n) {
	__m256i all = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(all, 1), bias = _mm256_set1_epi32(127);
	x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
	return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(all, half), bias), 23)));
}

// spread_256 finishes transpose_256.
static inline TARGET void spread_256(const __m256 *x, int columns, float *to, int64_t to_step) {
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++) {
		if (j < columns)
			_mm256_storeu_ps(to + j * to_step, _mm256_permute2f128_ps(x[j], x[4 + j], 0x20));
		if (4 + j < columns)
			_mm256_storeu_ps(to + (4 + j) * to_step, _mm256_permute2f128_ps(x[j], x[4 + j], 0x31));
	}
}

#include "tile.h"
#include "rows.h"
#undef TARGET
#undef NAME
#undef V
#undef TILES

// instructions is what differs between the two.
typedef struct {
	int lanes, vectors;     // of a register; of a panel
	int rows[5];            // of a tile, by vectors
	const tile_function (*tiles)[13][kinds];
	void (*along)(const float *b, int64_t step, int64_t k, int64_t n, float *to, int64_t to_step);
	void (*across)(const float *b, int64_t step, int64_t k, int64_t n, float *to, int64_t to_step);
	void (*softmax)(const float *x, float *y, int64_t n);
	void (*normalize)(const float *x, const float *weight, const float *bias, float epsilon, float *y, int64_t n);
} instructions;

static const instructions wide = {16, 4, {0, 12, 12, 8, 6}, tiles_512, along_512, across_512, softmax_512, normalize_512};
static const instructions narrow = {8, 2, {0, 12, 6}, tiles_256, along_256, across_256, softmax_256, normalize_256};
static atomic_int is_narrow;

void compute_narrow(int on) { atomic_store(&is_narrow, on); }

int compute_works(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static const instructions *chosen(void) {
	return __builtin_cpu_supports("avx512f") && !atomic_load_explicit(&is_narrow, memory_order_relaxed) ? &wide : &narrow;
}

// scratch is a thread's own: a panel of b, and rows of a.
typedef struct {
	float panel[depth * widest];
	float rows[height * line];
} scratch;

static pthread_key_t scratch_key;
static void scratch_make_key(void) { pthread_key_create(&scratch_key, free); }

static scratch *scratch_get(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, scratch_make_key);
	scratch *s = pthread_getspecific(scratch_key);
	if (!s && !posix_memalign((void **)&s, 64, sizeof *s))
		pthread_setspecific(scratch_key, s);
	return s;
}

static int64_t up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// copy copies k rows of n floats to rows of step floats, a multiple of the lanes.
static void copy(const instructions *in, const float *b, int64_t b_k, int64_t b_n, int64_t k, int64_t n, float *to, int64_t step) {
	if (b_n == 1) {
		in->along(b, b_k, k, n, to, step);
		return;
	}
	if (b_k == 1) {
		in->across(b, b_n, k, n, to, step);
		return;
	}
	for (int64_t j = 0; j < n; j++)
		for (int64_t p = 0; p < k; p++)
			to[p * step + j] = b[p * b_k + j * b_n];
}

// by_columns says that a lies column by column.
static int by_columns(const product *p) { return p->a_m == 1 && p->a_k != 1; }

static int64_t matrices_of(const product *p) { return p->size[0] * p->size[1] * p->size[2]; }

// part computes rows m0 to m1 and columns n0 to n1 of one matrix.
static void part(const instructions *in, scratch *s, const product *g, const float *a, const float *b, float *c, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
	int64_t width = in->lanes * in->vectors;
	int64_t blocks = (m1 - m0 + height - 1) / height;
	int64_t high = up((m1 - m0 + blocks - 1) / blocks, 6);
	int copy_panels = m1 - m0 > few || g->b_n != 1;
	int64_t deep = copy_panels ? depth : shallow;
	for (int64_t k0 = 0; k0 < g->k; k0 += deep) {
		int64_t k = g->k - k0 < deep ? g->k - k0 : deep;
		for (int64_t i0 = m0; i0 < m1; i0 += high) {
			int64_t m = m1 - i0 < high ? m1 - i0 : high;
			const float *left = a + i0 * g->a_m + k0 * g->a_k;
			// Along a column of a, every float is in another line of memory, and a tile wants few of each.
			int copy_rows = copy_panels || m > in->rows[in->vectors] || by_columns(g) || (n1 - n0) % in->lanes;
			if (copy_rows)
				copy(in, left, g->a_m, g->a_k, m, k, s->rows, line);
			for (int64_t j = n0; j < n1; j += width) {
				int64_t n = n1 - j < width ? n1 - j : width;
				int vectors = (n + in->lanes - 1) / in->lanes, last = n - in->lanes * (vectors - 1);
				int64_t tiles = (m + in->rows[vectors] - 1) / in->rows[vectors];
				const float *right = b + k0 * g->b_k + j * g->b_n;
				int copied = copy_panels || last < in->lanes;
				if (copied)
					copy(in, right, g->b_k, g->b_n, k, n, s->panel, vectors * in->lanes);
				// Tiles prefetch the next panel, each some columns, where the processor does not by itself.
				const float *next = j + width < n1 ? right + width : k0 + deep < g->k ? b + (k0 + deep) * g->b_k + n0 * g->b_n : NULL;
				int lines = !copied && next ? (width / 16 + tiles - 1) / tiles : 0;
				for (int64_t t = 0, i = 0; t < tiles; t++) {
					int rows = (m - i + tiles - t - 1) / (tiles - t);
					if (16 * lines * t >= width)
						lines = 0;
					enum kind kind = last < in->lanes ? edge : copied ? packed : tiles == 1 ? direct : t == 0 ? keeping : lines ? kept : packed;
					in->tiles[vectors][rows][kind](k, copy_rows ? s->rows + i * line : left + i * g->a_m, copy_rows ? line : g->a_m, copy_rows ? 1 : g->a_k,
						kind >= kept ? s->panel : right, g->b_k, s->panel, (lines ? next : right) + 16 * lines * t, g->b_k, lines,
						c + (i0 + i) * g->c_m + j, g->c_m, k0 > 0, last);
					i += rows;
				}
			}
		}
	}
}

int product_ready(void) { return scratch_get() != NULL; }

product_units product_split(const product *p, int64_t threads) {
	int64_t matrices = matrices_of(p);
	product_units u = {p->m, p->n, 1, 1, 1, matrices};
	double work = (double)p->m * p->n * p->k; // of one matrix
	// More parts than threads, since those are not equally quick; but with few rows a part should be long, because a panel
	// prefetches the next.
	int64_t wanted = (p->m > few ? 4 : 3) * threads;
	if (work * matrices < (double)wanted * enough)
		wanted = work * matrices / enough;
	if (threads < 2 || wanted < 2) {
		u.together = matrices;
		u.count = 1;
		return u;
	}
	if (matrices >= wanted) {
		u.together = matrices / wanted;
		u.count = (matrices + u.together - 1) / u.together;
		return u;
	}
	// Every part copies its rows of a and its columns of b: the fewer the better, so parts are nearly square. With few rows
	// only columns are split.
	int64_t of_one = (wanted + matrices - 1) / matrices;
	double best = 0;
	for (int64_t row_parts = 1; row_parts <= of_one && (row_parts == 1 || p->m > row_parts * few); row_parts++) {
		int64_t column_parts = (of_one + row_parts - 1) / row_parts;
		double copies = (double)column_parts * p->m + (double)row_parts * p->n;
		if (row_parts > 1 && copies >= best)
			continue;
		best = copies;
		u.rows = up((p->m + row_parts - 1) / row_parts, 6);
		u.columns = up((p->n + column_parts - 1) / column_parts, widest);
	}
	u.row_parts = (p->m + u.rows - 1) / u.rows;
	u.column_parts = (p->n + u.columns - 1) / u.columns;
	u.count = matrices * u.row_parts * u.column_parts;
	return u;
}

void product_unit(const product *p, const product_units *u, int64_t i) {
	const instructions *in = chosen();
	scratch *s = scratch_get();
	int64_t parts = u->row_parts * u->column_parts;
	int64_t matrices = matrices_of(p);
	int64_t z = i / parts * u->together, end = z + u->together < matrices ? z + u->together : matrices;
	int64_t m0 = i % parts / u->column_parts * u->rows, m1 = m0 + u->rows < p->m ? m0 + u->rows : p->m;
	int64_t n0 = i % parts % u->column_parts * u->columns, n1 = n0 + u->columns < p->n ? n0 + u->columns : p->n;
	for (; z < end; z++) {
		int64_t at[product_batches] = {z / (p->size[1] * p->size[2]), z / p->size[2] % p->size[1], z % p->size[2]};
		const float *a = p->a, *b = p->b;
		float *c = p->c;
		for (int d = 0; d < product_batches; d++) {
			a += at[d] * p->a_batch[d];
			b += at[d] * p->b_batch[d];
			c += at[d] * p->c_batch[d];
		}
		part(in, s, p, a, b, c, m0, m1, n0, n1);
	}
}

int64_t rows_units(const rows *r) {
	const int64_t floats = 1 << 15; // of a part
	return r->count * r->size < 2 * floats ? 1 : (r->count * r->size + floats - 1) / floats;
}

void rows_unit(const rows *r, int64_t i) {
	const instructions *in = chosen();
	int64_t units = rows_units(r);
	for (int64_t z = r->count * i / units, end = r->count * (i + 1) / units; z < end; z++) {
		if (r->weight)
			in->normalize(r->x + z * r->size, r->weight, r->bias, r->epsilon, r->y + z * r->size, r->size);
		else
			in->softmax(r->x + z * r->size, r->y + z * r->size, r->size);
	}
}
