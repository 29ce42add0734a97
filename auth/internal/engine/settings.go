package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
)

// settingsRecord is the one record of settings that were changed at run time.
type settingsRecord struct {
	store.Meta
	Settings  settings.Settings `json:"settings"`
	UpdatedAt time.Time         `json:"updated_at"`
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
// shared: do not change them. If the store does not answer, the last ones
// stay in force.
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
		e.log.WarnContext(ctx, "settings not read, the last ones stay in force", "err", err)
	}
	return e.settings.current.Load().settings
}

func (e *Engine) loadSettings(ctx context.Context) error {
	if err := e.cfg.Settings.Validate(); err != nil {
		return err
	}
	e.settings.current.Store(&cachedSettings{settings: &e.cfg.Settings, read: e.now()})
	if e.cfg.LockSettings {
		return nil
	}
	return e.refreshSettings(ctx)
}

func (e *Engine) refreshSettings(ctx context.Context) error {
	read := e.now()
	var r *settingsRecord
	err := e.view(ctx, func(tx store.Tx) (err error) {
		r, err = e.readSettings(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	e.settings.current.Store(&cachedSettings{settings: &r.Settings, version: r.Version, read: read})
	return nil
}

// readSettings returns the stored record, or a new one with the host's own
// settings. Fields that the stored document lacks have the host's values.
func (e *Engine) readSettings(ctx context.Context, tx store.Tx) (*settingsRecord, error) {
	r, err := settingsTab.Get(ctx, tx, settingsID)
	if errors.Is(err, store.ErrNotFound) {
		return &settingsRecord{Meta: store.Meta{ID: settingsID}, Settings: e.cfg.Settings}, nil
	}
	return r, err
}

// UpdateSettings changes the settings: fn gets a copy of those in force. The
// result is validated whole. Other instances see it within a second.
func (e *Engine) UpdateSettings(ctx context.Context, fn func(*settings.Settings) error) error {
	if e.cfg.LockSettings {
		return fault.New("settings_locked", "")
	}
	err := e.store.Update(ctx, func(tx store.Tx) error {
		r, err := e.readSettings(ctx, tx)
		if err != nil {
			return err
		}
		if err := fn(&r.Settings); err != nil {
			return err
		}
		if err := r.Settings.Validate(); err != nil {
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
