package proxy

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
)

// connection is what a connection file says: where a kernel listens, and the key that signs its messages.
type connection struct {
	Transport       string `json:"transport"`
	IP              string `json:"ip"`
	ShellPort       int    `json:"shell_port"`
	ControlPort     int    `json:"control_port"`
	StdinPort       int    `json:"stdin_port"`
	IOPubPort       int    `json:"iopub_port"`
	HeartbeatPort   int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name,omitempty"`
}

// readConnection reads the file that Jupyter hands to a kernel.
func readConnection(path string) (connection, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return connection{}, fmt.Errorf("connection file: %w", err)
	}
	c := connection{Transport: "tcp", SignatureScheme: "hmac-sha256"}
	if err := json.Unmarshal(text, &c); err != nil {
		return connection{}, fmt.Errorf("connection file %s: %w; Jupyter writes it, `kernel run` is not meant to be called by hand", path, err)
	}
	if c.Key != "" && c.SignatureScheme != "hmac-sha256" {
		return connection{}, fmt.Errorf("connection file %s: signature_scheme %.40q is not known, only hmac-sha256 is", path, c.SignatureScheme)
	}
	if c.Transport != "tcp" && c.Transport != "ipc" {
		return connection{}, fmt.Errorf("connection file %s: transport %.40q is not known, only tcp and ipc are", path, c.Transport)
	}
	for name, port := range map[string]int{"shell": c.ShellPort, "control": c.ControlPort, "stdin": c.StdinPort, "iopub": c.IOPubPort, "hb": c.HeartbeatPort} {
		if port < 0 || port > 65535 || c.Transport == "ipc" && port == 0 {
			return connection{}, fmt.Errorf("connection file %s: %s_port is %d", path, name, port)
		}
	}
	return c, nil
}

// address is where a port is, in the terms of package net.
func (c connection) address(port int) (network, address string) {
	if c.Transport == "ipc" {
		return "unix", c.IP + "-" + strconv.Itoa(port)
	}
	return "tcp", net.JoinHostPort(c.IP, strconv.Itoa(port))
}

// listen opens all ports, in the order shell, control, stdin, iopub, heartbeat.
func (c connection) listen() (open [5]net.Listener, err error) {
	for i, port := range []int{c.ShellPort, c.ControlPort, c.StdinPort, c.IOPubPort, c.HeartbeatPort} {
		network, address := c.address(port)
		open[i], err = net.Listen(network, address)
		if err != nil {
			for _, l := range open[:i] {
				l.Close()
			}
			return open, fmt.Errorf("connection file: port %d: %w", port, err)
		}
	}
	return open, nil
}
