// Functions of rows for one instruction set, which vec and lanes are of as in tile.h. Each computes one row.

static inline TARGET float NAME(sum_of)(NAME(vec) x) {
	float all[V];
	NAME(store)(all, x);
	for (int n = V / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			all[i] += all[i + n];
	return all[0];
}

static inline TARGET float NAME(most_of)(NAME(vec) x) {
	float all[V];
	NAME(store)(all, x);
	for (int n = V / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			all[i] = all[i] > all[i + n] ? all[i] : all[i + n];
	return all[0];
}

// exp is e^x for x <= 0, to one unit in the last place or two where the result is normal: 2^n times the Taylor series of what
// is left, at most ln(2)/2. x below -150 counts as -150, which gives 0.
static inline TARGET NAME(vec) NAME(exp)(NAME(vec) x) {
	x = NAME(larger)(NAME(broadcast)(-150), x); // in this order a NaN stays
	NAME(vec) n = NAME(whole)(NAME(times)(x, NAME(broadcast)(1.44269504088896341f)));
	// ln(2) in two parts, of which the first has few digits, so that n times it is exact.
	NAME(vec) r = NAME(fma)(n, NAME(broadcast)(-0x1.62e4p-1f), x);
	r = NAME(fma)(n, NAME(broadcast)(-0x1.7f7d1cp-20f), r);
	NAME(vec) y = NAME(broadcast)(1.f / 5040);
	y = NAME(fma)(y, r, NAME(broadcast)(1.f / 720));
	y = NAME(fma)(y, r, NAME(broadcast)(1.f / 120));
	y = NAME(fma)(y, r, NAME(broadcast)(1.f / 24));
	y = NAME(fma)(y, r, NAME(broadcast)(1.f / 6));
	y = NAME(fma)(y, r, NAME(broadcast)(.5f));
	y = NAME(fma)(y, r, NAME(broadcast)(1));
	y = NAME(fma)(y, r, NAME(broadcast)(1));
	return NAME(times_power)(y, n);
}

static TARGET void NAME(softmax)(const float *x, float *y, int64_t n) {
	const NAME(vec) least = NAME(broadcast)(-__builtin_inff());
	NAME(lanes) some = NAME(first)(n % V);
	NAME(vec) most = n % V ? NAME(load_some_or)(x + n / V * V, some, least) : least;
	int64_t j;
	for (j = 0; j + V <= n; j += V)
		most = NAME(larger)(most, NAME(load)(x + j));
	NAME(vec) by = NAME(broadcast)(NAME(most_of)(most)), sum = NAME(zero)();
	for (j = 0; j + V <= n; j += V) {
		NAME(vec) e = NAME(exp)(NAME(minus)(NAME(load)(x + j), by));
		NAME(store)(y + j, e);
		sum = NAME(plus)(sum, e);
	}
	if (j < n) {
		NAME(vec) e = NAME(exp)(NAME(minus)(NAME(load_some_or)(x + j, some, least), by));
		NAME(store_some)(y + j, e, some);
		sum = NAME(plus)(sum, e);
	}
	NAME(vec) all = NAME(broadcast)(NAME(sum_of)(sum));
	for (j = 0; j + V <= n; j += V)
		NAME(store)(y + j, NAME(over)(NAME(load)(y + j), all));
	if (j < n)
		NAME(store_some)(y + j, NAME(over)(NAME(load_some)(y + j, some), all), some);
}

static TARGET void NAME(normalize)(const float *x, const float *weight, const float *bias, float epsilon, float *y, int64_t n) {
	NAME(lanes) some = NAME(first)(n % V);
	NAME(vec) sum = NAME(zero)(), squares = NAME(zero)();
	int64_t j;
	for (j = 0; j + V <= n; j += V)
		sum = NAME(plus)(sum, NAME(load)(x + j));
	if (j < n)
		sum = NAME(plus)(sum, NAME(load_some)(x + j, some));
	NAME(vec) mean = NAME(broadcast)(NAME(sum_of)(sum) / n);
	for (j = 0; j + V <= n; j += V) {
		NAME(vec) from_mean = NAME(minus)(NAME(load)(x + j), mean);
		squares = NAME(fma)(from_mean, from_mean, squares);
	}
	if (j < n) {
		NAME(vec) from_mean = NAME(minus)(NAME(load_some_or)(x + j, some, mean), mean);
		squares = NAME(fma)(from_mean, from_mean, squares);
	}
	NAME(vec) spread = NAME(broadcast)(1 / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(NAME(sum_of)(squares) / n + epsilon))));
	for (j = 0; j + V <= n; j += V) {
		NAME(vec) even = NAME(times)(NAME(minus)(NAME(load)(x + j), mean), spread);
		NAME(store)(y + j, NAME(fma)(even, NAME(load)(weight + j), NAME(load)(bias + j)));
	}
	if (j < n) {
		NAME(vec) even = NAME(times)(NAME(minus)(NAME(load_some)(x + j, some), mean), spread);
		NAME(store_some)(y + j, NAME(fma)(even, NAME(load_some)(weight + j, some), NAME(load_some)(bias + j, some)), some);
	}
}
