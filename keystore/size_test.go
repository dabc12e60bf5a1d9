package keystore_test

import (
	"os"
	"path/filepath"
	"testing"

	"duogateway/job"
	"duogateway/keystore"
)

// The size of a store is that of its file, while there is one.
func TestSize(t *testing.T) {
	folder := fill(t)
	s := open(t, folder, keystore.Options{})
	file := filepath.Join(folder, keystore.StoreFile)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if size, err := s.Size(); err != nil || size != info.Size() {
		t.Errorf("the size is %d, %v, that of the file %d", size, err, info.Size())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = s.Size()
	expectCode(t, err, job.StoreFailed)
}
