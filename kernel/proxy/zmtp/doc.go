// Package zmtp speaks as much of ZeroMQ's wire protocol, ZMTP 3.0 with the NULL mechanism (rfc.zeromq.org/spec/23), as a
// Jupyter kernel needs: a [Router] that answers many clients, a [Publisher], and a [Peer] that connects to another kernel.
//
// Whoever can reach a kernel's ports can send it anything, so nothing here trusts the other side: each connection has its
// own goroutines and a time limit for the handshake, lengths are checked before anything is allocated and memory grows only
// with what has arrived, a peer that does not read cannot hold up the others, and what is not ZMTP ends its own connection
// and nothing else. (The general Go implementations let one silent connection block all others, and panic on a frame
// that claims to be very long.)
package zmtp
