// pool_trim has glibc give back to the system what it holds in small blocks that are free.
void pool_trim(void);

// pool_off says why there is no pool; "": there is one.
const char *pool_off(void);
