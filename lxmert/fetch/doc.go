// Package fetch brings LXMERT's published files to the places where the commands look for them.
//
// [Published] lists the files: question files, answer tables, region features, weights and the vocabulary, each with its
// mirrors, its final place below a folder, and its size and SHA-256 where they are known. [Fetcher.Fetch] makes a set of
// them be there: what is there already, also by hand, is checked and kept; the rest is downloaded from the mirrors in turn.
//
// # Downloads
//
// A download grows in X.part beside its final place X, with a note X.part.json about what it is a part of. An
// interrupted one continues where it stopped if the server still has the same file (by its ETag or date) and starts
// again if not. A server that stalls, breaks off or answers 5xx is asked again after a pause. A file takes its place, by
// a rename, when its length, its kind and its SHA-256 are right. Where no SHA-256 is published, that of the first
// download is written to data/.lxmert-fetch.json, and what is downloaded later must have the same.
//
// # Archives
//
// Region features are published as zips of one TSV. A zip stays as it is, beside the TSV's place and under its name,
// because packing reads it directly and both would take twice the space. With [Fetcher.Unpack] the TSV gets the one right
// place whatever the path inside the archive. Parts of a zip that was split (X.zip.aa, X.zip.ab, …, or X.zip.001, …) and
// were put beside its place are joined.
//
// # Security
//
// Servers and archives are not trusted. Nothing is executed, and nothing is written but the files of the manifest: names
// in an archive choose a member, never a place. Archives with absolute names, "..", or links are refused, and so is a
// member that unfolds suspiciously far. Memory does not grow with files, only with an archive's directory. Certificates
// are checked, and nothing comes over plain HTTP, unless [Fetcher.Insecure] or [Fetcher.BaseURL] ask for it.
package fetch
