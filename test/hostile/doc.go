// Package hostile is what careless and malicious callers do: secrets in every
// place where they could leak, foreign certificates, and fuzzed paths, bodies
// and continuation tokens.
package hostile
