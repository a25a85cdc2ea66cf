package lxrt_test

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

const tinyModel = "../testdata/golden/model-1/tiny/"

func openTiny() (*lxrt.Model, *lxmert.Batch) {
	b, err := backend.Open(context.Background(), "go", nil)
	if err != nil {
		panic(err)
	}
	m, err := lxrt.Open(b, tinyModel+"weights", "", lxrt.Options{})
	if err != nil {
		panic(err)
	}
	batch, err := lxrt.ReadBatch(tinyModel + "forward.safetensors")
	if err != nil {
		panic(err)
	}
	return m, batch
}

// Any activation can be read by name; a pattern reads several.
func ExampleModel_Run() {
	m, batch := openTiny()
	defer m.Close()
	trace, err := m.Run(context.Background(), batch, lxmert.Request{Want: lxmert.All("x.*.ti", "out.qa")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("x.1.ti", trace.Values["x.1.ti"].Shape)
	fmt.Println("out.qa", trace.Values["out.qa"].Shape)
	// Output:
	// x.1.ti [3 4 10 8]
	// out.qa [3 12]
}

// Which regions does the answer depend on? The gradient of each row's best answer with respect to a map says it.
func ExampleModel_Run_gradient() {
	m, batch := openTiny()
	defer m.Close()
	ctx := context.Background()
	trace, err := m.Run(ctx, batch, lxmert.Request{Want: []lxmert.Read{{Name: "out.qa", Top: 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var class []int
	for _, answer := range trace.Top["out.qa"].Index {
		class = append(class, int(answer))
	}
	trace, err = m.Run(ctx, batch, lxmert.Request{
		Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: class}}, Names: []string{"x.1.ti"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(trace.Score), "scores, gradient", trace.Grads["x.1.ti"].Shape)
	// Output: 3 scores, gradient [3 4 10 8]
}

// Another head is switched off in each row, all in one batch.
func ExampleModel_Run_edit() {
	m, batch := openTiny()
	defer m.Close()
	heads := m.Config().Heads
	gates := lxmert.NewTensor(heads, heads, 1, 1)
	for row := range heads {
		batch.Pairs = append(batch.Pairs, [2]int{0, 0})
		for h := range heads {
			if h != row {
				gates.Data[row*heads+h] = 1
			}
		}
	}
	trace, err := m.Run(context.Background(), batch, lxmert.Request{
		Want:  lxmert.All("out.match"),
		Edits: []lxmert.Edit{{Name: "x.0.ti", Op: lxmert.Multiply, Value: gates}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(trace.Values["out.match"].Shape)
	// Output: [4 2]
}

// What does the answer owe to what the words see of one region? In each row the words lose sight of another one, in every
// cross-modality layer, and share their attention among the others.
func ExampleModel_Run_cut() {
	m, batch := openTiny()
	defer m.Close()
	regions := batch.V()
	keep := lxmert.NewTensor(regions, 1, 1, regions)
	for row := range regions {
		batch.Pairs = append(batch.Pairs, [2]int{0, 0})
		for region := range regions {
			if region != row {
				keep.Data[row*regions+region] = 1
			}
		}
	}
	trace, err := m.Run(context.Background(), batch, lxmert.Request{
		Want:  lxmert.All("x.0.ti", "out.qa"),
		Edits: []lxmert.Edit{{Name: "x.*.ti", Op: lxmert.Cut, Value: keep}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := float32(0)
	for _, weight := range trace.Values["x.0.ti"].Row(3).Row(0).Row(0).Data { // of [CLS] in the first head
		sum += weight
	}
	fmt.Printf("region 3 has %g of %.3f\n", trace.Values["x.0.ti"].At(3, 0, 0, 3), sum)
	fmt.Println("answers", trace.Values["out.qa"].Shape)
	// Output:
	// region 3 has 0 of 1.000
	// answers [8 12]
}
