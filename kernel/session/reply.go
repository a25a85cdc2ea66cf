package session

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// reply answers a call that takes long with lines of [client.Reply].
type reply struct {
	control *http.ResponseController
	lines   *json.Encoder
	begun   bool // a line was sent
	told    time.Time
}

func newReply(w http.ResponseWriter) *reply {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &reply{control: http.NewResponseController(w), lines: json.NewEncoder(w)}
}

func (r *reply) send(line client.Reply) {
	r.begun = true
	if r.lines.Encode(line) == nil {
		r.control.Flush() // a caller who has gone is told nothing
	}
}

// progress says how far the answer is, but not more often than anybody can see.
func (r *reply) progress(what string, done, total int) {
	if time.Since(r.told) >= pause {
		r.told = time.Now()
		r.send(client.Reply{What: what, Done: done, Total: total})
	}
}

// end sends what was found, or why nothing was. An error before the first line is returned, to be answered like that of any call.
func (r *reply) end(ctx context.Context, found any, err error) error {
	var result json.RawMessage
	if err == nil {
		if result, err = json.Marshal(found); err != nil {
			err = fmt.Errorf("session: %w", err)
		}
	}
	switch {
	case err != nil && !r.begun:
		return err
	case err != nil:
		r.send(client.Reply{Fault: faultOf(ctx, err)})
	default:
		r.send(client.Reply{Result: result})
	}
	return nil
}
