package wire

import "encoding/json"

// Deleted says that something is no more.
type Deleted struct {
	Object  string `json:"object"`
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// NewDeleted says that the object with the given ID is no more.
func NewDeleted(object, id string) Deleted { return Deleted{Object: object, ID: id, Deleted: true} }

// List is a page of a list. Data is never null.
type List[T any] struct {
	Data       []T `json:"data"`
	TotalCount int `json:"total_count"`
}

// NewList is a page of a list of total entries.
func NewList[T any](page []T, total int) List[T] {
	if page == nil {
		page = []T{}
	}
	return List[T]{Data: page, TotalCount: total}
}

// Object is a JSON object; an absent one is empty.
func Object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// Token is a session token.
type Token struct {
	Object string `json:"object"`
	JWT    string `json:"jwt"`
}

// NewToken is a session token; an empty one is null.
func NewToken(jwt string) *Token {
	if jwt == "" {
		return nil
	}
	return &Token{Object: "token", JWT: jwt}
}
