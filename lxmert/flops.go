package lxmert

// FLOPs counts the floating-point operations of one forward pass of one row of T words and V regions: two for each
// multiplication with its addition in a matrix product; what is not a matrix product is not counted. Without outputs it is
// the backbone, both streams of every layer and the pooler. Each output that the model has adds its head; out.obj,
// out.attr and out.feat share a transform, which counts once. Where out.task joins two rows, each carries half of its head.
func FLOPs(c Config, words, regions int, outputs ...string) float64 {
	d, inner := float64(c.Hidden), float64(c.Intermediate)
	t, v := float64(words), float64(regions)

	projections := func(n float64) float64 { return 2 * n * 4 * d * d }
	feedForward := func(n float64) float64 { return 2 * n * 2 * d * inner }
	products := func(q, k float64) float64 { return 2 * 2 * q * k * d } // scores, and the weighted sum of values
	layer := func(n float64) float64 { return projections(n) + products(n, n) + feedForward(n) }

	sum := 2 * v * d * float64(c.FeatDim+c.BoxDim)
	sum += float64(c.LangLayers) * layer(t)
	sum += float64(c.RegionLayers) * layer(v)
	sum += float64(c.CrossLayers) * (projections(t+v) + 2*products(t, v) + layer(t) + layer(v))
	sum += 2 * d * d

	transformed := false
	for _, o := range outputs {
		classes := float64(c.ClassCount(o))
		if classes == 0 {
			continue
		}
		switch o {
		case "out.mlm":
			sum += 2 * t * (d*d + d*classes)
		case "out.match":
			sum += 2 * d * classes
		case "out.obj", "out.attr", "out.feat":
			if !transformed {
				sum += 2 * v * d * d
				transformed = true
			}
			sum += 2 * v * d * classes
		case "out.qa":
			sum += 2 * (d*2*d + 2*d*classes)
		case "out.task":
			sum += 2 * (float64(c.TaskImages)*d*2*d + 2*d*classes) / float64(c.TaskImages)
		}
	}
	return sum
}
