// Package tuning compares training runs that differ in their settings, such as the points of a grid of learning rates and
// batch sizes: [Trials] become a table with the best run marked, and a figure of their curves.
//
// It reads what runs write into their metrics.jsonl and nothing else, so that a program which cannot train, such as a
// notebook's cell, can show them.
package tuning
