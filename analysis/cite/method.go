package cite

import (
	"slices"
	"strings"
)

// method is what a page of ../methods is about, how results and commands call it, and its references.
type method struct {
	page    string   // file of the page, without its suffix
	phrases []string // parts of [analysis.Meta.Method], in lower case
	names   []string // as commands and columns called "method" name it
	keys    []string // of entries in references.bib, in the order of their use
}

// methods are all pages' methods. What a method is made of is in its keys, such as Shapley values in those of interactions.
func methods() []method {
	chefer, shapley := "chefer2021generic", []string{"parcalabescu2023mmshap", "castro2009polynomial", "mitchell2022sampling"}
	return []method{
		{"activation-patching", []string{"activation patching"}, []string{"patching"}, []string{"vig2020investigating", "meng2022locating", "zhang2024towards"}},
		{"agreement", []string{"agreement of methods", "rank agreement"}, nil, nil},
		{"alignment", []string{"modality gap"}, []string{"align"}, []string{"liang2022mind", "huh2024platonic"}},
		{"attention-flow", []string{"attention flow"}, []string{"flow"}, []string{"abnar2020quantifying"}},
		{"attnlrp", []string{"attnlrp"}, []string{"attnlrp"}, []string{"achtibat2024attnlrp"}},
		{"attribution-patching", []string{"attribution patching"}, []string{"attribution"}, []string{"nanda2023attribution", "syed2023attribution", "kramar2024atp"}},
		{"bi-modal-relevance", []string{"bi-modal relevance"}, []string{"relevance", "relevance-nonorm", "relevance-noself"}, []string{chefer}},
		{"cka", []string{"linear cka"}, []string{"cka"}, []string{"kornblith2019similarity", "song2012feature", "nguyen2021wide"}},
		{"coreference", []string{"coreference"}, []string{"coreference"}, []string{"cao2020behind"}},
		{"cross-modal-ablation", []string{"cross-modal ablation"}, []string{"ablation"}, []string{"frank2021vision"}},
		{"dictionary", nil, []string{"dictionary"}, []string{"bricken2023towards", "gao2024scaling", "rajamanoharan2024jumping", "dunefsky2024transcoders", "marks2024sparse"}},
		{"emap", []string{"emap"}, []string{"emap"}, []string{"hessel2020does"}},
		{"fusion", []string{"fusion degree"}, []string{"fusion"}, []string{"cao2020behind"}},
		{"gradcam", []string{"gradcam"}, []string{"gradcam"}, []string{chefer, "selvaraju2017gradcam"}},
		{"gradient-x-input", []string{"gradient x input"}, []string{"gradxinput"}, []string{"shrikumar2016not"}},
		{"head-pruning", []string{"head pruning", "head importance"}, []string{"pruning", "importance"}, []string{"michel2019sixteen"}},
		{"head-statistics", []string{"entropy of", "divergence of heads"}, []string{"statistics", "clusters", "divergence"}, []string{"clark2019what", "kovaleva2019revealing"}},
		{"heads", []string{"heads of pre-training"}, nil, []string{"tan2019lxmert"}},
		{"integrated-gradients", []string{"integrated gradients"}, []string{"ig"}, []string{"sundararajan2017axiomatic"}},
		{"interactions", []string{"interaction"}, []string{"interactions"}, append([]string{"grabisch1999axiomatic"}, shapley[0])},
		{"leace", []string{"concept erasure"}, []string{"leace"}, []string{"belrose2023leace", "kim2018interpretability"}},
		{"logit-lens", []string{"logit lens"}, []string{"lens"}, []string{"nostalgebraist2020logit", "belrose2023eliciting"}},
		{"mm-shap", []string{"shapley value", "mm-shap"}, []string{"shapley"}, shapley},
		{"norms", []string{"value-weighted attention", "norms of cross-attention"}, []string{"norms", "value-norms"}, []string{"kobayashi2020attention"}},
		{"pca", []string{"principal components"}, []string{"pca"}, nil},
		{"perceptual-score", []string{"perceptual score"}, nil, []string{"gat2021perceptual"}},
		{"perturbation-test", []string{"perturbation test"}, nil, []string{chefer}},
		{"probes", []string{"probe"}, []string{"probe"}, []string{"hewitt2019designing", "voita2020information"}},
		{"raw-attention", []string{"raw attention"}, []string{"attention"}, nil},
		{"rollout", []string{"rollout"}, []string{"rollout", "joint-rollout"}, []string{"abnar2020quantifying", chefer}},
		{"suites", []string{"suite"}, nil, []string{"salazar2020masked"}},
		{"suites", []string{"suite valse"}, []string{"valse"}, []string{"parcalabescu2022valse"}},
		{"suites", []string{"suite winoground"}, []string{"winoground"}, []string{"thrush2022winoground"}},
		{"suites", []string{"suite svo"}, []string{"svo"}, []string{"hendricks2021probing"}},
		{"suites", []string{"suite foil"}, []string{"foil", "foil-word", "foil-correction"}, []string{"shekhar2017foil"}},
		{"suites", []string{"suite vsr"}, []string{"vsr"}, []string{"liu2023visual"}},
		{"suites", []string{"suite sugarcrepe"}, []string{"sugarcrepe"}, []string{"hsieh2023sugarcrepe"}},
		{"suites", []string{"suite aro"}, []string{"aro"}, []string{"yuksekgonul2023when"}},
		{"suites", []string{"suite masked"}, []string{"masked", "masked-svo"}, []string{"benova2024beyond"}},
		{"two-models", []string{"two models"}, nil, nil},
		{"use-of-the-picture", []string{"use of the picture"}, []string{"looks"}, append([]string{"hessel2020does", "gat2021perceptual"}, shapley...)},
		{"what-if", nil, []string{"what-if"}, []string{"geva2023dissecting"}},
		{"calibration", []string{"confidence can be trusted", "at which risk"}, []string{"readout", "calibration"}, []string{"geifman2019biasreduced", "whitehead2022reliable", "guo2017calibration"}},
	}
}

// keysOf are the references of what a result or a command calls a method; none: it has none, or nobody knows it.
func keysOf(name string, whole bool) (keys []string) {
	lower := strings.ToLower(name)
	for _, m := range methods() {
		fits := slices.Contains(m.names, name)
		if !whole {
			fits = slices.ContainsFunc(m.phrases, func(p string) bool { return strings.Contains(lower, p) })
		}
		if fits {
			keys = append(keys, m.keys...)
		}
	}
	return keys
}
