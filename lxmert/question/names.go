package question

import "github.com/seed-516990b0/golxmert/lxmert"

// Names are what the classes of the model's heads are called, as far as the files say: word pieces by the vocabulary, objects and
// attributes by Options, answers as in [Asker.Head].
func (a *Asker) Names() (names lxmert.ClassNames, err error) {
	objects, attributes, err := a.labels()
	if err != nil {
		return names, err
	}
	for _, x := range []struct {
		to   *[]string
		from *labels
	}{{&names.Objects, objects}, {&names.Attributes, attributes}} {
		if x.from != nil {
			*x.to = x.from.names
		}
	}
	names.Answers = a.head.Answers
	vocab, release, err := a.vocabulary()
	if err != nil {
		return names, err
	}
	defer release()
	for id := range vocab.Size() {
		names.Words = append(names.Words, vocab.Piece(int32(id)))
	}
	return names, nil
}
