package lx

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
)

// reached is what some code uses, directly or through other declarations.
type reached struct {
	names    map[string]bool // of declarations of the program
	packages map[string]bool // what stands before a dot, where it is nothing of the program's own
	inits    []*ast.FuncDecl // init functions that give variables their values
}

// reach follows the names in some code.
func (p *program) reach(from ...ast.Node) *reached {
	r := &reached{names: map[string]bool{}, packages: map[string]bool{}}
	for _, n := range from {
		p.follow(r, n)
	}
	return r
}

func (p *program) follow(r *reached, from ast.Node) {
	ast.Inspect(from, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr: // what is selected belongs to what it is selected from
			p.follow(r, n.X)
			if id, ok := n.X.(*ast.Ident); ok && !p.isLocal(id) && len(p.decls[id.Name]) == 0 {
				r.packages[id.Name] = true
			}
			return false
		case *ast.Field: // its name is one of its own
			p.follow(r, n.Type)
			return false
		case *ast.ValueSpec:
			if n.Type != nil {
				p.follow(r, n.Type)
			}
			for _, x := range n.Values {
				p.follow(r, x)
			}
			return false
		case *ast.CompositeLit:
			if !p.isStruct(n.Type) {
				return true
			}
			p.follow(r, n.Type)
			for _, x := range n.Elts { // fields' names are their own
				if field, ok := x.(*ast.KeyValueExpr); ok {
					x = field.Value
				}
				p.follow(r, x)
			}
			return false
		case *ast.Ident:
			if p.isLocal(n) || r.names[n.Name] || len(p.decls[n.Name]) == 0 {
				return true
			}
			r.names[n.Name] = true
			for _, d := range p.decls[n.Name] {
				p.follow(r, d)
			}
		}
		return true
	})
}

// isStruct says that a type is a struct that the program declares.
func (p *program) isStruct(x ast.Expr) bool {
	switch t := x.(type) {
	case *ast.StructType:
		return true
	case *ast.Ident:
		for _, d := range p.decls[t.Name] {
			if spec, ok := d.(*ast.TypeSpec); ok {
				return p.isStruct(spec.Type)
			}
		}
	}
	return false
}

// changed names a variable that is reached and that something beside its declaration may have changed by the time of the
// call: an assignment to it or a part of it, its address, a method that changes its receiver. Functions of other packages
// that change what they are given are not seen. Init functions that change one are reached, too, as they do it before the
// call and always in the same way. early: the call initialises a variable, so that only what other initialisers call has
// run before it.
func (p *program) changed(r *reached, early bool) string {
	ran := func(*ast.FuncDecl) bool { return true }
	if early {
		var values []ast.Node
		for name := range p.vars {
			values = append(values, p.decls[name]...)
		}
		first := p.reach(values...)
		ran = func(f *ast.FuncDecl) bool {
			return first.names[f.Name.Name] && f.Recv == nil || first.names[receiver(f)]
		}
	}
	methods := p.changingMethods()
	for again := true; again; {
		again = false
		for _, f := range p.files {
			for _, d := range f.Decls {
				fun, isFunc := d.(*ast.FuncDecl)
				isInit := isFunc && fun.Recv == nil && fun.Name.Name == "init"
				switch name := p.changes(d, r, methods); {
				case name == "" || isInit && (early || slices.Contains(r.inits, fun)):
				case isInit:
					r.inits = append(r.inits, fun)
					p.follow(r, fun)
					again = true
				case !isFunc || ran(fun):
					return name
				}
			}
		}
	}
	return ""
}

// changes names a reached variable that some code may change.
func (p *program) changes(code ast.Node, r *reached, methods map[string]bool) (name string) {
	visitChanges(code, methods, func(id *ast.Ident) {
		if name == "" && !p.isLocal(id) && p.vars[id.Name] && r.names[id.Name] {
			name = id.Name
		}
	})
	return name
}

// changingMethods are the names of the program's methods that change what their receiver points to.
func (p *program) changingMethods() map[string]bool {
	found := map[string]bool{}
	for more := -1; more != len(found); { // methods may call each other
		more = len(found)
		for _, f := range p.files {
			for _, d := range f.Decls {
				m, ok := d.(*ast.FuncDecl)
				if !ok || receiver(m) == "" || len(m.Recv.List[0].Names) == 0 {
					continue
				}
				own := m.Recv.List[0].Names[0].Name
				visitChanges(m.Body, found, func(id *ast.Ident) {
					if id.Name == own {
						found[m.Name.Name] = true
					}
				})
			}
		}
	}
	return found
}

// visitChanges calls visit with each variable that is assigned to, as a whole or in part, whose address is taken, or that
// one of the methods is called of.
func visitChanges(code ast.Node, methods map[string]bool, visit func(*ast.Ident)) {
	change := func(x ast.Expr) {
		if id := root(x); id != nil {
			visit(id)
		}
	}
	ast.Inspect(code, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, x := range n.Lhs {
				if n.Tok != token.DEFINE {
					change(x)
				}
			}
		case *ast.IncDecStmt:
			change(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				change(n.X)
			}
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				change(n.Key)
				change(n.Value)
			}
		case *ast.SendStmt:
			change(n.Chan)
		case *ast.CallExpr:
			switch fun := ast.Unparen(n.Fun).(type) {
			case *ast.Ident:
				if slices.Contains([]string{"clear", "close", "copy", "delete"}, fun.Name) && len(n.Args) > 0 {
					change(n.Args[0])
				}
			case *ast.SelectorExpr:
				if methods[fun.Sel.Name] {
					change(fun.X)
				}
			}
		}
		return true
	})
}

// root is the variable that an expression is a part of, or points from.
func root(x ast.Expr) *ast.Ident {
	switch x := x.(type) {
	case *ast.Ident:
		return x
	case *ast.ParenExpr:
		return root(x.X)
	case *ast.SelectorExpr:
		return root(x.X)
	case *ast.IndexExpr:
		return root(x.X)
	case *ast.SliceExpr:
		return root(x.X)
	case *ast.StarExpr:
		return root(x.X)
	case *ast.TypeAssertExpr:
		return root(x.X)
	}
	return nil
}

// importsOf are the imports that reached code uses, by name and path. Where a name fits none, because a package is not
// called as its path says, it may be any of those that do not say their name.
func (p *program) importsOf(r *reached) (texts []string) {
	known := map[string]bool{}
	for i := range p.imports {
		known[i.name] = true
	}
	unknown := slices.ContainsFunc(slices.Collect(maps.Keys(r.packages)), func(name string) bool { return !known[name] })
	for i := range p.imports {
		if r.packages[i.name] || i.name == "." || unknown && !i.explicit {
			texts = append(texts, i.name+" "+i.path)
		}
	}
	slices.Sort(texts)
	return texts
}
