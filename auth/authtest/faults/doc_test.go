// Package faults_test breaks a whole usher, over HTTP and through a real
// store: it kills processes, fills disks, cuts contexts, tears files and asks
// what a thief would ask. The rows named are those of the security reference.
package faults_test
