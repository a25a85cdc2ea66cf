package token_test

import (
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/token"
)

func ExampleWordPiece_Encode() {
	vocabulary := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n##s\nsleep\n.\n"
	w, err := token.New(strings.NewReader(vocabulary))
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := w.Encode("The cats sleep.", 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, p := range e.Words.Pieces {
		fmt.Println(e.IDs[i], p, e.Mask[i], e.Words.Start[i], e.Words.End[i], e.Words.Word[i])
	}
	// Output:
	// 2 [CLS] 1 -1 -1 -1
	// 5 the 1 0 3 0
	// 6 cat 1 4 7 1
	// 7 ##s 1 7 8 1
	// 8 sleep 1 9 14 2
	// 9 . 1 14 15 3
	// 3 [SEP] 1 -1 -1 -1
	// 0 [PAD] 0 -1 -1 -1
}

func ExampleWordPiece_Basic() {
	w, err := token.New(strings.NewReader("[UNK]\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(w.Basic("Who's in the CAFÉ?"), "|"))
	// Output: who|'|s|in|the|cafe|?
}
