// Package region reads RoI features: what a detector found in pictures, as boxes in pixels and one feature vector per box.
//
// [Open] opens a file or a folder as a [Source], which finds an image by its id or goes through all of them; a [Scanner]
// streams a TSV from anything that can be read; [Fill] makes the region side of a [lxmert.Batch] of some images. For data
// sets, [OpenPacked] opens a published feature file by its name as a [Store], from which any image is read at once, and
// packs it on first use; [Pack] does so when asked, and [Verify] looks for damage in any of these. [Pictures] finds the
// picture files. Files are little-endian and are not trusted: an error names file, line or array, and field; it wraps
// [ErrFormat]. What is whole and means something else, such as boxes that were divided by the picture's size already, is an
// error that wraps [ErrForm], on every way into a model; see [Regions.Check] and [Examine]. Memory is bounded by a few
// images, plus the ids of a file that is searched.
//
// # TSV
//
// The published files (LXMERT, section 4.1 of the reference's preprocessing): one image per line, ended by LF or CRLF, no
// header, ten tab-separated fields:
//
//	img_id  img_h  img_w  objects_id  objects_conf  attrs_id  attrs_conf  num_boxes  boxes  features
//
// Sizes and num_boxes are decimal integers; the other fields are padded base64 of int64 (ids), float32 (confidences),
// float32 [n,4] (boxes: x0 y0 x1 y1 in pixels) and float32 [n,F]. F is inferred. Unlike in the reference, the four
// label fields may be empty. Of rows with equal ids the last one counts, as in the reference.
//
// What people have besides is read where the first row leaves no doubt, and said by [Examine], [Pack] and [Verify]:
//
//	six columns     image_id image_w image_h num_boxes boxes features, as the bottom-up-attention detector writes them:
//	                width before height, and no labels
//	a header        with those names, or id width height, in any order; other columns are passed over
//	b'…'            bytes that went through Python's str()
//	480.0           whole numbers written as floats
//	other types     int32 ids; float64 confidences; float64, int32 or int64 boxes; float64 or float16 features
//
// The number of bytes tells types; those of features, whose width is not known, are told by the values: what are ordinary
// numbers as float64 are very large or very small as pairs of float32.
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
// is a source too: the image "a/b" is the file a/b.npz or a/b.safetensors in it.
//
// The arrays of other programs are read as they are, and reported like the forms of TSVs:
//
//	OpenVQA (MCAN), bottom-up-attention.pytorch
//	    x [n,F] or [F,n], bbox [n,4] in pixels, num_bbox, image_w, image_h. Which axis of x are the boxes, their number
//	    tells; where n is F it cannot, and is an error. The image of 7.jpg.npz is 7. Labels in info, a Python object, are
//	    not read.
//	UNITER
//	    features [n,F], norm_bb [n,4] to [n,7]: the corners as shares of the picture's size, 0 to 1, then anything else,
//	    such as its width and height; conf [n]; soft_labels [n,1601], the background first, whose largest is the class.
//	    Without width and height the picture's size is 1 x 1, which stands for one that is not known.
//
// Not read are HDF5, LMDB, pickles and single arrays (.npy): errors say what a file is, and how to write it anew. In Python:
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
//
// # Packed store
//
// A store is a folder with a manifest.json and shards of up to 1024 images: shard-00000.bin and so on. In a shard all
// records have one size, so that record i begins at i times that; where an image has more boxes than those before it, a
// shard with larger records begins. Equal sources give equal stores, byte for byte.
//
//	record   boxes f32 [n,4], objects_conf f32 [n], attrs_conf f32 [n], objects_id i32 [n], attrs_id i32 [n],
//	         features f32 or f16 [n,F], then zeros up to the record's size, which is a multiple of 64
//	         labels that the source does not have are zeros
//	table    u32 records, u32 boxes that a record has room for, u32 F, u32 flags (1: float16), u64 bytes of a record,
//	         u64 row of the first record, u64 offset and u64 line where the source goes on, u64 identity;
//	         for each record 100 bytes: u32 bytes of the id, u32 n, u32 width, u32 height, u32 labels (1 objects_conf,
//	         2 attrs_conf, 4 objects_id, 8 attrs_id), u32 CRC-32C of the record without the zeros, and what it adds to
//	         the fingerprint: f64 sum of the features, f64 of their squares, f64 sums of box widths, heights and areas,
//	         u32 zeros, negative and lost features, infinite numbers, empty, outside and inverted boxes,
//	         confidences out of range, f32 farthest coordinate; then the ids one after the other
//	end      u64 bytes of the table, u32 CRC-32C of the table, "LXRS"
//
// The manifest has the source with its size and modification time, the numbers of rows, images, boxes and features, the type,
// the [Fingerprint], and size and CRC-32C of every shard's table, so that any change is noticed: tables when the
// store is opened, records when they are read. It says complete: false until all shards are there. A shard takes its name
// when it is whole, and its table says where the source goes on: what was interrupted is resumed from there. The identity
// (FNV-1a of the manifest's source, extractor, dtype and firstRows, as JSON) keeps shards of different packings apart.
package region
