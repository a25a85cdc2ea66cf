#ifndef LXMERT_CALL_H
#define LXMERT_CALL_H

// Names by which compiled programs call the functions. Each has an attribute, numbers: of a product, those that its struct
// begins with; of the others how many rows there are and how large they are and, to normalize, the bits of epsilon.
#define call_product "golxmert.product"     // of two arrays
#define call_softmax "golxmert.softmax"     // of one
#define call_normalize "golxmert.normalize" // of rows, weight and bias

// calls_register makes them known to XLA's CPU plugin, which this process has loaded from a path. It returns NULL or why it
// cannot.
const char *calls_register(const char *plugin);

#endif
