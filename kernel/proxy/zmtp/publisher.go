package zmtp

import (
	"bytes"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// Publisher is a PUB socket: it sends each message to all who have subscribed to how its first frame begins.
type Publisher struct {
	server  *server
	welcome func(topic []byte) Message

	mu          sync.Mutex
	subscribers map[*peer]*subscriber
}

type subscriber struct {
	mu     sync.Mutex
	topics [][]byte
	lost   int // messages, since it last kept up
}

// maxTopics bounds what one subscriber can make us remember.
const maxTopics = 1024

// slowReader is how long a message waits for a subscriber that has left too much unread. After that the subscriber
// misses messages until it has caught up.
const slowReader = 10 * time.Second

// ListenPublisher serves a listener, which the publisher then owns. What welcome returns is sent to whoever has just
// subscribed to a topic, so that they know when they miss nothing more; its first frame must begin with the topic. It may
// be nil.
func ListenPublisher(l net.Listener, logf Logf, welcome func(topic []byte) Message) *Publisher {
	p := &Publisher{server: newServer(l, "PUB", logf), welcome: welcome, subscribers: map[*peer]*subscriber{}}
	p.server.start(p.serve)
	return p
}

func (p *Publisher) serve(peer *peer) {
	s := &subscriber{}
	p.mu.Lock()
	p.subscribers[peer] = s
	p.mu.Unlock()
	set := func(topic []byte, on bool) {
		if s.set(topic, on) && p.welcome != nil {
			p.deliver(peer, s, encode(p.welcome(topic)))
		}
	}
	p.server.receive(peer, func(m Message) {
		// Version 3.0 subscribes and unsubscribes with messages.
		if len(m) == 1 && len(m[0]) > 0 && m[0][0] <= 1 {
			set(m[0][1:], m[0][0] == 1)
		}
	}, func(name string, body []byte) {
		if name == "SUBSCRIBE" || name == "CANCEL" {
			set(body, name == "SUBSCRIBE")
		}
	})
	p.mu.Lock()
	delete(p.subscribers, peer)
	p.mu.Unlock()
}

// set adds or removes a topic, and says whether it is a new one.
func (s *subscriber) set(topic []byte, on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.topics, func(t []byte) bool { return bytes.Equal(t, topic) })
	switch {
	case on && at < 0 && len(s.topics) < maxTopics:
		s.topics = append(s.topics, topic)
		return true
	case !on && at >= 0:
		s.topics = slices.Delete(s.topics, at, at+1)
	}
	return false
}

func (s *subscriber) wants(first []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.topics, func(t []byte) bool { return bytes.HasPrefix(first, t) })
}

// Send sends a message to all subscribers who want it. A subscriber that does not read holds it up for a while once, and
// then misses messages.
func (p *Publisher) Send(m Message) {
	p.mu.Lock()
	subscribers := maps.Clone(p.subscribers)
	p.mu.Unlock()
	var encoded []byte
	for peer, s := range subscribers {
		if len(m) == 0 || !s.wants(m[0]) {
			continue
		}
		if encoded == nil {
			encoded = encode(m)
		}
		p.deliver(peer, s, encoded)
	}
}

func (p *Publisher) deliver(peer *peer, s *subscriber, encoded []byte) {
	err := peer.out.put(encoded, slowReader)
	s.mu.Lock()
	lost := s.lost
	if errors.Is(err, errFull) {
		s.lost++
	} else {
		s.lost = 0
	}
	s.mu.Unlock()
	switch {
	case errors.Is(err, errFull) && lost == 0:
		p.server.logf("%s: %s does not read; it misses messages until it has caught up", p.server.listener.Addr(), peer.conn.RemoteAddr())
	case err == nil && lost > 0:
		p.server.logf("%s: %s reads again; it has missed %d messages", p.server.listener.Addr(), peer.conn.RemoteAddr(), lost)
	}
}

// Close ends all connections; what has been sent is written first, for at most a second.
func (p *Publisher) Close() error {
	p.mu.Lock()
	peers := slices.Collect(maps.Keys(p.subscribers))
	p.mu.Unlock()
	return p.server.close(peers)
}
