package store

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// KeyringFile returns the ring of the keys in a file: one key a line, in
// hexadecimal, the sealing one first. If there is no such file it is made, with
// one new key, readable by its owner only. Whoever loses the file loses what
// was sealed with it; whoever gets it and the database has both.
//
// A file that others may read is refused, and so is one without a key.
func KeyringFile(path string) (Keyring, error) {
	ring, err := readKeyring(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	if err := writeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Keyring{}, fmt.Errorf("store: key file: %w", err)
	}
	return readKeyring(path)
}

// LoadKeyring returns the ring of the keys in text, as [ParseKeyring] reads
// them, or, if text is empty, that of the file at path, see [KeyringFile]: for
// programs that take their keys from the environment where there is one.
func LoadKeyring(text, path string) (Keyring, error) {
	if text != "" {
		return ParseKeyring(text)
	}
	return KeyringFile(path)
}

func readKeyring(path string) (Keyring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Keyring{}, fmt.Errorf("store: key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Keyring{}, fmt.Errorf("%w: key file %s may be read by others; chmod 600 it", ErrInvalid, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Keyring{}, fmt.Errorf("store: key file: %w", err)
	}
	return ParseKeyring(string(data))
}

// ParseKeyring returns the ring of keys written in hexadecimal, one a line, the
// sealing one first, as a key file or an environment variable holds them.
func ParseKeyring(text string) (Keyring, error) {
	var keys [][]byte
	lines := bufio.NewScanner(bytes.NewReader([]byte(text)))
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		key := make([]byte, hex.DecodedLen(len(line)))
		if _, err := hex.Decode(key, line); err != nil {
			return Keyring{}, fmt.Errorf("%w: sealing key %d is not hexadecimal", ErrInvalid, len(keys)+1)
		}
		keys = append(keys, key)
	}
	return NewKeyring(keys...)
}

// writeKey makes a file with one new key. It is written beside and linked into
// place, so that nobody ever reads half of it and an existing one stays.
func writeKey(path string) error {
	key := make([]byte, KeySize)
	rand.Read(key)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = fmt.Fprintln(tmp, hex.EncodeToString(key))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}
