// Package readme holds the README to its word: every command in it is run, in its
// order, as a newcomer would who copies them into a shell. It has tests only.
package readme
