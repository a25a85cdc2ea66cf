package bench

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
)

// This file makes up text like English questions, and a vocabulary that covers it as BERT's covers English: most words
// are a piece, others are cut.

// common are words that a vocabulary of English has.
var common = strings.Fields(`the a an is are was were on in of to and or at by for from with near under over behind beside
	above below between there this that these those it its he she they his her their what which who where when why how
	many much does do did has have can will not no any some all both each more than most left right front back side top
	bottom middle other same different man woman boy girl child children people person player team dog cat horse bird
	sheep cow elephant bear zebra giraffe car bus train truck bicycle motorcycle boat plane street road sign light
	building window door house tree grass flower sky cloud snow water river beach wave mountain field fence wall floor
	table chair bench couch bed lamp clock phone computer keyboard screen book bottle glass cup plate bowl fork knife
	spoon pizza cake bread apple banana orange carrot sandwich hat shirt shoe jacket tie bag umbrella ball bat racket
	kite skateboard surfboard red blue green yellow black white brown gray pink purple wooden metal large small tall
	short long round square open closed empty full old young wet dry clean dirty standing sitting walking running riding
	holding wearing eating drinking looking playing flying jumping made color shape kind time day night picture photo`)

// syllable is a made-up one.
func syllable(r *rand.Rand) string {
	pick := func(of string) string {
		list := strings.Split(of, " ")
		return list[r.IntN(len(list))]
	}
	return pick("b c d f g h k l m n p r s t v w br cl dr fl gr pl pr sh st th tr") + pick("a e i o u ai ea oo") + pick("  l n r s t ck nd ng rt st")
}

// vocabularySize is that of the published model's vocabulary.
const vocabularySize = 30522

// makeVocabulary is a vocabulary file: special pieces where BERT has them, characters, common words, and made-up syllables
// that begin words or go on with them.
func makeVocabulary(r *rand.Rand) []byte {
	var list []string
	known := map[string]bool{}
	add := func(piece string) {
		if !known[piece] {
			known[piece] = true
			list = append(list, piece)
		}
	}
	add("[PAD]")
	for i := range 99 {
		add("[unused" + strconv.Itoa(i) + "]")
	}
	for _, special := range []string{"[UNK]", "[CLS]", "[SEP]", "[MASK]"} {
		add(special)
	}
	for c := '!'; c <= '~'; c++ {
		if c < 'A' || c > 'Z' {
			add(string(c))
			add("##" + string(c))
		}
	}
	for _, word := range common {
		add(word)
	}
	for len(list) < vocabularySize {
		switch word := syllable(r); r.IntN(4) {
		case 0:
			add(word)
		case 1:
			add("##" + word)
		default:
			add(word + syllable(r))
		}
	}
	var file bytes.Buffer
	for _, piece := range list {
		file.WriteString(piece + "\n")
	}
	return file.Bytes()
}

// makeSentence is a question of some 4 to 16 words, of which one in eight is made up, with what questions have besides
// words: capitals, marks, numbers, accents, and a foreign character now and then.
func makeSentence(r *rand.Rand) string {
	var b strings.Builder
	for i := range 4 + r.IntN(13) {
		word := common[r.IntN(len(common))]
		switch r.IntN(24) {
		case 0, 1, 2:
			word = ""
			for range 2 + r.IntN(3) {
				word += syllable(r)
			}
		case 3:
			word = strconv.Itoa(r.IntN(2000))
		case 4:
			word += "'s"
		case 5:
			word += "-" + common[r.IntN(len(common))]
		}
		if i == 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		switch r.IntN(200) {
		case 0:
			word = strings.Replace(word, "e", "é", 1)
		case 1:
			word = strings.ToUpper(word)
		case 2:
			word = "“" + word + "”"
		case 3:
			word = "ΣΟΦΟΣ 貓"
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		if r.IntN(16) == 0 {
			b.WriteByte(',')
		}
	}
	b.WriteByte("?.!"[r.IntN(12)/5])
	return b.String()
}
