package proxy

import (
	"runtime"
	"runtime/debug"
)

// kernelInfo is the content of a kernel_info_reply.
func kernelInfo() any {
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       Protocol,
		"implementation":         "golxmert",
		"implementation_version": version(),
		"banner":                 "Go with LXMERT: `%lx help` lists its commands, `%help` those of GoNB",
		"debugger":               false,
		"help_links": []any{
			map[string]string{"text": "Go", "url": "https://go.dev/doc/"},
			map[string]string{"text": "GoNB", "url": "https://github.com/janpfeifer/gonb"},
			map[string]string{"text": "LXMERT for Go", "url": "https://github.com/seed-516990b0/golxmert"},
		},
		"language_info": map[string]any{
			"name": "go", "version": runtime.Version(), "mimetype": "text/x-go", "file_extension": ".go",
			"pygments_lexer": "go", "codemirror_mode": "go", "nbconvert_exporter": "script",
		},
	}
}

// version is the one that this program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
