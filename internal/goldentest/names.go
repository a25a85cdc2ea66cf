package goldentest

import (
	"fmt"
	"strconv"
	"strings"
)

// Activation translates a name of the model goldens into an activation's, "" where it is none. Layers are those of the
// model: language, object-relationship and cross-modality.
func Activation(golden string, lang, region, cross int) string {
	part := strings.Split(golden, ".")
	number := func() int {
		k, _ := strconv.Atoi(part[2])
		return k
	}
	switch part[0] {
	case "out":
		return map[string]string{
			"lang":           fmt.Sprintf("hid.t.%d", lang+cross),
			"vision":         fmt.Sprintf("hid.i.%d", region+cross),
			"pooled":         "out.pooled",
			"mlm_logits":     "out.mlm",
			"matched_logits": "out.match",
			"qa_logits":      "out.qa",
			"obj_logits":     "out.obj",
			"attr_logits":    "out.attr",
			"feat_pred":      "out.feat",
		}[part[1]]
	case "attn":
		switch part[1] {
		case "lang_self":
			return fmt.Sprintf("l.%d.tt", number())
		case "vision_self":
			return fmt.Sprintf("r.%d.ii", number())
		}
		return fmt.Sprintf("x.%d.", number()) + map[string]string{
			"lang_to_vision": "ti", "vision_to_lang": "it", "lang_self": "tt", "vision_self": "ii",
		}[part[3]]
	case "hidden":
		return hiddenState(part, lang, region, number)
	}
	return ""
}

func hiddenState(part []string, lang, region int, number func() int) string {
	inner := len(part) > 3 && part[3] == "attention"
	switch {
	case part[1] == "embeddings":
		return "hid.t.0"
	case part[1] == "visn_fc":
		return "hid.i.0"
	case part[1] == "lang" && inner:
		return fmt.Sprintf("l.%d.att", number())
	case part[1] == "vision" && inner:
		return fmt.Sprintf("r.%d.att", number())
	case part[1] == "lang":
		return fmt.Sprintf("hid.t.%d", number()+1)
	case part[1] == "vision":
		return fmt.Sprintf("hid.i.%d", number()+1)
	case part[3] == "lang_out":
		return fmt.Sprintf("hid.t.%d", lang+1+number())
	case part[3] == "vision_out":
		return fmt.Sprintf("hid.i.%d", region+1+number())
	}
	return fmt.Sprintf("x.%d.", number()) + map[string]string{
		"lang_cross": "t.cross", "vision_cross": "i.cross", "lang_self": "t.self", "vision_self": "i.self",
	}[part[3]]
}
