// Package client talks to the resident session, a process of the user's that keeps what is expensive: the compute
// backend, models with their compiled graphs, feature files, training runs, and values that were kept by name.
//
// A program that wants a model calls [Dial] and [Client.Open]; the [Model] it gets is an [lxmert.Engine], so every
// analysis works through it, and [Model.Ask] asks it questions; the program neither links nor loads what computes. Dial
// starts the session if there is none; it ends by itself when nobody has used it for a while. If it crashes, the call
// under way returns an error that wraps [ErrDied], and the next call starts it anew and opens its model again: a Model
// holds no state of the session, only what to open.
//
// Training runs ([Client.StartRun]) are those of the command line, with the same flags and the same files. They belong
// to the session, so they outlive the program that started them; whoever follows one ([Client.Follow]) sees it from its
// beginning.
//
// It also draws ([Client.Draw]), so that cells need not link what does.
//
// The session serves this user only, over a unix socket in a private folder, and never executes what a client sends.
package client
