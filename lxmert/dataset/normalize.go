package dataset

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Normalize writes an answer as VQA's evaluation compares answers, and as its published answer table has them: without
// punctuation and articles, in lower case, numbers up to ten in digits, contractions with their apostrophes. It is the
// published preprocessing of VQA v2 in all its oddities: a mark with a space beside it anywhere goes, elsewhere it becomes
// a space, and of full stops before anything other than a digit only 32 go.
func Normalize(answer string) string {
	words := strings.FieldsFunc(lower(withoutMarks(answer)), isSpace)
	kept := words[:0]
	for _, word := range words {
		if digit, ok := numberWords[word]; ok {
			word = digit
		}
		if word != "a" && word != "an" && word != "the" {
			kept = append(kept, word)
		}
	}
	for i, word := range kept {
		if full, ok := contractions[word]; ok {
			kept[i] = full
		}
	}
	return strings.ReplaceAll(strings.Join(kept, " "), ",", "")
}

var numberWords = map[string]string{
	"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}

// contractions are words with an apostrophe left out, as people type them, and with it.
var contractions = func() map[string]string {
	const full = `ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's how'd
		how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't
		she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's something'd
		something'd've something'll that's there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've
		weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've
		wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've`
	short := map[string]string{"somebody'd": "somebodyd"} // the published table has this one the other way round
	for _, word := range strings.Fields(full) {
		for i := range word {
			if word[i] == '\'' {
				short[word[:i]+word[i+1:]] = word
			}
		}
	}
	return short
}()

var commaInNumber = regexp.MustCompile(`\p{Nd},\p{Nd}`)

// withoutMarks removes punctuation.
func withoutMarks(answer string) string {
	out := answer
	inNumber := commaInNumber.MatchString(answer)
	for _, mark := range []string{";", "/", "[", "]", `"`, "{", "}", "(", ")", "=", "+", `\`, "_", "-", ">", "<", "@", "`", ",", "?", "!"} {
		with := " "
		if inNumber || strings.Contains(answer, mark+" ") || strings.Contains(answer, " "+mark) {
			with = ""
		}
		out = strings.ReplaceAll(out, mark, with)
	}
	letters := []rune(out)
	kept := make([]rune, 0, len(letters))
	for i, stops := 0, 0; i < len(letters); i++ {
		if letters[i] == '.' && stops < 32 && (i+1 == len(letters) || !unicode.Is(unicode.Nd, letters[i+1])) {
			stops++
			continue
		}
		kept = append(kept, letters[i])
	}
	return string(kept)
}

// softScore is how right an answer is that n of ten people have given, by the published rule: VQA's accuracy, which is
// min(1, n/3) averaged over all choices of nine of the ten.
func softScore(n int) float64 {
	return []float64{0, 0.3, 0.6, 0.9, 1}[min(n, 4)]
}

// mostFrequent is the answer that most have given, the first of equally frequent ones.
func mostFrequent(answers []string) string {
	counts := map[string]int{}
	for _, a := range answers {
		counts[a]++
	}
	best := ""
	for i, a := range answers {
		if i == 0 || counts[a] > counts[best] {
			best = a
		}
	}
	return best
}

// labelsOf scores the answers of an example's annotators. An answer counts as it is if the table has it, else as it is
// normalized; outside is how many are not in the table either way. A question that one person has answered has one right
// answer. Labels are in the order of their texts.
func (a *Answers) labelsOf(given []string) (labels []Label, outside int) {
	counts := map[string]int{}
	for _, answer := range given {
		if _, ok := a.labels[answer]; !ok {
			answer = Normalize(answer)
		}
		if _, ok := a.labels[answer]; !ok {
			outside++
			continue
		}
		counts[answer]++
	}
	labels = make([]Label, 0, len(counts))
	for answer, n := range counts {
		score := softScore(n)
		if len(given) == 1 {
			score = 1
		}
		labels = append(labels, Label{answer, score})
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Answer, b.Answer) })
	return labels, outside
}
