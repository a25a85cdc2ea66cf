#ifndef LXMERT_CALL_H
#define LXMERT_CALL_H

// matmul_register gives XLA's CPU plugin, which this process has loaded from a path, a function for compiled programs to
// call by that name: the product of two float32 arrays, of which the numbers of a product are the only attribute. It
// returns NULL or why it cannot.
const char *matmul_register(const char *plugin, const char *name);

#endif
