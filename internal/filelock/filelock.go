// Package filelock keeps two processes from doing the same thing to the same folder.
package filelock
