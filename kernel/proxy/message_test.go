package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

func TestMessageSurvivesTheWire(t *testing.T) {
	key := []byte("secret")
	m := newMessage("session", "me", "execute_request", json.RawMessage(`{"msg_id":"parent"}`), map[string]string{"code": "a < b && \u2028"})
	m.route = [][]byte{[]byte("peer"), []byte("other")}
	m.buffers = [][]byte{{0, 1, 2}, {}}
	got, err := decode(m.encode(key), key)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("%+v, expected %+v", got, m)
	}
	if got.parentID() != "parent" {
		t.Errorf("parent %q", got.parentID())
	}
	if !strings.Contains(string(m.content), "a < b && ") {
		t.Errorf("content %s: text is escaped as if for a page", m.content)
	}
}

func TestSignatureIsThatOfJupyter(t *testing.T) {
	m := newMessage("s", "u", "x", nil, struct{}{})
	h := hmac.New(sha256.New, []byte("key"))
	h.Write([]byte(string(m.header) + string(m.parent) + string(m.metadata) + string(m.content)))
	if got, want := string(m.encode([]byte("key"))[1]), hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("%s, expected %s", got, want)
	}
	if got := m.encode(nil)[1]; len(got) != 0 {
		t.Errorf("without a key the signature is %q", got)
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	key := []byte("key")
	good := newMessage("s", "u", "x", nil, struct{}{})
	change := func(f func(m *message)) zmtp.Message {
		m := *good
		f(&m)
		return m.encode(key)
	}
	tampered := good.encode(key)
	tampered[5] = []byte(`{"code": "other"}`)
	notHex := good.encode(key)
	notHex[1] = []byte(strings.Repeat("z", 64))
	longer := good.encode(key)
	longer[1] = append(longer[1], 'a')
	for name, frames := range map[string]zmtp.Message{
		"nothing":        {},
		"no delimiter":   {[]byte("a"), []byte("b")},
		"too few frames": good.encode(key)[:5],
		"unsigned":       good.encode(nil),
		"another key":    good.encode([]byte("other")),
		"tampered":       tampered,
		"no hexadecimal": notHex,
		"header is text": change(func(m *message) { m.header = json.RawMessage(`"x"`) }),
		"no type":        change(func(m *message) { m.header = json.RawMessage(`{"msg_id":"1"}`) }),
		"broken content": change(func(m *message) { m.content = json.RawMessage(`{`) }),
		"broken parent":  change(func(m *message) { m.parent = json.RawMessage(`}`) }),
		"no metadata":    change(func(m *message) { m.metadata = nil }),
	} {
		if _, err := decode(frames, key); !errors.Is(err, errMessage) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := decode(longer, key); err == nil {
		t.Error("a signature with something behind it is accepted")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("peer"), []byte(`{"msg_id":"1","msg_type":"x"}`), []byte(`{}`), []byte(`{"code":1}`))
	f.Add([]byte("<IDS|MSG>"), []byte(`[]`), []byte(`null`), []byte(``))
	f.Fuzz(func(t *testing.T, route, header, parent, content []byte) {
		m, err := decode(zmtp.Message{route, delimiter, nil, header, parent, emptyObject, content}, nil)
		if err != nil {
			return
		}
		m.parentID()
		for _, reply := range []any{isComplete(m), (&history{cells: []string{"a"}}).reply(m), newComms().reply(m)} {
			if _, err := json.Marshal(reply); err != nil {
				t.Errorf("a reply that is not a JSON: %v", err)
			}
		}
	})
}
