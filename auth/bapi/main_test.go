package bapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"os"
	"testing"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/user"
)

// TestMain also sees that no exception to the contract is listed in vain.
func TestMain(m *testing.M) {
	code := m.Run()
	if f := flag.Lookup("test.run"); code == 0 && contract != nil && f.Value.String() == "" {
		for key, why := range exceptions {
			if !met[key] {
				fmt.Printf("exception %q was not needed (%s)\n", key, why)
				code = 1
			}
		}
	}
	os.Exit(code)
}

var pictureBody, pictureType = upload("file", drawing())

// drawing is a small PNG.
func drawing() []byte {
	im := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := range 16 {
		im.Set(i, i, color.NRGBA{uint8(16 * i), 100, 50, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// upload is a multipart body with one file.
func upload(field string, data []byte) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile(field, "me.png")
	if err != nil {
		panic(err)
	}
	part.Write(data)
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func sessionFilter(userID string) session.Filter { return session.Filter{UserID: userID} }

func userFilter() user.Filter { return user.Filter{} }
func userPage() user.Page     { return user.Page{} }
