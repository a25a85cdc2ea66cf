// Package weights reads and writes the weights of models: PyTorch's .pth files, both the zip format of today and the
// older one of the published LXMERT snapshots, and .safetensors files.
//
// [Open] looks at any such file, or at the index of a model in several of them, tensor by tensor; files are mapped into
// memory and nothing is read before it is asked for. [OpenModel] goes further and sees a file as an LXMERT model: it knows
// the names that pre-training, fine-tuning, several GPUs, torch.compile, Hugging Face and MMF give to the same parameters
// ([Canonical]), and finds the model's sizes from the shapes. [Write],
// [Save] and [SaveHuggingFace] write files that PyTorch and Hugging Face read back.
//
// # Security
//
// A .pth file holds a Python pickle, which in Python can run any program. Here nothing is executed or loaded: the pickle
// is read by a small machine of our own that knows tensors and plain values. Everything else that training loops save
// (flags, paths, dates, NumPy values, objects of any class) becomes an [Object] that remembers what it is called, and
// [File.Extras] lists it; a name that can only serve to run programs, such as os.system, makes the file an error.
// Files may be damaged or hostile. Every length and place is checked against the size of the file before it is used,
// so that memory stays within the file's size plus a constant, and errors name the file, the offset and the cause.
// A file must not be cut short by somebody else while it is open.
package weights
