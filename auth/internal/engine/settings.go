package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
)

// settingsRecord is the one record of settings that were changed at run time.
// They stay raw, so that fields they lack can be told from zeros.
type settingsRecord struct {
	store.Meta
	Settings  json.RawMessage `json:"settings"`
	UpdatedAt time.Time       `json:"updated_at"`
}

var (
	settingsKind = &store.Kind{Name: "settings"}
	settingsTab  = store.Table[settingsRecord, *settingsRecord]{Kind: settingsKind}
)

func (r *settingsRecord) StoreEntries() []store.Entry { return nil }

const settingsID = "settings"

// settingsFresh is how old settings may be before they are looked up again.
const settingsFresh = time.Second

type settingsCache struct {
	current atomic.Pointer[cachedSettings]
	mu      sync.Mutex // one goroutine refreshes
}

type cachedSettings struct {
	settings *settings.Settings
	version  int64
	read     time.Time
}

// Settings returns the settings in force, at most a second old. They are
// shared: do not change them. If the store does not answer or holds settings
// that are not valid, the last good ones stay in force.
func (e *Engine) Settings(ctx context.Context) *settings.Settings {
	c := e.settings.current.Load()
	if e.cfg.LockSettings {
		return c.settings
	}
	if age := e.now().Sub(c.read); age >= 0 && age < settingsFresh || !e.settings.mu.TryLock() {
		return c.settings
	}
	defer e.settings.mu.Unlock()
	if err := e.refreshSettings(ctx); err != nil {
		e.log.ErrorContext(ctx, "settings not read, the last good ones stay in force", "err", err)
		again := *c
		again.read = e.now() // asked again in a second, not with each request
		e.settings.current.CompareAndSwap(c, &again)
	}
	return e.settings.current.Load().settings
}

// lastSettings are the settings as last read, for use inside a transaction.
func (e *Engine) lastSettings() *settings.Settings { return e.settings.current.Load().settings }

func (e *Engine) loadSettings(ctx context.Context) error {
	if err := e.checkSettings(&e.cfg.Settings); err != nil {
		return err
	}
	e.settings.current.Store(&cachedSettings{settings: &e.cfg.Settings, read: e.now()})
	if e.cfg.LockSettings {
		return nil
	}
	return e.refreshSettings(ctx)
}

// checkSettings validates settings as a whole, that this instance was given what
// they need, and that they suit where it is: codes that everybody knows are for
// this machine only.
func (e *Engine) checkSettings(s *settings.Settings) error {
	err := s.Validate()
	need := func(ok bool, field, problem string) {
		if !ok {
			err = errors.Join(err, &settings.FieldError{Field: field, Problem: problem})
		}
	}
	need(!s.PhoneNumber.Enabled || e.cfg.Phone != nil, "phone_number.enabled", "needs a parser of numbers")
	sends := len(s.PhoneNumber.Strategies)+len(s.PhoneNumber.Verifications) > 0
	need(!sends || e.cfg.SMS != nil, "phone_number.verifications", "needs a sender of text messages, see auth.Config.SMS")
	if s.TestMode && !e.cfg.Local {
		err = errors.Join(err, &settings.FieldError{Field: "test_mode", Problem: "needs a loopback URL: anybody could sign in with the code of tests"})
	}
	return err
}

func (e *Engine) refreshSettings(ctx context.Context) error {
	fresh := &cachedSettings{read: e.now()}
	err := e.view(ctx, func(tx store.Tx) error {
		r, set, err := e.readSettings(ctx, tx)
		if err != nil {
			return err
		}
		fresh.settings, fresh.version = set, r.Version
		return e.checkSettings(set)
	})
	if err != nil {
		return err
	}
	e.settings.keep(fresh)
	return nil
}

// keep puts fresh in force, unless its reading began before that of settings
// with a higher version: an update has been faster. A lower version that was
// read later is a record that was deleted or restored, and counts.
func (c *settingsCache) keep(fresh *cachedSettings) {
	for {
		old := c.current.Load()
		if fresh.version < old.version && !fresh.read.After(old.read) || c.current.CompareAndSwap(old, fresh) {
			return
		}
	}
}

// readSettings returns the stored record, or a new one, and what it says:
// fields that the stored document lacks, at any depth, have the host's values.
// The settings are nobody else's and have not been validated.
func (e *Engine) readSettings(ctx context.Context, tx store.Tx) (*settingsRecord, *settings.Settings, error) {
	r, err := settingsTab.Get(ctx, tx, settingsID)
	if errors.Is(err, store.ErrNotFound) {
		r = &settingsRecord{Meta: store.Meta{ID: settingsID}, Settings: json.RawMessage("{}")}
	} else if err != nil {
		return nil, nil, err
	}
	host, err := json.Marshal(e.cfg.Settings) // a copy, with slices of its own
	if err != nil {
		return nil, nil, err
	}
	var set settings.Settings
	if err := json.Unmarshal(host, &set); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(r.Settings, &set); err != nil {
		return nil, nil, &store.CorruptError{Kind: settingsKind.Name, ID: r.ID, Err: err}
	}
	return r, &set, nil
}

// UpdateSettings changes the settings: fn gets a copy of those that are stored,
// which it may also repair. The result is validated whole. Other instances see
// it within a second.
func (e *Engine) UpdateSettings(ctx context.Context, fn func(*settings.Settings) error) error {
	if e.cfg.LockSettings {
		return fault.New("settings_locked", "")
	}
	err := e.store.Update(ctx, func(tx store.Tx) error {
		r, set, err := e.readSettings(ctx, tx)
		if err != nil {
			return err
		}
		if err := fn(set); err != nil {
			return err
		}
		if err := e.checkSettings(set); err != nil {
			return err
		}
		if r.Settings, err = json.Marshal(set); err != nil {
			return err
		}
		r.UpdatedAt = e.now()
		return settingsTab.Put(ctx, tx, r)
	})
	if err != nil {
		return err
	}
	return e.refreshSettings(ctx)
}
