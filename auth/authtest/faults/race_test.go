//go:build race

package faults_test

// underRace: memory and speed are not what they are for users.
const underRace = true
