package armtemplate

import (
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// Outputs evaluates the template's outputs. The first object is shown to every caller; the second
// one has the values of secure outputs.
func (t *Template) Outputs() (shown, secure *value.Object, err error) {
	return t.outputs(&frame{Template: t, live: true})
}

// judgeOutputs refuses outputs that are known to be wrong before anything is deployed.
func (t *Template) judgeOutputs() error {
	_, _, err := t.outputs(&frame{Template: t})
	return err
}

func (t *Template) outputs(f *frame) (shown, secure *value.Object, err error) {
	t.evaluation.Lock()
	defer t.evaluation.Unlock()
	shown, secure = &value.Object{}, &value.Object{}
	for name, d := range t.definition.Map("outputs").All() {
		definition, ok := d.(*value.Object)
		if !ok {
			return nil, nil, invalid("The template output '%s' is not valid: its definition is not an object.", name)
		}
		resolved, err := t.resolve(definition, 0)
		if err != nil {
			return nil, nil, invalid("The template output '%s' is not valid: %v.", name, err)
		}
		v, there, err := f.output(definition)
		switch {
		case Runtime(err) && !f.live:
			if expected, _ := kindOf(resolved.Text("type"), nil); expected == "" {
				return nil, nil, invalid("The template output '%s' is not valid: the type '%s' is not known.", name, resolved.Text("type"))
			}
			continue
		case err != nil:
			return nil, nil, invalid("The template output '%s' is not valid: %v.", name, err)
		case !there:
			continue
		}
		if err := t.fits(place{name, "output"}, definition, v, 0); err != nil {
			return nil, nil, invalid("The template output '%s' is not valid: %v", name, err)
		}
		one := value.NewObject("type", t.shownType(definition))
		if isSecure(resolved.Text("type")) {
			secure.Set(name, v)
		} else {
			one.Set("value", v)
		}
		shown.Set(lowerFirst(name), one)
	}
	return shown, secure, nil
}

// output is the value of an output, and whether its condition holds.
func (f *frame) output(definition *value.Object) (any, bool, error) {
	if condition, ok := definition.Find("condition"); ok {
		holds, err := f.value(condition)
		if err != nil || holds != true {
			return nil, false, err
		}
	}
	if loop := definition.Map("copy"); loop != nil {
		v, err := f.repeat(loop)
		return v, true, err
	}
	v, err := f.value(member(definition, "value"))
	return v, true, err
}
