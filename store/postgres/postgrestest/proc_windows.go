package postgrestest

import "syscall"

// There is no other account to become; a server is named by [EnvDSN] there.
func procAttr(*account) *syscall.SysProcAttr { return nil }
