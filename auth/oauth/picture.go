package oauth

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/usherauth/usher/auth/internal/outbound"
)

// Picture fetches the picture of an [Identity]. Its URL is the word of somebody
// at the provider, so only public addresses are asked, whatever else the
// provider's value allows, and no redirect is followed. The bytes are not looked
// at.
func (c *Client) Picture(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fail(StagePicture, Refused, errors.New("the URL is none"))
	}
	res, err := c.pictures.Do(req)
	if errors.Is(err, outbound.ErrURL) || errors.Is(err, outbound.ErrAddress) || errors.Is(err, outbound.ErrTooLarge) {
		return nil, fail(StagePicture, Refused, withoutURL(err))
	}
	if err != nil {
		return nil, fail(StagePicture, Unavailable, withoutURL(err))
	}
	defer res.Body.Close()
	if err := outcome(StagePicture, res.StatusCode); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fail(StagePicture, Unavailable, withoutURL(err))
	}
	return data, nil
}
