package strength

import (
	"encoding/json"
	"strings"

	"github.com/ccojocar/zxcvbn-go/data"
)

// A graph says which keys of a keyboard lie side by side.
type graph struct {
	neighbours map[rune][]string // by direction: unshifted and shifted character, or ""
	keys       float64           // characters one can start with
	degree     float64           // neighbours of a key, on average
	shifts     bool              // the keyboard has a second layer
}

func loadGraphs() []graph {
	return []graph{readGraph("Qwerty", true), readGraph("Dvorak", true), readGraph("Keypad", false), readGraph("MacKeypad", false)}
}

// readGraph reads one of the library's keyboards, as readList does.
func readGraph(name string, shifts bool) graph {
	var file struct{ Graph map[string][]string }
	if err := json.Unmarshal(data.MustAsset("data/"+name+".json"), &file); err != nil {
		panic("strength: keyboard " + name + ": " + err.Error())
	}
	g := graph{neighbours: map[rune][]string{}, shifts: shifts}
	n := 0
	for key, around := range file.Graph {
		for _, r := range key {
			g.neighbours[r] = around
		}
		for _, a := range around {
			if a != "" {
				n++
			}
		}
	}
	g.keys = float64(len(g.neighbours))
	g.degree = float64(n) / g.keys
	if shifts {
		g.keys /= 2
	}
	return g
}

// step returns the direction from a to b and whether b is on the second
// layer; not ok if they are no neighbours.
func (g graph) step(a, b rune) (direction int, shifted, ok bool) {
	for i, key := range g.neighbours[a] {
		if at := strings.IndexRune(key, b); at >= 0 {
			return i, at > 0, true
		}
	}
	return 0, false, false
}

// secondLayer reports whether r needs the shift key.
func secondLayer(r rune) bool {
	return r >= 'A' && r <= 'Z' || strings.ContainsRune(`~!@#$%^&*()_+{}|:"<>?`, r)
}
