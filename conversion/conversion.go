// Package conversion has the building blocks of the generated conversions between
// an api-version's types and the model: how each kind of value is encoded for a
// client, and how a value of a request changes the stored value.
//
// It implements the write semantics that all properties share. The specs define
// which property follows which rule. Package model validates the result.
package conversion

import (
	"strconv"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/validation"
)

// Write is the state of one write of a cluster.
type Write struct {
	// Create is true if nothing is stored yet: create-only values can be set, and
	// omitted values take their defaults.
	Create bool
	// Merged is true if the body is a PATCH merged into the response of GET.
	Merged bool

	faults *arm.Faults
	path   validation.Path
	// within counts the arrays and maps around the current place.
	within int
}

// NewWrite returns a Write that adds violations to f.
func NewWrite(create bool, f *arm.Faults) *Write { return &Write{Create: create, faults: f} }

// NewMerge returns the Write of a PATCH that was merged into the response of GET.
func NewMerge(f *arm.Faults) *Write { return &Write{Merged: true, faults: f} }

// removes reports whether the client removed a value that is absent. A PATCH
// replaces the elements of an array, so members that are absent within an element
// are kept.
func (w *Write) removes(absent bool) bool { return w.Merged && (!absent || w.within == 0) }

// In enters a member and Out leaves it; faults between them have its path.
func (w *Write) In(name string) { w.path.Named(name) }

// Out leaves the member of the last In.
func (w *Write) Out() { w.path.Up() }

func (w *Write) refuse(name, why string, args ...any) {
	w.path.Named(name)
	defer w.path.Up()
	w.faults.Add(arm.PropertyChangeNotAllowed, w.path.String(), why, args...)
}

// quoted returns a text for use in a message.
func quoted[T ~string](text T) string {
	if text == "" {
		return "nothing"
	}
	return arm.Sent(text)
}

// number returns a number for use in a message.
func number[T whole](n *T) string {
	if n == nil {
		return "nothing"
	}
	return strconv.FormatInt(int64(*n), 10)
}

const (
	// Both formats have a verb for the stored value and one for the value that was
	// sent.
	readOnly    = "Only the service sets the property: it is %s and cannot become %s. Leave it out."
	createOnly  = "The property is %s and cannot become %s once the cluster exists. Leave it out, or send what it is."
	fixedList   = "Elements cannot be added, removed, renamed or reordered once the cluster exists. Leave the array out, or send the elements that it has."
	fixedSecret = "The secret cannot change through this API once the cluster exists. Leave the property out, and change the secret pull-secret in the namespace openshift-config of the cluster instead."
	echoedList  = "Only the service sets the array. Leave it out."
)

// Same reports whether two texts are equal.
type Same func(a, b string) bool

// Exact compares texts byte by byte.
func Exact(a, b string) bool { return a == b }

// IgnoreCase compares resource ids, names and UUIDs.
func IgnoreCase(a, b string) bool { return arm.EqualFold(a, b) }

// Ignored is the type of a value that the service ignores.
type Ignored struct{}

// UnmarshalJSON accepts every value.
func (*Ignored) UnmarshalJSON([]byte) error { return nil }
