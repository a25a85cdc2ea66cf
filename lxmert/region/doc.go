// Package region reads RoI features: what a detector found in pictures, as boxes in pixels and one feature vector per box.
//
// [Open] opens a file or a folder as a [Source], which finds an image by its id or goes through all of them; a [Scanner]
// streams a TSV from anything that can be read; [Fill] makes the region side of a [lxmert.Batch] of some images. Files are
// little-endian and are not trusted: an error names file, line or array, and field; it wraps [ErrFormat]. Memory is
// bounded by one image, plus the ids of a file that is searched.
//
// # TSV
//
// The published files (LXMERT, section 4.1 of the reference's preprocessing): one image per line, ended by LF or CRLF, no
// header, ten tab-separated fields:
//
//	img_id  img_h  img_w  objects_id  objects_conf  attrs_id  attrs_conf  num_boxes  boxes  features
//
// Sizes and num_boxes are decimal integers; the other fields are padded base64 of int64 (ids), float32 (confidences),
// float32 [n,4] (boxes: x0 y0 x1 y1 in pixels) and float32 [n,F]. F is inferred. Other than in the reference, the four
// label fields may be empty. Of rows with equal ids the last one counts, as in the reference.
//
// # NumPy and safetensors
//
// A .npz (np.savez or np.savez_compressed) or .safetensors file holds one image or a set of them, in arrays called
//
//	features    [n,F] or [N,n,F]   float16, float32 or float64 (safetensors: bfloat16 too)
//	boxes       [n,4] or [N,n,4]   x0 y0 x1 y1 in pixels
//	width       a number or [N]    pixels
//	height      a number or [N]
//	num_boxes   a number or [N]    optional: how many of the n boxes are there, where sets are padded
//	objects_id  [n] or [N,n]       optional, as are objects_conf, attrs_id and attrs_conf
//	objects     [n] or [N,n]       optional: objects_id if integers, objects_conf if not; likewise attrs
//	ids         [N] strings        a set needs it; in safetensors files it is metadata, a JSON list
//
// Other arrays are ignored. An image alone in its file is called like the file, without the ending. A folder of such files
// is a source too: the image "a/b" is the file a/b.npz or a/b.safetensors in it. In Python:
//
//	import numpy as np
//	np.savez("000017.npz", features=feats.astype("float32"),   # [36, 2048]
//	         boxes=boxes.astype("float32"),                    # [36, 4], pixels
//	         width=640, height=480)
//
//	import json
//	from safetensors.numpy import save_file
//	save_file({"features": feats, "boxes": boxes,              # [N, 36, 2048], [N, 36, 4]
//	           "width": widths, "height": heights},            # [N], [N]
//	          "val.safetensors", metadata={"ids": json.dumps(ids)})
package region
