package proxy

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// Protocol is the version of Jupyter's messaging protocol that is spoken here.
const Protocol = "5.3"

// delimiter stands between the frames that route a message and the message itself.
var delimiter = []byte("<IDS|MSG>")

// errMessage is wrapped by errors about what is not a message of Jupyter's.
var errMessage = errors.New("not a message")

// message is one message of Jupyter's protocol. Its parts stay as they came until somebody needs to know what is in
// them, so that what passes through does so unchanged.
type message struct {
	route    [][]byte // who it is from or for
	header   json.RawMessage
	parent   json.RawMessage
	metadata json.RawMessage
	content  json.RawMessage
	buffers  [][]byte

	head header
}

// header is what is read of a message's header.
type header struct {
	ID       string `json:"msg_id"`
	Type     string `json:"msg_type"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Version  string `json:"version"`
}

var emptyObject = json.RawMessage("{}")

// decode takes a message apart and checks its signature; without a key nothing is signed.
func decode(frames zmtp.Message, key []byte) (*message, error) {
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], delimiter) {
		at++
	}
	if len(frames) < at+6 {
		return nil, fmt.Errorf("%w: %d frames, the delimiter at %d", errMessage, len(frames), at)
	}
	parts := frames[at+2 : at+6]
	if len(key) > 0 {
		got, err := hex.DecodeString(string(frames[at+1]))
		if err != nil || !hmac.Equal(got, sign(key, parts)) {
			return nil, fmt.Errorf("%w: the signature is wrong", errMessage)
		}
	}
	m := &message{route: frames[:at], header: parts[0], parent: parts[1], metadata: parts[2], content: parts[3], buffers: frames[at+6:]}
	if err := json.Unmarshal(m.header, &m.head); err != nil {
		return nil, fmt.Errorf("%w: header: %w", errMessage, err)
	}
	if m.head.Type == "" {
		return nil, fmt.Errorf("%w: the header has no msg_type", errMessage)
	}
	for i, part := range [][]byte{m.parent, m.metadata, m.content} {
		if !json.Valid(part) {
			return nil, fmt.Errorf("%w: %s of a %.40q is not JSON", errMessage, [...]string{"the parent header", "the metadata", "the content"}[i], m.head.Type)
		}
	}
	return m, nil
}

// encode lays a message out for the wire.
func (m *message) encode(key []byte) zmtp.Message {
	parts := [][]byte{m.header, m.parent, m.metadata, m.content}
	signature := []byte{}
	if len(key) > 0 {
		signature = hex.AppendEncode(nil, sign(key, parts))
	}
	frames := append(zmtp.Message{}, m.route...)
	frames = append(frames, delimiter, signature)
	frames = append(frames, parts...)
	return append(frames, m.buffers...)
}

func sign(key []byte, parts [][]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// read decodes the content. A field of another type than it should have is an error, and so is text that is not UTF-8,
// which decoding would change.
func (m *message) read(into any) error {
	if !utf8.Valid(m.content) {
		return fmt.Errorf("%w: content of a %.40q: it is not UTF-8", errMessage, m.head.Type)
	}
	if err := json.Unmarshal(m.content, into); err != nil {
		return fmt.Errorf("%w: content of a %.40q: %w", errMessage, m.head.Type, err)
	}
	return nil
}

// parentID is the id of the message that this one answers.
func (m *message) parentID() string {
	var p header
	if json.Unmarshal(m.parent, &p) != nil {
		return ""
	}
	return p.ID
}

// newMessage makes a message. Content is anything that encodes as an object.
func newMessage(session, username, kind string, parent json.RawMessage, content any) *message {
	m := &message{
		head: header{
			ID: rand.Text(), Type: kind, Session: session, Username: username, Version: Protocol,
			Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
		},
		parent: parent, metadata: emptyObject,
	}
	m.header, m.content = encodeJSON(m.head), encodeJSON(content)
	if parent == nil {
		m.parent = emptyObject
	}
	return m
}

// encodeJSON encodes what this package builds itself, which always can be.
func encodeJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("proxy: %T as JSON: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
