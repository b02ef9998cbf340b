package validation

// Operation is one operation of an api-version's spec.
type Operation struct {
	ID, Method string
	// Path has the parameters of the spec in braces.
	Path string
	// Statuses are the success statuses in the spec.
	Statuses []int
}
