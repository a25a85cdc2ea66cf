// Tiles of products for one instruction set, in which vec is a vector of V floats and lanes says which of the last
// vector's floats are there; load_some and store_some touch only those.

// tile adds up rows x vectors of c over k, in registers. It is inlined with constants for both, and for whether the last
// vector is whole: loading a part of it takes longer. Of each row that lies at
// ahead, ahead_k floats apart, it brings some lines of memory, of 16 floats, into the cache.
static inline __attribute__((always_inline)) TARGET void NAME(tile)(const int rows, const int vectors, const int whole, int64_t k, const float *a, int64_t a_m,
		int64_t a_k, const float *b, int64_t b_k, const float *ahead, int64_t ahead_k, int lines,
		float *c, int64_t c_m, int add, NAME(lanes) last) {
	NAME(vec) sum[12][4];
#pragma GCC unroll 12
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++)
			sum[i][j] = NAME(zero)();
	for (int64_t p = 0; p < k; p++) {
		NAME(vec) row[4];
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++) {
			row[j] = whole || j < vectors - 1 ? NAME(load)(b + V * j) : NAME(load_some)(b + V * j, last);
		}
		for (int j = 0; j < lines; j++)
			__builtin_prefetch(ahead + 16 * j, 0, 2);
#pragma GCC unroll 12
		for (int i = 0; i < rows; i++) {
			NAME(vec) x = NAME(broadcast)(a[i * a_m]);
#pragma GCC unroll 4
			for (int j = 0; j < vectors; j++)
				sum[i][j] = NAME(fma)(x, row[j], sum[i][j]);
		}
		a += a_k;
		b += b_k;
		ahead += ahead_k;
	}
#pragma GCC unroll 12
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++) {
			float *to = c + i * c_m + V * j;
			if (j < vectors - 1)
				NAME(store)(to, add ? NAME(plus)(sum[i][j], NAME(load)(to)) : sum[i][j]);
			else
				NAME(store_some)(to, add ? NAME(plus)(sum[i][j], NAME(load_some)(to, last)) : sum[i][j], last);
		}
	}
}

#define TILE(rows, vectors) \
	static TARGET void NAME(tile_##rows##_##vectors)(int64_t k, const float *a, int64_t a_m, int64_t a_k, const float *b, int64_t b_k, \
			const float *ahead, int64_t ahead_k, int lines, float *c, int64_t c_m, int add, int last) { \
		if (last == V) \
			NAME(tile)(rows, vectors, 1, k, a, a_m, a_k, b, b_k, ahead, ahead_k, lines, c, c_m, add, NAME(first)(V)); \
		else \
			NAME(tile)(rows, vectors, 0, k, a, a_m, a_k, b, b_k, ahead, ahead_k, lines, c, c_m, add, NAME(first)(last)); \
	}
TILES(TILE)
#undef TILE

static const tile_function NAME(tiles)[5][13] = {
#define TILE(rows, vectors) [vectors][rows] = NAME(tile_##rows##_##vectors),
	TILES(TILE)
#undef TILE
};

// transpose writes up to V x V floats the other way: to[j][i] = from[i][j]. Rows of to are filled up to V.
static inline TARGET void NAME(transpose)(const float *from, int64_t step, int rows, int columns, float *to, int64_t to_step) {
	NAME(vec) x[V], y[V];
	NAME(lanes) some = NAME(first)(columns);
#pragma GCC unroll 16
	for (int i = 0; i < V; i++)
		x[i] = NAME(load_some)(from + (i < rows ? i : 0) * step, some);
#pragma GCC unroll 8
	for (int i = 0; i < V; i += 2) {
		y[i] = NAME(low)(x[i], x[i + 1]);
		y[i + 1] = NAME(high)(x[i], x[i + 1]);
	}
	// Then x[4g+j] has, in its q-th four floats, column 4q+j of the rows 4g to 4g+3.
#pragma GCC unroll 4
	for (int i = 0; i < V; i += 4)
#pragma GCC unroll 2
		for (int h = 0; h < 2; h++) {
			x[i + 2 * h] = NAME(low_pairs)(y[i + h], y[i + 2 + h]);
			x[i + 2 * h + 1] = NAME(high_pairs)(y[i + h], y[i + 2 + h]);
		}
	NAME(spread)(x, columns, to, to_step);
}

// along copies k rows of n floats: to[p][j] = b[p][j]. Rows of to are filled up to a multiple of V.
static TARGET void NAME(along)(const float *b, int64_t step, int64_t k, int64_t n, float *to, int64_t to_step) {
	for (int64_t p = 0; p < k; p++, b += step, to += to_step) {
		int64_t j = 0;
		for (; j + V <= n; j += V) {
			if (j % 16 == 0)
				__builtin_prefetch(b + 12 * step + j);
			NAME(store)(to + j, NAME(load)(b + j));
		}
		if (j < n)
			NAME(store)(to + j, NAME(load_some)(b + j, NAME(first)(n - j)));
	}
}

// across writes n columns of b as rows: to[p][j] = b[j][p] for p < k. Rows of to are filled up to a multiple of V.
static TARGET void NAME(across)(const float *b, int64_t step, int64_t k, int64_t n, float *to, int64_t to_step) {
	for (int64_t j = 0; j < n; j += V)
		for (int64_t p = 0; p < k; p += V)
			NAME(transpose)(b + j * step + p, step, n - j < V ? n - j : V, k - p < V ? k - p : V, to + p * to_step + j, to_step);
}
