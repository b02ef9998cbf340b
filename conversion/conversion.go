// Package conversion is what generated conversions between an api-version's
// types and the model are made of: for each kind of value, how it is said to a
// client and what a client's word does to the stored value.
//
// It holds the write semantics that are the same for every property. Which
// property follows which rule comes from the specs; what values mean together is
// checked by model.
package conversion

import (
	"strconv"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/validation"
)

// Write is one request on its way onto a cluster.
type Write struct {
	// Create tells that nothing is stored yet: create-only values may be set, and
	// what is left out takes its default.
	Create bool
	// Merged tells that the body is a PATCH merged into what GET returns.
	Merged bool

	faults *arm.Faults
	path   validation.Path
	// within counts the arrays and maps on the way to the present place.
	within int
}

// NewWrite begins a write that notes in f what is not allowed.
func NewWrite(create bool, f *arm.Faults) *Write { return &Write{Create: create, faults: f} }

// NewMerge begins the write of a PATCH that was merged into what GET returns.
func NewMerge(f *arm.Faults) *Write { return &Write{Merged: true, faults: f} }

// removes reports whether a value that is absent was removed by the client. A
// PATCH gives the elements of an array anew, which may leave out what stays.
func (w *Write) removes(absent bool) bool { return w.Merged && (!absent || w.within == 0) }

// In goes down to a member, Out back up; faults between them have its path.
func (w *Write) In(name string) { w.path.Named(name) }

// Out goes back up from the last In.
func (w *Write) Out() { w.path.Up() }

func (w *Write) refuse(name, why string, args ...any) {
	w.path.Named(name)
	defer w.path.Up()
	w.faults.Add(arm.PropertyChangeNotAllowed, w.path.String(), why, args...)
}

// word is a text as a message repeats it.
func word[T ~string](text T) string {
	if text == "" {
		return "nothing"
	}
	return arm.Sent(text)
}

// number is a number as a message repeats it.
func number[T whole](n *T) string {
	if n == nil {
		return "nothing"
	}
	return strconv.FormatInt(int64(*n), 10)
}

const (
	// Both have a verb for the value that is stored and one for the value that was sent.
	readOnly    = "Only the service sets the property: it is %s and cannot become %s. Leave it out."
	createOnly  = "The property is %s and cannot become %s once the cluster exists. Leave it out, or send what it is."
	fixedList   = "Elements cannot be added, removed, renamed or reordered once the cluster exists. Leave the array out, or send the elements that it has."
	fixedSecret = "The secret cannot change through this API once the cluster exists. Leave the property out, and change the secret pull-secret in the namespace openshift-config of the cluster instead."
	echoedList  = "Only the service sets the array. Leave it out."
)

// Same reports whether two texts mean the same.
type Same func(a, b string) bool

// Exact texts are the same only letter by letter.
func Exact(a, b string) bool { return a == b }

// IgnoreCase is how resource ids, names and UUIDs compare.
func IgnoreCase(a, b string) bool { return arm.EqualFold(a, b) }

// Ignored takes the place of a value that the service takes no notice of.
type Ignored struct{}

// UnmarshalJSON accepts every value.
func (*Ignored) UnmarshalJSON([]byte) error { return nil }
