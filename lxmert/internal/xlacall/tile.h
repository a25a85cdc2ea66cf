// Tiles of products for one instruction set, in which vec is a vector of V floats and lanes says which of a vector's floats
// are there; load_some and store_some touch only those.

// tile adds up rows x vectors of c over k, in registers. It is inlined with constants for both and for its kind. Of each row
// that lies at ahead, ahead_k floats apart, it prefetches some cache lines, of 16 floats each. In an edge the last
// vector of c has only last floats.
static inline __attribute__((always_inline)) TARGET void NAME(tile)(const int rows, const int vectors, const enum kind kind, int64_t k,
		const float *a, int64_t a_m, int64_t a_k, const float *b, int64_t b_k, float *panel, const float *ahead, int64_t ahead_k, int lines,
		float *c, int64_t c_m, int add, int last) {
	NAME(vec) sum[12][4];
#pragma GCC unroll 12
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++) {
			sum[i][j] = NAME(zero)();
			if (V * j % 16 == 0)
				__builtin_prefetch(c + i * c_m + V * j, 1);
		}
	if (kind != direct) {
		a_m = line;
		a_k = 1;
	}
	if (kind != direct && kind != keeping)
		b_k = V * vectors;
#pragma GCC unroll 4
	for (int64_t p = 0; p < k; p++) {
		NAME(vec) row[4];
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++) {
			row[j] = NAME(load)(b + V * j);
			if (kind == keeping)
				NAME(store)(panel + V * j, row[j]);
		}
		if (kind != packed && kind != edge) {
			for (int j = 0; j < lines; j++)
				__builtin_prefetch(ahead + 16 * j, 0, 2);
			ahead += ahead_k;
		}
#pragma GCC unroll 12
		for (int i = 0; i < rows; i++) {
			NAME(vec) x = NAME(broadcast)(a[i * a_m]);
#pragma GCC unroll 4
			for (int j = 0; j < vectors; j++)
				sum[i][j] = NAME(fma)(x, row[j], sum[i][j]);
		}
		a += a_k;
		b += b_k;
		panel += V * vectors;
	}
	NAME(lanes) some = NAME(first)(last);
#pragma GCC unroll 12
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++) {
			float *to = c + i * c_m + V * j;
			if (kind != edge || j < vectors - 1)
				NAME(store)(to, add ? NAME(plus)(sum[i][j], NAME(load)(to)) : sum[i][j]);
			else
				NAME(store_some)(to, add ? NAME(plus)(sum[i][j], NAME(load_some)(to, some)) : sum[i][j], some);
		}
	}
}

#define TILE(rows, vectors, kind) \
	static TARGET void NAME(tile_##rows##_##vectors##_##kind)(int64_t k, const float *a, int64_t a_m, int64_t a_k, const float *b, int64_t b_k, float *panel, \
			const float *ahead, int64_t ahead_k, int lines, float *c, int64_t c_m, int add, int last) { \
		NAME(tile)(rows, vectors, kind, k, a, a_m, a_k, b, b_k, panel, ahead, ahead_k, lines, c, c_m, add, last); \
	}
#define KINDS(rows, vectors) \
	TILE(rows, vectors, direct) TILE(rows, vectors, keeping) TILE(rows, vectors, kept) TILE(rows, vectors, packed) TILE(rows, vectors, edge)
TILES(KINDS)
#undef TILE

static const tile_function NAME(tiles)[5][13][kinds] = {
#define TILE(rows, vectors, kind) [vectors][rows][kind] = NAME(tile_##rows##_##vectors##_##kind),
	TILES(KINDS)
#undef KINDS
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
