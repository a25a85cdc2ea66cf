// Package proxy is a Jupyter kernel that stands in front of GoNB, the Go kernel, and adds what researchers miss in it.
// GoNB stays as it is: it runs as a child process on sockets in a folder of its own, compiles and runs cells, and
// believes that it talks to Jupyter.
//
// What the proxy does itself:
//
//   - It keeps the queue of cells. After an error the cells after it are aborted, unless the request says that errors
//     do not stop the queue, and an interrupt stops what runs: builds, shell lines, programs and their children. A second
//     one, or five seconds, kills what has not ended, with all that the cell has started; a program that makes the file
//     named by LXMERT_SAVING has a minute.
//   - It answers what does not run cells (kernel information, completion, inspection, history, whether input is complete,
//     the list of comms) at any time, also while a cell runs. Completion of Go comes from a gopls of its own.
//   - It keeps what a cell declares if the cell ends well, and otherwise nothing of it: if it does not compile, panics (in
//     main or while a variable is initialised), exits with another status than 0, or is interrupted. What it has replaced
//     is then as before. Commands, %rm and %reset among them, stay done.
//   - It gets the module of a package that a cell imports, as GoNB would, but only when a cell cannot be built without it.
//   - It numbers executions as Jupyter specifies, and points errors at lines of cells.
//   - It tells commands from text: a line %% or !ls inside a string or a comment is text, and reaches the program as it
//     is. Commands that do not exist, a second main, and whatever else would make GoNB exit are errors that name the line;
//     so is Go that cannot be parsed, before anything of the cell is done. Nothing that a program writes makes GoNB exit.
//   - It runs statements without a line %%: main begins below the first such line, or with the first statement if that
//     stands above, and every other line %% just goes on with it, so that merged cells run. What is declared above main
//     stays for later cells. From there on types, variables and constants are main's own; imports, functions and methods,
//     which Go knows outside of functions only, may stand anywhere in a cell.
//   - It keeps what GoNB, which knows declarations by their names, would silently lose: groups of constants that begin
//     with _, several imports called _. What cannot be kept is an error that says what to write instead: constants in rows
//     that count with iota, a second func init, //go:embed, the C above import "C".
//   - It shows the value of the expression that a cell's statements end with, unless a semicolon stands after it or it is
//     nil: what lx draws (answers, results of package analysis, tensors, pictures, runs) as lx.Show does, in display_data, and
//     anything else as text, in execute_result. A call without a value, or with several, shows nothing. A main that the
//     cell writes itself is left alone.
//   - It says how long a cell took that begins with %%time, or has a line %time STATEMENT. Commands of IPython's that Go has
//     no use for (%matplotlib, %load_ext, %pip) are named as such, once, and the cell goes on.
//   - It takes cells with the line ends of Windows and of old Macs, and runs them with those of Unix: Go, shell lines, and
//     what %%writefile writes.
//   - It knows commands of its own, `%lx NAME`.
//   - It asks the user for what a program reads from standard input, as soon as it is seen to wait for it, where the front
//     end allows that and the system shows it (Linux does); elsewhere input is empty, so that no cell waits forever.
//     %with_inputs and %with_password are GoNB's, for the shell line below them; %with_password without one hides what
//     is typed for the cell's own program.
//   - It tells whoever subscribes to its outputs that they miss nothing more (iopub_welcome).
//   - It leaves nothing behind. All files of a kernel are in one folder, which is also the TMPDIR of its cells, and all
//     processes in groups of their own, and a watchdog process removes both however the kernel ends. A
//     process that begins a session of its own (setsid), as the resident session does, lives on.
//
// It passes jupyter_kernel_test, Jupyter's conformance test, with two of its tests skipped: test_pager, because the kernel
// has no pager; and test_clear_output, because GoNB passes on no message that clears outputs (what changes in place is
// displayed under the same id).
//
// The proxy speaks ZeroMQ through package zmtp. Whoever reaches its ports without the key of the connection file is
// ignored, with a line in the log.
//
// # How an interrupt travels
//
// Jupyter sends a message or a signal, and interrupt.go signals everything that the cell has started. A program that uses
// lx has a context that the signal ends (lx/session.go), and with it end its calls of package client, whose connections close.
// In package session that ends the context of the call, which package lxrt looks at before and while it computes. Only a
// training run goes on, unless lx.Follow is waiting for it (lx/follow.go), which asks the session to stop it after its step.
package proxy
