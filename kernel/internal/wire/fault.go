package wire

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Protocol is the version of what is said over the socket. Client and session must have the same.
const Protocol = 2

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

var statusOf = map[Kind]int{
	Failed: http.StatusInternalServerError, Usage: http.StatusBadRequest, Batch: http.StatusUnprocessableEntity, NotFound: http.StatusNotFound,
	Exists: http.StatusConflict, Full: http.StatusInsufficientStorage, Ending: http.StatusServiceUnavailable, Ended: http.StatusBadGateway,
	Version: http.StatusUpgradeRequired, Canceled: 499,
}

// Write answers a call with the fault.
func (f *Fault) Write(w http.ResponseWriter) {
	status := statusOf[f.Kind]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	text, err := json.Marshal(f)
	if err != nil { // strings always encode
		text = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(text, '\n')) // the caller may be gone
}

// maxFault bounds what is read of an error.
const maxFault = 64 << 10

// ReadFault reads the error of an answer that is none of success.
func ReadFault(r *http.Response) *Fault {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxFault))
	f := &Fault{}
	if err == nil && json.Unmarshal(text, f) == nil && f.Message != "" {
		return f
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return &Fault{Kind: Failed, Message: "session: an answer that nothing here understands: " + r.Status + " " + strings.ToValidUTF8(first[:min(len(first), 200)], "")}
}
