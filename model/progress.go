package model

// PercentComplete returns the share of finished steps, 0 to 99. An operation that
// has ended is no longer in the cluster.
func (o *Operation) PercentComplete() int {
	if o == nil || o.Steps <= 0 {
		return 0
	}
	return min(99, 100*len(o.Finished)/o.Steps)
}

// HasFinished reports whether the step of that name has succeeded.
func (o *Operation) HasFinished(step string) bool {
	for i := range o.Finished {
		if o.Finished[i].Name == step {
			return true
		}
	}
	return false
}
