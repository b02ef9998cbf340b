package model

// PercentComplete is how much of the plan is done, in whole steps: 0 to 99.
// Only an operation that has ended is complete, and it is no longer here.
func (o *Operation) PercentComplete() int {
	if o == nil || o.Steps <= 0 {
		return 0
	}
	return min(99, 100*len(o.Finished)/o.Steps)
}

// HasFinished reports whether the step of that name has ended well.
func (o *Operation) HasFinished(step string) bool {
	for i := range o.Finished {
		if o.Finished[i].Name == step {
			return true
		}
	}
	return false
}
