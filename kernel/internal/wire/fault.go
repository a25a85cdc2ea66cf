package wire

import (
	"encoding/json"
	"io"
	"strings"
)

// Protocol is the version of what is said over the socket. Client and session must have the same.
const Protocol = 6

// Headers of calls and answers.
const (
	ProtocolHeader = "Lxmert-Protocol"
	ClientHeader   = "Lxmert-Client"   // who calls, for the queue: a notebook
	TypeHeader     = "Lxmert-Type"     // of a kept value
	SourceHeader   = "Lxmert-Source"   // what a kept value was made from
	ModifiedHeader = "Lxmert-Modified" // when a value was kept
)

// EndOfEvents is the state in the last line of a stream of events, which tells a run's end from a broken connection.
const EndOfEvents = "-"

// Kind says what sort of error a [Fault] is.
type Kind string

const (
	Failed   Kind = "failed"    // the call could not be done
	Usage    Kind = "usage"     // the call makes no sense
	Batch    Kind = "batch"     // a batch does not fit its model
	NotFound Kind = "not found" // there is no such run or value
	Exists   Kind = "exists"    // the folder of a run holds one already
	Full     Kind = "full"      // the memory limit leaves no room
	NoEngine Kind = "no engine" // the session was built without the engine
	Ending   Kind = "ending"    // the session is shutting down: the next one is to be asked
	Ended    Kind = "ended"     // the session was shut down during the call
	Version  Kind = "version"   // client and session are of different builds
	Canceled Kind = "canceled"  // the call was given up
)

// Fault is an error as it travels: one line for people, and its kind.
type Fault struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"error"`
}

func (f *Fault) Error() string { return f.Message }

// statusOf are the statuses of HTTP that go with the kinds.
var statusOf = map[Kind]int{
	Failed: 500, Usage: 400, Batch: 422, NotFound: 404, Exists: 409, Full: 507, NoEngine: 501, Ending: 503, Ended: 502, Version: 426, Canceled: 499,
}

// Status is the status of HTTP that an answer of this kind has.
func (k Kind) Status() int {
	if status := statusOf[k]; status != 0 {
		return status
	}
	return statusOf[Failed]
}

// maxFault bounds what is read of an error.
const maxFault = 64 << 10

// ReadFault reads the error of an answer whose status is not success, with the answer's status.
func ReadFault(status string, body io.Reader) *Fault {
	text, err := io.ReadAll(io.LimitReader(body, maxFault))
	f := &Fault{}
	if err == nil && json.Unmarshal(text, f) == nil && f.Message != "" {
		return f
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return &Fault{Kind: Failed, Message: "session: an answer that nothing here understands: " + status + " " + strings.ToValidUTF8(first[:min(len(first), 200)], "")}
}
