// Package wire is what the resident session and its clients agree on: where the session is found, how a call looks, and
// how an error comes back.
//
// A call is an HTTP request over a unix socket in a folder that only its user can enter. Bodies are JSON, or frames that
// hold a JSON header and a trace file: a batch and the tensors of a request on the way there, a trace on the way back.
// Nothing in a call is ever executed. The package needs no GoMLX, as programs that talk to the session link in a blink.
package wire
