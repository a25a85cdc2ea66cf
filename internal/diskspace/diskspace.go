// Package diskspace asks how much room a file system has.
package diskspace
