package user

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/store"
)

// An Image is a profile picture as it is served: decoded once, re-encoded,
// without metadata.
type Image struct {
	store.Meta
	ContentType string    `json:"content_type"`
	Bytes       []byte    `json:"bytes"`
	CreatedAt   time.Time `json:"created_at"`
}

// ImageKind is where pictures are kept.
var ImageKind = &store.Kind{Name: "image"}

var images = store.Table[Image, *Image]{Kind: ImageKind}

// StoreEntries is empty: pictures are found by ID.
func (i *Image) StoreEntries() []store.Entry { return nil }

// GetImage returns a picture, or store.ErrNotFound.
func GetImage(ctx context.Context, tx store.Tx, id string) (*Image, error) {
	return images.Get(ctx, tx, id)
}

// SetImage stores a picture for u in place of the former one; the caller Puts
// u. An image without bytes only removes the former one.
func SetImage(ctx context.Context, tx store.Tx, u *User, contentType string, data []byte, now time.Time) (err error) {
	u.ImageID, err = ReplaceImage(ctx, tx, u.ImageID, contentType, data, now)
	return err
}

// ReplaceImage stores a picture in place of the one with the ID old, which may
// be empty, and returns the new ID: empty without bytes.
func ReplaceImage(ctx context.Context, tx store.Tx, old, contentType string, data []byte, now time.Time) (id string, err error) {
	if old != "" {
		if err := deleteImage(ctx, tx, old); err != nil {
			return "", err
		}
	}
	if len(data) == 0 {
		return "", nil
	}
	im := &Image{Meta: store.Meta{ID: store.NewID("img", now)}, ContentType: contentType, Bytes: data, CreatedAt: now}
	return im.ID, images.Put(ctx, tx, im)
}

func deleteImage(ctx context.Context, tx store.Tx, id string) error {
	im, err := images.Get(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return images.Delete(ctx, tx, im)
}
