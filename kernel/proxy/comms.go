package proxy

import "sync"

// comms are the channels that are open between programs and parts of a page: names of their targets by id.
type comms struct {
	mu   sync.Mutex
	open map[string]string
}

func newComms() *comms { return &comms{open: map[string]string{}} }

// see takes note of a message that opens or closes a comm, from either side.
func (c *comms) see(m *message) {
	var content struct {
		ID     string `json:"comm_id"`
		Target string `json:"target_name"`
	}
	if m.read(&content) != nil || content.ID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.head.Type {
	case "comm_open":
		c.open[content.ID] = content.Target
	case "comm_close":
		delete(c.open, content.ID)
	}
}

// reply is the content of a comm_info_reply.
func (c *comms) reply(m *message) any {
	var ask struct {
		Target string `json:"target_name"`
	}
	if err := m.read(&ask); err != nil {
		return errorReply(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]any{}
	for id, target := range c.open {
		if ask.Target == "" || ask.Target == target {
			found[id] = map[string]string{"target_name": target}
		}
	}
	return map[string]any{"status": "ok", "comms": found}
}

// errorReply is the content of any reply to a request that makes no sense.
func errorReply(err error) any {
	return map[string]any{"status": "error", "ename": "protocol", "evalue": err.Error(), "traceback": []any{}}
}

// handleComm passes a comm message on to GoNB, which does not wait for the running cell with it.
func (k *kernel) handleComm(m origin) {
	k.comms.see(m.message)
	k.status("busy", m.header)
	select {
	case <-k.ready:
		if k.gonbErr == nil {
			if err := k.gonb.send(k.gonb.shell, m.message); err != nil {
				k.Log.Print(err)
			}
		}
	default: // nothing that runs could be meant
	}
	k.status("idle", m.header)
}
