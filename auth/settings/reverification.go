package settings

// Reverification says whether people show once more who they are before they
// change what their account hangs on.
type Reverification struct {
	// Enabled: sensitive acts need the strongest factors that a person has,
	// shown within ten minutes.
	Enabled bool `json:"enabled"`
}
