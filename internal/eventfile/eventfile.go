// Package eventfile writes event files of TensorBoard: scalars over steps, and texts.
//
// An event file is a row of records as TensorFlow writes them (tensorflow/core/lib/io/record_writer.h): the length of the data, eight
// bytes, the lowest first; a checksum of these; the data; a checksum of it. The checksum is CRC-32C, rotated and with a constant added, so
// that checksums of data which has checksums in it say something. The data is a protocol buffer, Event of
// tensorflow/core/util/event.proto, of which the few fields that are needed are written here by their numbers: its generated code is
// a part of TensorFlow's.
package eventfile

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Writer writes one event file. Errors of what it writes to come from each call.
type Writer struct {
	to   io.Writer
	wall float64 // of all events, seconds since 1970
}

// New begins an event file. All events have the same time.
func New(to io.Writer, wall time.Time) (*Writer, error) {
	w := &Writer{to: to, wall: float64(wall.UnixNano()) / 1e9}
	return w, w.event(0, appendString(nil, eventVersion, "brain.Event:2"))
}

// Scalar writes a value of a tag at a step. TensorBoard keeps it as a float32.
func (w *Writer) Scalar(step int64, tag string, value float64) error {
	v := appendString(nil, valueTag, tag)
	v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
	v = protowire.AppendFixed32(v, math.Float32bits(float32(value)))
	return w.value(step, v)
}

// Text writes a text of a tag at step 0, which TensorBoard shows as Markdown.
func (w *Writer) Text(tag, markdown string) error {
	plugin := appendString(nil, pluginName, "text")
	metadata := appendBytes(nil, metadataPlugin, plugin)
	metadata = appendVarint(metadata, metadataClass, classTensor)
	tensor := appendVarint(nil, tensorType, typeString)
	tensor = appendBytes(tensor, tensorShape, nil) // of no dimension
	tensor = appendString(tensor, tensorStrings, markdown)
	v := appendString(nil, valueTag, tag)
	v = appendBytes(v, valueTensor, tensor)
	v = appendBytes(v, valueMetadata, metadata)
	return w.value(0, v)
}

// Numbers of fields, and of values of enumerations.
const (
	eventWall    protowire.Number = 1
	eventStep    protowire.Number = 2
	eventVersion protowire.Number = 3
	eventSummary protowire.Number = 5

	summaryValue protowire.Number = 1

	valueTag      protowire.Number = 1
	valueSimple   protowire.Number = 2
	valueTensor   protowire.Number = 8
	valueMetadata protowire.Number = 9

	metadataPlugin protowire.Number = 1
	metadataClass  protowire.Number = 4
	pluginName     protowire.Number = 1
	classTensor                     = 2

	tensorType    protowire.Number = 1
	tensorShape   protowire.Number = 2
	tensorStrings protowire.Number = 8
	typeString                     = 7
)

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// value writes an event that has one value of a summary.
func (w *Writer) value(step int64, v []byte) error {
	return w.event(step, appendBytes(nil, eventSummary, appendBytes(nil, summaryValue, v)))
}

// event writes a record of an event whose other fields are given.
func (w *Writer) event(step int64, what []byte) error {
	b := protowire.AppendTag(nil, eventWall, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(w.wall))
	b = appendVarint(b, eventStep, uint64(step))
	_, err := w.to.Write(record(append(b, what...)))
	return err
}

func record(data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	out = append(out, data...)
	return binary.LittleEndian.AppendUint32(out, masked(data))
}

// masked is the checksum of a record's part.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return (sum>>15 | sum<<17) + 0xa282ead8
}
