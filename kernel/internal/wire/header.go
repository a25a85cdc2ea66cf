package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// HeaderText is a text as a header can hold it: printable ASCII, the rest escaped as in Go.
func HeaderText(s string) string {
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

// HeaderValue is the text that HeaderText was given.
func HeaderValue(h string) (string, error) {
	s, err := strconv.Unquote(`"` + h + `"`)
	if err != nil {
		return "", fmt.Errorf("a header that cannot be read: %s", strings.ToValidUTF8(h[:min(len(h), 80)], ""))
	}
	return s, nil
}
