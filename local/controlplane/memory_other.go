//go:build !linux

package controlplane

// unload is for systems where it is known to be safe.
func unload() error { return nil }
