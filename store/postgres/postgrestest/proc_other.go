//go:build unix && !linux

package postgrestest

import "syscall"

func procAttr(as *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as.credential(), Setpgid: true}
}
