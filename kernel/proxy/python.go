package proxy

import "fmt"

// This file knows commands that people bring along from IPython.

// pythonMagics are those that a cell of Go has no use for, with what there is instead. The cell goes on without them.
var pythonMagics = map[string]string{
	"%matplotlib": "lx.Show draws figures into the notebook", "%pylab": "lx.Show draws figures into the notebook",
	"%load_ext": "Go has no extensions to load", "%reload_ext": "Go has no extensions to load", "%unload_ext": "Go has no extensions to load",
	"%autoreload": "every cell is compiled with what it imports as it is", "%aimport": "every cell is compiled with what it imports as it is",
	"%config": "it sets up IPython", "%colors": "it sets up IPython", "%xmode": "it sets up IPython", "%precision": "it sets up IPython",
	"%pdb": "it sets up IPython", "%automagic": "it sets up IPython",
	"%pip":   "`!*go get MODULE` brings a module of Go, `!pip …` runs pip itself",
	"%conda": "`!*go get MODULE` brings a module of Go, `!conda …` runs conda itself",
	"%mamba": "`!*go get MODULE` brings a module of Go, `!mamba …` runs mamba itself",
}

// otherwise are commands of IPython's with those that do here what they do there.
var otherwise = map[string]string{
	"%who": "%ls", "%whos": "%ls", "%who_ls": "%ls", "%pwd": "%cd", "%lsmagic": "%help", "%magic": "%help", "%quickref": "%help", "%xdel": "%rm", "%reset_selective": "%rm",
	"%timeit": "%time", "%%timeit": "%%time", "%set_env": "%env", "%%cmd": "%%bash", "%sx": "!", "%system": "!", "%%capture": "%capture", "%%file": "%%writefile",
	"%%python": "%%script python3", "%%python3": "%%script python3", "%%perl": "%%script perl", "%%ruby": "%%script ruby",
}

// remarkOnPython says, once for each, what becomes of IPython's commands.
func (k *kernel) remarkOnPython(e *execution) {
	for i, kind := range e.cell.kinds {
		command := e.cell.command(i)
		if kind != pythonLine || command == "" {
			continue
		}
		name := commandName(command)
		if !k.remarked[name] {
			k.remarked[name] = true
			k.publishStream(e, "stderr", fmt.Sprintf("%s is IPython's, and does nothing here: %s\n", name, pythonMagics[name]))
		}
	}
}
