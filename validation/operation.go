package validation

// Operation is one entry of an api-version's spec.
type Operation struct {
	ID, Method string
	// Path has the parameters of the spec in braces.
	Path string
	// Statuses are those that the spec declares for successes.
	Statuses []int
}
