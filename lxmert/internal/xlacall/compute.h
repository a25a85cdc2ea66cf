#ifndef LXMERT_COMPUTE_H
#define LXMERT_COMPUTE_H
#include <stdint.h>

enum { product_batches = 3 };

// c[z..., i, j] = sum over p of a[z..., i, p] * b[z..., p, j], where steps are counted in floats. c's step along j is 1.
// The field order is that of numbers, which Go writes.
typedef struct {
	int64_t size[product_batches], m, n, k;
	int64_t a_batch[product_batches], a_m, a_k;
	int64_t b_batch[product_batches], b_k, b_n;
	int64_t c_batch[product_batches], c_m;
	const float *a, *b;
	float *c;
} product;

enum { product_numbers = 4 * product_batches + 8 };

// product_units are the parts of a product, which touch different floats of c.
typedef struct {
	int64_t rows, columns;              // of a part
	int64_t row_parts, column_parts;    // of one matrix
	int64_t together;                   // matrices in a part, where it has whole ones
	int64_t count;
} product_units;

product_units product_split(const product *p, int64_t threads);
// product_ready is 0 if this thread has no memory to compute in. Otherwise product_unit computes a part on it.
int product_ready(void);
void product_unit(const product *p, const product_units *u, int64_t i);

// count rows of size floats each: their softmax or, where there is a weight, which has a row's size as the bias has,
// (x - mean) / sqrt(variance + epsilon) * weight + bias.
typedef struct {
	int64_t count, size;
	float epsilon;
	const float *x, *weight, *bias;
	float *y;
} rows;

int64_t rows_units(const rows *r);
void rows_unit(const rows *r, int64_t i);

// compute_works says whether this processor has the instructions.
int compute_works(void);
// compute_narrow(1) leaves AVX-512 alone.
void compute_narrow(int on);

#endif
