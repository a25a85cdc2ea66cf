package session

import "context"

// Occupy takes all places in which calls are computed, as calls that do not end would, until free is called. Those who call
// meanwhile wait.
func (s *Server) Occupy() (free func()) {
	var all []func()
	for range s.opt.Calls {
		leave, err := s.calls.enter(context.Background(), "nobody", "a call that does not end")
		if err != nil { // of a context that does not end
			panic(err)
		}
		all = append(all, leave)
	}
	return func() {
		for _, leave := range all {
			leave()
		}
	}
}
