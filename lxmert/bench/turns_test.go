package bench

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestOurEngineRunsBeforeEachSetting(t *testing.T) {
	for _, c := range []struct {
		settings []setting
		want     []string
	}{
		{nil, []string{"ours"}},
		{[]setting{{}}, []string{"ours", "torch"}},
		{[]setting{{env: passive}, {}, {compile: true}}, []string{"ours", "torch, passive", "ours", "torch", "ours", "torch, compiled"}},
	} {
		var ran []string
		err := takeTurns(context.Background(),
			func(context.Context) error { ran = append(ran, "ours"); return nil },
			func() []setting { return c.settings },
			func(_ context.Context, s setting) error { ran = append(ran, torchName(s.String())); return nil })
		if err != nil || !slices.Equal(ran, c.want) {
			t.Errorf("ran %q, %v; want %q", ran, err, c.want)
		}
	}
}

func TestTurnsEndWithTheFirstError(t *testing.T) {
	broken, turns := errors.New("broken"), 0
	err := takeTurns(context.Background(),
		func(context.Context) error { turns++; return nil },
		func() []setting { return []setting{{}, {compile: true}} },
		func(context.Context, setting) error { return broken })
	if !errors.Is(err, broken) || turns != 1 {
		t.Errorf("error %v after %d turns", err, turns)
	}
}
