package diskspace

import (
	"runtime"
	"testing"
)

func TestAFolderHasRoomAndWhatIsNotThereIsUnknown(t *testing.T) {
	free, known := Free(t.TempDir())
	if runtime.GOOS == "linux" && (!known || free <= 0) {
		t.Errorf("%d bytes, known: %v", free, known)
	}
	if _, known := Free(t.TempDir() + "/none"); known {
		t.Error("a folder that is not there has room")
	}
}
