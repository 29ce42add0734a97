package auth_test

import (
	"syscall"
	"time"
)

// processTime is the CPU time that this process has used.
func processTime() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		panic(err)
	}
	var born, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &born, &ended, &kernel, &user); err != nil {
		panic(err)
	}
	ticks := func(f syscall.Filetime) int64 { return int64(f.HighDateTime)<<32 | int64(f.LowDateTime) } // of 100 ns
	return time.Duration(100 * (ticks(kernel) + ticks(user)))
}
