package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"
)

//go:embed templates assets
var embedded embed.FS

const maxFile = 256 << 10 // bytes of one file of the overlay

// overlay reads files from a host's folder first and from the built-in ones
// then.
type overlay struct{ top fs.FS }

func (o overlay) read(folder, name string) (string, error) {
	if o.top != nil {
		f, err := o.top.Open(name)
		if err == nil {
			defer f.Close()
			b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
			if err == nil && len(b) > maxFile {
				err = fmt.Errorf("is larger than %d bytes", maxFile)
			}
			if err != nil {
				return "", fmt.Errorf("ui: overlay: %s: %w", name, err)
			}
			return string(b), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("ui: overlay: %w", err)
		}
	}
	b, err := embedded.ReadFile(folder + "/" + name)
	if err != nil {
		return "", fmt.Errorf("ui: %w", err)
	}
	return string(b), nil
}

// An asset is a file that may be cached for ever, since its path changes with
// its content.
type asset struct {
	path string // below PagesPath
	kind string // of the content
	data []byte
}

// newStyle joins the built-in style and the theme.
func newStyle(files overlay) (asset, error) {
	var all bytes.Buffer
	for _, name := range []string{"base.css", "theme.css"} {
		css, err := files.read("assets", name)
		if err != nil {
			return asset{}, err
		}
		all.WriteString(css + "\n")
	}
	return newAsset("ui", ".css", "text/css", all.Bytes()), nil
}

// newScript is the script that runs the ceremonies of passkeys.
func newScript(files overlay) (asset, error) {
	js, err := files.read("assets", "passkey.js")
	return newAsset("passkey", ".js", "text/javascript", []byte(js)), err
}

func newAsset(name, ext, kind string, data []byte) asset {
	sum := sha256.Sum256(data)
	return asset{path: "/assets/" + name + "-" + hex.EncodeToString(sum[:8]) + ext, kind: kind + "; charset=utf-8", data: data}
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Del("Vary") // no cookie changes it
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", a.kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}
