package storetest

import (
	"fmt"
	"runtime"
)

// logTB is what rapid sees of a test: it keeps the lines of a failed check, so
// that the model needs no *testing.T.
type logTB struct {
	lines  []string
	failed bool
}

func (l *logTB) Helper()      {}
func (l *logTB) Name() string { return "storetest_model" }
func (l *logTB) Failed() bool { return l.failed }
func (l *logTB) Fail()        { l.failed = true }

func (l *logTB) FailNow() {
	l.failed = true
	runtime.Goexit()
}

// SkipNow ends a check as rapid expects; the model never skips.
func (l *logTB) SkipNow() { runtime.Goexit() }

func (l *logTB) Log(args ...any) { l.lines = append(l.lines, fmt.Sprint(args...)) }
func (l *logTB) Logf(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *logTB) Error(args ...any) {
	l.Log(args...)
	l.Fail()
}

func (l *logTB) Errorf(format string, args ...any) {
	l.Logf(format, args...)
	l.Fail()
}

func (l *logTB) Fatal(args ...any) {
	l.Log(args...)
	l.FailNow()
}

func (l *logTB) Fatalf(format string, args ...any) {
	l.Logf(format, args...)
	l.FailNow()
}

func (l *logTB) Skip(args ...any) {
	l.Log(args...)
	l.SkipNow()
}

func (l *logTB) Skipf(format string, args ...any) {
	l.Logf(format, args...)
	l.SkipNow()
}
