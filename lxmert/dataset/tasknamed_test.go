package dataset

import "testing"

// taskNamed is a known task.
func taskNamed(t *testing.T, name string) *Task {
	t.Helper()
	task, err := FindTask(name)
	if err != nil {
		t.Fatal(err)
	}
	return task
}
