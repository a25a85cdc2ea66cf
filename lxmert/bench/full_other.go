//go:build !unix

package bench

func isDiskFull(error) bool { return false }
