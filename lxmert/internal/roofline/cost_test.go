package roofline

import (
	"maps"
	"math"
	"strings"
	"testing"
)

// plain is a device on which a byte takes a second, and so do 10 operations in bfloat16, 5 in TensorFloat-32 and 1 in float32.
func plain() Device {
	return Device{Bandwidth: 1, FLOPS: map[string]float64{"bf16": 10, "tf32": 5, "f32": 1}, Launch: 3}
}

// program is HLO with an entry of some lines, behind other computations.
func program(others string, lines ...string) string {
	return "HloModule test, is_scheduled=true\n\n" + others + "\nENTRY %main (a: f32[4,8]) -> f32[] {\n  " + strings.Join(lines, "\n  ") + "\n}\n"
}

func costOf(t *testing.T, text string) Cost {
	t.Helper()
	m, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Cost(plain())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const doubled = `%doubled (p: f32[4,8]) -> f32[4,8] {
  %p = f32[4,8]{1,0} parameter(0)
  ROOT %sum = f32[4,8]{1,0} add(%p, %p)
}
`

// TestCostsAreThoseReckonedByHand. An f32[4,8] has 128 bytes, f32[8,2] 64, f32[4,2] 32, and a product of these
// two 2*4*8*2 = 128 operations.
func TestCostsAreThoseReckonedByHand(t *testing.T) {
	const a, b = `%a = f32[4,8]{1,0} parameter(0)`, `%b = f32[8,2]{1,0} parameter(1)`
	const half = `%a = bf16[3,4,8]{2,1,0} parameter(0)`
	for _, c := range []struct {
		name, others string
		lines        []string
		want         Cost
	}{
		{"nothing", "", []string{a, `ROOT %t = (f32[4,8]{1,0}) tuple(%a)`}, Cost{}},
		{"what only names or views", "", []string{a, `%v = f32[32]{0} bitcast(%a)`, `%k = f32[] constant(1)`, `%i = u32[] partition-id()`, `ROOT %o = f32[32]{0} opt-barrier(%v)`}, Cost{}},
		{"a copy", "", []string{a, `ROOT %c = f32[4,8]{0,1} copy(%a)`}, Cost{Kernels: 1, Bytes: 256, Seconds: 256}},
		{"one that is too small to last", "", []string{`%x = pred[] parameter(0)`, `ROOT %c = pred[] copy(%x)`}, Cost{Kernels: 1, Bytes: 2, Seconds: 3}},
		{"a fusion", doubled, []string{a, `ROOT %f = f32[4,8]{1,0} fusion(%a), kind=kLoop, calls=%doubled`}, Cost{Kernels: 1, Bytes: 256, Seconds: 256}},
		{"a fusion with several results", "%two (p: f32[4,8]) -> (f32[4,8], s32[]) {\n  %p = f32[4,8]{1,0} parameter(0)\n  ROOT %t = (f32[4,8]{1,0}, /*index=1*/s32[]) tuple(%p, %p)\n}\n",
			[]string{a, `%f = (f32[4,8]{1,0}, /*index=1*/s32[]) fusion(%a), kind=kLoop, calls=%two, metadata={op_name="x, (y"}`, `ROOT %g = s32[] get-tuple-element(%f), index=1`},
			Cost{Kernels: 1, Bytes: 128 + 128 + 4, Seconds: 260}},
		{"exact float32", "", []string{a, b, `ROOT %d = f32[4,2]{1,0} dot(%a, %b), lhs_contracting_dims={1}, rhs_contracting_dims={0}, operand_precision={highest,highest}`},
			Cost{Kernels: 1, Bytes: 224, FLOPs: map[string]float64{"f32": 128}, Seconds: 224}},
		{"TensorFloat-32", "", []string{a, b, `ROOT %d = f32[4,2]{1,0} dot(%a, %b), lhs_contracting_dims={1}, rhs_contracting_dims={0}`},
			Cost{Kernels: 1, Bytes: 224, FLOPs: map[string]float64{"tf32": 128}, Seconds: 224}},
		{"batches of bfloat16, whatever is said of precision", "", []string{half, `ROOT %d = bf16[3,4,4]{2,1,0} dot(%a, %a), lhs_batch_dims={0}, lhs_contracting_dims={2}, rhs_batch_dims={0}, rhs_contracting_dims={2}, operand_precision={highest,highest}`},
			Cost{Kernels: 1, Bytes: 2*192 + 96, FLOPs: map[string]float64{"bf16": 2 * 3 * 4 * 4 * 8}, Seconds: 480}},
		{"products inside a fusion inside a fusion", `%inner (x: f32[4,8], y: f32[8,2]) -> f32[4,2] {
  %x = f32[4,8]{1,0} parameter(0)
  %y = f32[8,2]{1,0} parameter(1)
  ROOT %d = f32[4,2]{1,0} dot(%x, %y), lhs_contracting_dims={1}, rhs_contracting_dims={0}, operand_precision={highest,highest}
}

%outer (x: f32[4,8], y: f32[8,2]) -> f32[4,2] {
  %x = f32[4,8]{1,0} parameter(0)
  %y = f32[8,2]{1,0} parameter(1)
  ROOT %f = f32[4,2]{1,0} fusion(%x, %y), kind=kLoop, calls=%inner
}
`, []string{a, b, `ROOT %f = f32[4,2]{1,0} fusion(%a, %b), kind=kCustom, calls=%outer, backend_config={"fusion_backend_config":{"kind":"__triton_nested_gemm_fusion"}}`},
			Cost{Kernels: 1, Bytes: 224, FLOPs: map[string]float64{"f32": 128}, Seconds: 224}},
		{"products of cuBLAS, whose room to work in is no traffic", "", []string{a, b,
			`%d = (f32[4,2]{1,0}, s8[4194304]{0}) custom-call(%a, %b), custom_call_target="__cublas$gemm", backend_config={"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"],"rhs_contracting_dimensions":["0"]},"precision_config":{"operand_precision":["HIGHEST","HIGHEST"]}}}`},
			Cost{Kernels: 1, Bytes: 224, FLOPs: map[string]float64{"f32": 128}, Seconds: 224}},
		{"rows that are gathered", `%rows (t: f32[1000,2], i: s32[3]) -> f32[3,2] {
  %i = s32[3]{0} parameter(1)
  %t = f32[1000,2]{1,0} parameter(0)
  ROOT %g = f32[3,2]{1,0} gather(%t, %i), offset_dims={1}
}
`, []string{`%t = f32[1000,2]{1,0} parameter(0)`, `%i = s32[3]{0} parameter(1)`, `ROOT %f = f32[3,2]{1,0} fusion(%t, %i), kind=kLoop, calls=%rows`},
			Cost{Kernels: 1, Bytes: 24 + 12 + 24, Seconds: 60}},
		{"a slice, and all of it besides", `%both (t: f32[1000]) -> f32[] {
  %t = f32[1000]{0} parameter(0)
  %s = f32[1]{0} slice(%t), slice={[0:1]}
  ROOT %r = f32[] reduce(%t, %s), dimensions={0}, to_apply=%add
}
`, []string{`%t = f32[1000]{0} parameter(0)`, `ROOT %f = f32[] fusion(%t), kind=kInput, calls=%both`}, Cost{Kernels: 1, Bytes: 4004, Seconds: 4004}},
		{"a sum over devices", "", []string{a, `%s = f32[4,8]{1,0} all-reduce-start(%a), replica_groups={{0,1}}, to_apply=%add`, `ROOT %r = f32[4,8]{1,0} all-reduce-done(%s)`}, Cost{Kernels: 1, Bytes: 256, Seconds: 256}},
		{"a copy beside", "", []string{a, `%s = (f32[4,8]{1,0}, f32[4,8]{1,0}, u32[]) copy-start(%a)`, `ROOT %r = f32[4,8]{1,0} copy-done(%s)`}, Cost{Kernels: 1, Bytes: 128 + 132, Seconds: 260}},
		{"a loop of five", doubled + `
%body (s: (s32[], f32[4,8])) -> (s32[], f32[4,8]) {
  %s = (s32[], f32[4,8]{1,0}) parameter(0)
  %n = s32[] get-tuple-element(%s), index=0
  %x = f32[4,8]{1,0} get-tuple-element(%s), index=1
  %y = f32[4,8]{1,0} fusion(%x), kind=kLoop, calls=%doubled
  ROOT %t = (s32[], f32[4,8]{1,0}) tuple(%n, %y)
}

%less (s: (s32[], f32[4,8])) -> pred[] {
  %s = (s32[], f32[4,8]{1,0}) parameter(0)
  %n = s32[] get-tuple-element(%s), index=0
  ROOT %l = pred[] compare(%n, %n), direction=LT
}
`, []string{a, `%k = s32[] constant(0)`, `%t = (s32[], f32[4,8]{1,0}) tuple(%k, %a)`,
			`ROOT %w = (s32[], f32[4,8]{1,0}) while(%t), condition=%less, body=%body, backend_config={"known_trip_count":{"n":"5"},"known_init_step":{"init":"0","step":"1"}}`},
			Cost{Kernels: 10, Bytes: 5 * (256 + 9), Seconds: 5 * (256 + 9)}},
		{"the longer of two branches, called", doubled + `
%short (p: f32[4,8]) -> f32[4,8] {
  ROOT %p = f32[4,8]{1,0} parameter(0)
}

%choose (i: s32[], p: f32[4,8]) -> f32[4,8] {
  %i = s32[] parameter(0)
  %p = f32[4,8]{1,0} parameter(1)
  ROOT %c = f32[4,8]{1,0} conditional(%i, %p, %p), branch_computations={%short, %twice}
}

%twice (p: f32[4,8]) -> f32[4,8] {
  %p = f32[4,8]{1,0} parameter(0)
  ROOT %f = f32[4,8]{1,0} fusion(%p), kind=kLoop, calls=%doubled
}
`, []string{a, `%i = s32[] constant(1)`, `ROOT %c = f32[4,8]{1,0} call(%i, %a), to_apply=%choose`}, Cost{Kernels: 1, Bytes: 256, Seconds: 256}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := costOf(t, program(c.others, c.lines...))
			if got.Kernels != c.want.Kernels || got.Bytes != c.want.Bytes || math.Abs(got.Seconds-c.want.Seconds) > 1e-9 || !maps.Equal(got.FLOPs, c.want.FLOPs) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestAKernelTakesAsLongAsWhatTakesLongest: 2*64*64*64 operations take longer than the 3*64*64*4 bytes where the device multiplies slowly.
func TestAKernelTakesAsLongAsWhatTakesLongest(t *testing.T) {
	text := program("", `%a = f32[64,64]{1,0} parameter(0)`, `ROOT %d = f32[64,64]{1,0} dot(%a, %a), lhs_contracting_dims={1}, rhs_contracting_dims={0}, operand_precision={highest,highest}`)
	if got := costOf(t, text); got.Seconds != 2*64*64*64 {
		t.Errorf("%+v", got)
	}
	text = strings.ReplaceAll(text, ", operand_precision={highest,highest}", "")
	if got := costOf(t, text); math.Abs(got.Seconds-2*64*64*64/5.0) > 1e-6 {
		t.Errorf("%+v", got)
	}
}

func TestTheH100IsNamedByItsFigures(t *testing.T) {
	m, err := Parse(strings.NewReader(program("", `%a = bf16[1000,1000]{1,0} parameter(0)`, `ROOT %d = bf16[1000,1000]{1,0} dot(%a, %a), lhs_contracting_dims={1}, rhs_contracting_dims={0}`)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Cost(H100())
	// 2e9 operations at 593.4 TFLOP/s take 3.370 us, 6 MB at 2.68 TB/s 2.239 us, and starting it 2.5 us.
	if err != nil || math.Abs(c.Seconds-3.370e-6) > 1e-9 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhatIsNoProgramIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                     "",
		"something else":              "module @main {\n}\n",
		"no entry":                    doubled,
		"cut in the middle":           "ENTRY %main (a: f32[]) -> f32[] {\n  %a = f32[] parameter(0)\n",
		"no instruction":              program("", `what`),
		"no shape":                    program("", `%a = `),
		"no operation":                program("", `%a = f32[]`),
		"no end of arguments":         program("", `%a = f32[] parameter(0`),
		"no end of a tuple":           program("", `%a = (f32[], parameter(0)`),
		"a fusion of nothing":         program("", `%a = f32[] parameter(0)`, `%f = f32[] fusion(%a), kind=kLoop, calls=%none`),
		"a loop of nothing":           program("", `%a = f32[] parameter(0)`, `%f = f32[] while(%a), condition=%none, body=%none`),
		"a type without a size":       program("", `%a = strange[3] parameter(0)`, `%c = strange[3] copy(%a)`),
		"a shape that is none":        program("", `%a = f32[] parameter(0)`, `%c = what copy(%a)`),
		"a product of nothing":        program("", `%d = f32[] dot(), lhs_contracting_dims={0}`),
		"a product over a wrong axis": program("", `%a = f32[3] parameter(0)`, `%d = f32[] dot(%a, %a), lhs_contracting_dims={1}`),
		"a product over no axis":      program("", `%a = f32[3] parameter(0)`, `%d = f32[] dot(%a, %a), lhs_contracting_dims={-1}`),
		"a type without a speed":      program("", `%a = s8[3] parameter(0)`, `%d = s32[] dot(%a, %a), lhs_contracting_dims={0}`),
	} {
		m, err := Parse(strings.NewReader(text))
		if err == nil {
			_, err = m.Cost(plain())
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
