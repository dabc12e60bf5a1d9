package daemon

import (
	"os"
	"testing"

	"duogateway/job"
)

// An image is kept under its name alone, in a folder that is the station's.
func TestImagesAreKept(t *testing.T) {
	kept := images{t.TempDir() + "/images"}
	name, err := kept.Put([]byte("an image"))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := kept.Image(name); err != nil || string(content) != "an image" {
		t.Errorf("%q, %v", content, err)
	}
	files, err := os.ReadDir(kept.folder)
	if err != nil || len(files) != 1 || files[0].Name() != name {
		t.Errorf("the folder holds %v, %v", files, err)
	}
	if err := os.WriteFile(kept.folder+"/"+name, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Image(name); !job.HasCode(err, job.UnknownImage) {
		t.Errorf("a damaged image: %v", err)
	}
}
