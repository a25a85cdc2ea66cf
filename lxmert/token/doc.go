// Package token cuts sentences into BERT's word pieces, exactly as the reference does.
//
// A sentence is cleaned, cut at white space and around CJK ideographs, put into lower case without accents, cut at
// punctuation, and each word is covered by the longest pieces of the vocabulary from the left; a word that cannot be
// covered is [UNK] (section 2 of the reference's preprocessing: BasicTokenizer and WordpieceTokenizer). [WordPiece.Encode]
// makes the model's input out of that, and says for every piece which bytes of the sentence it came from and which word it
// belongs to, so that attention and relevance can be shown per word.
//
// The rules follow Python's: str.lower with the final sigma, canonical decomposition without recomposition (hangul become
// jamo), and control characters deleted rather than taken for spaces. Which code points exist is pinned to Unicode 14.
//
// The published model's vocabulary is not part of this project; [Find] looks where it usually is.
package token
