package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/renameio/v2"

	"duogateway/job"
	"duogateway/keystore/seal"
)

// largestImage bounds a firmware image: the largest place on a board, the
// system part 2, has 512 KiB, and the serial flash as a whole 2 MiB.
const largestImage = 2 << 20

var imageName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// images keeps the firmware images that jobs name, by their SHA-256, so that a
// job finds them again after a power cut.
type images struct{ folder string }

// Put stores an image and returns its name, once it is on the disk. // P5
func (i images) Put(content []byte) (string, error) {
	sum := sha256.Sum256(content)
	name := hex.EncodeToString(sum[:])
	if err := os.MkdirAll(i.folder, 0o700); err != nil {
		return "", job.Failf(job.StoreFailed, "storing a firmware image: %w", err)
	}
	err := renameio.WriteFile(filepath.Join(i.folder, name), content, 0o600, renameio.WithTempDir(i.folder))
	if err == nil {
		err = errors.Join(seal.SyncFolder(i.folder), seal.SyncFolder(filepath.Dir(i.folder)))
	}
	if err != nil {
		return "", job.Failf(job.StoreFailed, "storing a firmware image: %w", err)
	}
	return name, nil
}

// Image finds an image, and makes sure that it is the one that its name says.
func (i images) Image(name string) ([]byte, error) {
	if !imageName.MatchString(name) {
		return nil, job.Failf(job.BadRequest, "firmware image %q: want the SHA-256 of an image, 64 hex digits", name)
	}
	content, err := os.ReadFile(filepath.Join(i.folder, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, job.Failf(job.UnknownImage, "firmware image %s: the station does not have it", name)
	case err != nil:
		return nil, job.Failf(job.StoreFailed, "reading a firmware image: %w", err)
	}
	sum := sha256.Sum256(content)
	if hex.EncodeToString(sum[:]) != name {
		return nil, job.Failf(job.UnknownImage, "firmware image %s: its file is damaged", name)
	}
	return content, nil
}

// StoredImage is the answer to an image that was sent.
type StoredImage struct {
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
}

// putImage takes an image as the body of a request.
func (a *api) putImage(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestImage))
	if err != nil {
		answer(w, nil, job.Failf(job.BadRequest, "reading a firmware image of at most %d bytes: %w", largestImage, err))
		return
	}
	name, err := a.images.Put(content)
	answer(w, StoredImage{SHA256: name, Size: len(content)}, err)
}

// ImagesFolder is where a station keeps firmware images.
func (c Config) ImagesFolder() string { return filepath.Join(c.Store, "images") }
