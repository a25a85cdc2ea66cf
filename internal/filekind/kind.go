package filekind

import "fmt"

// Kind is what a file is.
type Kind int

// Kinds of files. Text is what has no other name: UTF-8 without control characters.
const (
	Unknown Kind = iota
	Empty
	LFSPointer
	HTML
	XML
	ServerText // what a server says instead of giving a file, in plain text

	JSON
	PythonText // what Python prints: repr() of dicts, lists, bytes and arrays
	TSV        // the first line has fields between tabs
	Text
	UTF16
	UTF32

	Gzip
	Bzip2
	XZ
	Zstandard
	LZ4
	Zlib
	Zip
	NPZ
	TorchZip
	Office // a zip of Excel, Word or LibreOffice
	Tar
	SevenZip
	RAR

	NPY
	Safetensors
	Pickle
	TorchLegacy
	HDF5
	MATLAB
	LMDB
	Parquet
	Arrow
	Feather
	SQLite
	GGUF

	PNG
	JPEG
	GIF
	WebP
	TIFF
	PDF
	Program

	kinds
)

// HeadSize is how many bytes from a file's beginning [Of] wants; fewer tell less.
const HeadSize = 1024

// TorchLegacyStart is how files of torch.save before version 1.6 begin: a pickle of the number 0x1950a86a20f9469cfc6c.
const TorchLegacyStart = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

const unpacked = "it is compressed: unpack it first"

// words are what kinds are called, with what to do where another file was wanted; "" where that is for the reader to say.
var words = [kinds]struct{ name, remedy string }{
	Unknown:    {"a file of an unknown kind", ""},
	Empty:      {"an empty file", "what wrote it, or a download, did not finish"},
	LFSPointer: {"a Git LFS pointer", "the file itself was not downloaded: `git lfs pull` in its folder gets it"},
	HTML:       {"a web page", "the download went wrong: take the link to the file itself, and sign in where the site asks for it"},
	XML:        {"an XML message", "a server sent it in place of a file: open it to read why, and download again"},
	ServerText: {"a message of a server", "open it to read why there was no file, and download again"},

	JSON:       {"a JSON file", ""},
	PythonText: {"text that Python printed", "str() and print() write what only Python reads"},
	TSV:        {"a table of tab-separated fields", ""},
	Text:       {"a text file", ""},
	UTF16:      {"text in UTF-16", "save it as UTF-8: `iconv -f utf-16 -t utf-8` does that"},
	UTF32:      {"text in UTF-32", "save it as UTF-8: `iconv -f utf-32 -t utf-8` does that"},

	Gzip:      {"a gzip file", unpacked + ", with gunzip (tar xzf for a .tar.gz)"},
	Bzip2:     {"a bzip2 file", unpacked + ", with bunzip2 (tar xjf for a .tar.bz2)"},
	XZ:        {"an xz file", unpacked + ", with unxz (tar xJf for a .tar.xz)"},
	Zstandard: {"a Zstandard file", unpacked + ", with unzstd"},
	LZ4:       {"an LZ4 file", unpacked + ", with unlz4"},
	Zlib:      {"a zlib stream", unpacked + ", with Python's zlib (joblib writes such files: joblib.load reads them)"},
	Zip:       {"a zip archive", unpacked + ", with unzip"},
	NPZ:       {"a NumPy .npz", ""},
	TorchZip:  {"a file of torch.save", ""},
	Office:    {"a document of an office program", "save its table as text from that program"},
	Tar:       {"a tar archive", "unpack it first, with tar xf"},
	SevenZip:  {"a 7z archive", unpacked + ", with 7z x"},
	RAR:       {"a RAR archive", unpacked + ", with unrar x"},

	NPY:         {"a single NumPy array", ""},
	Safetensors: {"a safetensors file", ""},
	Pickle:      {"a Python pickle", ""},
	TorchLegacy: {"a file of torch.save", ""},
	HDF5:        {"an HDF5 file", ""},
	MATLAB:      {"a MATLAB file", ""},
	LMDB:        {"an LMDB database", ""},
	Parquet:     {"a Parquet file", ""},
	Arrow:       {"an Arrow file", ""},
	Feather:     {"a Feather file", ""},
	SQLite:      {"an SQLite database", ""},
	GGUF:        {"a GGUF file", ""},

	PNG:     {"a PNG picture", ""},
	JPEG:    {"a JPEG picture", ""},
	GIF:     {"a GIF picture", ""},
	WebP:    {"a WebP picture", ""},
	TIFF:    {"a TIFF picture", ""},
	PDF:     {"a PDF document", ""},
	Program: {"a program", ""},
}

// String is the word for it, with its article.
func (k Kind) String() string {
	if k < 0 || k >= kinds {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return words[k].name
}

// Remedy is what to do where another file was wanted, "" where that depends on what was wanted.
func (k Kind) Remedy() string {
	if k < 0 || k >= kinds {
		return ""
	}
	return words[k].remedy
}

// Not is the end of an error about a file of this kind where another was wanted, such as "a web page, not region features:
// the download went wrong …". advice is what to do where the kind alone does not say it; "" for none.
func (k Kind) Not(wanted, advice string) string {
	text := k.String() + ", not " + wanted
	if remedy := k.Remedy(); remedy != "" {
		advice = remedy
	}
	if advice != "" {
		text += ": " + advice
	}
	return text
}

// IsText says whether the file is text that programs read as UTF-8: not what a server sent in its place.
func (k Kind) IsText() bool { return k == JSON || k == PythonText || k == TSV || k == Text }

// IsZip says whether the file is a zip, whatever is in it.
func (k Kind) IsZip() bool { return k == Zip || k == NPZ || k == TorchZip || k == Office }
