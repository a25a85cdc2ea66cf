package zmtp

import (
	"errors"
	"net"
	"sync"
	"time"
)

// errFull says that a peer has not read for a long time.
var errFull = errors.New("the other side does not read")

// outbox holds what is to be written to one connection, so that whoever sends does not wait for a slow reader until
// there is too much.
type outbox struct {
	mu      sync.Mutex
	changed sync.Cond
	queue   [][]byte
	bytes   int
	closed  bool
	slow    bool // it was full for the whole waiting time, and has not been emptied since
}

// outboxSize is how much may wait for one peer, in bytes; a single message may be larger.
const outboxSize = 64 << 20

func newOutbox() *outbox {
	o := &outbox{}
	o.changed.L = &o.mu
	return o
}

// put queues what encode made. When there is too much already it waits for at most so long.
func (o *outbox) put(b []byte, wait time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes > 0 && o.bytes+len(b) > outboxSize && !o.closed {
		if o.slow {
			return errFull
		}
		late := false
		timer := time.AfterFunc(wait, func() {
			o.mu.Lock()
			late = true
			o.mu.Unlock()
			o.changed.Broadcast()
		})
		for o.bytes > 0 && o.bytes+len(b) > outboxSize && !o.closed && !late {
			o.changed.Wait()
		}
		timer.Stop()
		if late && !o.closed {
			o.slow = true
			return errFull
		}
	}
	if o.closed {
		return net.ErrClosed
	}
	o.queue = append(o.queue, b)
	o.bytes += len(b)
	o.changed.Broadcast()
	return nil
}

// run writes until the box is closed or the connection fails.
func (o *outbox) run(c net.Conn) {
	defer o.close()
	for {
		o.mu.Lock()
		for len(o.queue) == 0 && !o.closed {
			o.changed.Wait()
		}
		batch := net.Buffers(o.queue)
		o.queue = nil
		closed := o.closed
		o.mu.Unlock()
		if len(batch) == 0 && closed {
			return
		}
		n := 0
		for _, b := range batch {
			n += len(b)
		}
		_, err := batch.WriteTo(c)
		o.mu.Lock()
		o.bytes -= n
		if o.bytes == 0 {
			o.slow = false
		}
		o.changed.Broadcast()
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// close lets nothing more in; what is in is written.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.changed.Broadcast()
	o.mu.Unlock()
}
