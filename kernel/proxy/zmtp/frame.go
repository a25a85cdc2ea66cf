package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Message is what one ZeroMQ message consists of: frames of bytes.
type Message [][]byte

// Bits of a frame's first byte.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

const (
	// MaxMessage is the largest message that is accepted, all its frames together, in bytes.
	MaxMessage = 256 << 20
	maxFrames  = 4096
	// firstRead is how much is allocated for a frame before any of it has arrived.
	firstRead = 64 << 10
)

// ErrProtocol is wrapped by errors that say a peer does not speak ZMTP as it should.
var ErrProtocol = errors.New("not ZMTP")

// encode lays out a message's frames as they travel.
func encode(m Message) []byte {
	n := 0
	for _, f := range m {
		n += len(f) + 9
	}
	b := make([]byte, 0, n)
	for i, f := range m {
		var flags byte
		if i < len(m)-1 {
			flags = flagMore
		}
		b = appendFrame(b, flags, f)
	}
	return b
}

func appendFrame(b []byte, flags byte, body []byte) []byte {
	if len(body) > 255 {
		b = append(b, flags|flagLong)
		b = binary.BigEndian.AppendUint64(b, uint64(len(body)))
	} else {
		b = append(b, flags, byte(len(body)))
	}
	return append(b, body...)
}

// appendCommand appends a command frame: a name and a body.
func appendCommand(b []byte, name string, body []byte) []byte {
	inside := append([]byte{byte(len(name))}, name...)
	return appendFrame(b, flagCommand, append(inside, body...))
}

// readFrame reads one frame of at most limit bytes.
func readFrame(r *bufio.Reader, limit int) (flags byte, body []byte, err error) {
	flags, err = r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&flagCommand != 0 && flags&flagMore != 0 {
		return 0, nil, fmt.Errorf("%w: a frame with flags %#02x", ErrProtocol, flags)
	}
	var size uint64
	if flags&flagLong != 0 {
		var n [8]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return 0, nil, cut(err)
		}
		size = binary.BigEndian.Uint64(n[:])
	} else {
		n, err := r.ReadByte()
		if err != nil {
			return 0, nil, cut(err)
		}
		size = uint64(n)
	}
	if size > uint64(limit) {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes, at most %d are accepted here", ErrProtocol, size, limit)
	}
	body, err = readBody(r, int(size))
	return flags, body, err
}

// readBody reads n bytes; memory grows as they arrive.
func readBody(r io.Reader, n int) ([]byte, error) {
	body := make([]byte, 0, min(n, firstRead))
	for len(body) < n {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		got, err := io.ReadFull(r, body[len(body):min(n, cap(body))])
		body = body[:len(body)+got]
		if err != nil {
			return nil, cut(err)
		}
	}
	return body, nil
}

// cut turns an end in the middle of something into an error that says so.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMessage reads the next message, or the next command: then name is not empty and the body is the only frame.
func readMessage(r *bufio.Reader) (m Message, name string, err error) {
	left := MaxMessage
	for {
		flags, body, err := readFrame(r, left)
		if err != nil {
			return nil, "", err
		}
		if flags&flagCommand != 0 {
			if len(m) > 0 {
				return nil, "", fmt.Errorf("%w: a command inside a message", ErrProtocol)
			}
			name, rest, err := splitCommand(body)
			return Message{rest}, name, err
		}
		m = append(m, body)
		left -= len(body)
		if flags&flagMore == 0 {
			return m, "", nil
		}
		if len(m) == maxFrames {
			return nil, "", fmt.Errorf("%w: a message of more than %d frames", ErrProtocol, maxFrames)
		}
	}
}

func splitCommand(body []byte) (name string, rest []byte, err error) {
	if len(body) == 0 || body[0] == 0 || int(body[0]) > len(body)-1 {
		return "", nil, fmt.Errorf("%w: a command without a name", ErrProtocol)
	}
	n := int(body[0])
	return string(body[1 : 1+n]), body[1+n:], nil
}
