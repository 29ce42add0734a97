package fapi

import (
	"maps"
	"slices"
)

// Gates lists the routes that the table of gates judges.
func Gates() map[string]bool {
	out := map[string]bool{}
	for name := range gates {
		out[name] = true
	}
	return out
}

// TaskRoutes lists the routes that a session with a task may call.
func TaskRoutes(task string) map[string]bool {
	out := map[string]bool{}
	for name, tasks := range taskRoutes {
		out[name] = slices.Contains(tasks, task)
	}
	maps.DeleteFunc(out, func(_ string, on bool) bool { return !on })
	return out
}
