// Package flags reads the command line and the environment of a program into structs,
// by the tags of their fields. The tags are those of github.com/alecthomas/kong, which
// the developer tools use. Kong finds methods by names that the linker does not see, so
// that the linker keeps every exported method of every type: a program that links the
// SDKs of Azure and Kubernetes becomes a third larger.
//
// It knows no program. spf13/pflag parses the command line.
package flags

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// Program is a program with several commands.
type Program struct {
	Name, Description, Version string
	// Vars replace ${name} in the tags default and help.
	Vars map[string]string
	// Lookup returns a variable of the environment.
	Lookup func(name string) (value string, found bool)
}

// Command is a command; Run is called if its name is the first argument.
type Command interface {
	Run(ctx context.Context) error
}

// Flag is the description of one flag of a command, from its tags.
type Flag struct {
	Command, Name, Env, Default string
	HasDefault                  bool
}

// columns is the width of help texts.
const columns = 100

// Parse sets the fields of the command that args name: commands is a pointer to a struct
// with a field, tagged cmd, for each. The environment overrides the tag default, and the
// command line overrides both. Parse returns nil without an error if help or the version
// was requested, which it writes to out.
func (p Program) Parse(commands any, args []string, out io.Writer) (Command, error) {
	all := p.commands(commands)
	if len(args) == 0 {
		return nil, fmt.Errorf("specify a command: %s", names(all))
	}
	switch args[0] {
	case "-h", "--help", "help":
		return nil, p.help(all, out)
	case "--version":
		_, err := fmt.Fprintln(out, p.Version)
		return nil, err
	}
	for _, c := range all {
		if c.name == args[0] {
			return c.parse(p, args[1:], out)
		}
	}
	return nil, fmt.Errorf("unknown command %q: specify one of %s", args[0], names(all))
}

// Flags returns the flags of all commands.
func (p Program) Flags(commands any) (described []Flag) {
	for _, c := range p.commands(commands) {
		for _, f := range c.flags {
			described = append(described, Flag{Command: c.name, Name: f.name, Env: f.env, Default: f.fallback, HasDefault: f.hasDefault})
		}
	}
	return described
}

func (p Program) help(all []*command, out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage: %s <command> [flags]\n\n%s\n\nCommands:\n", p.Name, p.Description)
	for _, c := range all {
		fmt.Fprintf(&text, "  %-12s%s\n", c.name, c.help)
	}
	fmt.Fprintf(&text, "\n%s --version prints the build's version, %s <command> --help the flags of a command.\n", p.Name, p.Name)
	_, err := io.WriteString(out, text.String())
	return err
}

// command is a field tagged cmd.
type command struct {
	name, help string
	target     Command
	flags      []*flag
	// arguments is the field, a list, for arguments that are not flags; nil if
	// there is none.
	arguments *value
	// argument is their name in the help, and argumentHelp what they are.
	argument, argumentHelp string
}

func names(all []*command) string {
	var list []string
	for _, c := range all {
		list = append(list, c.name)
	}
	return strings.Join(list, ", ")
}

func (p Program) commands(of any) (all []*command) {
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if _, found := tag.Lookup("cmd"); !found {
			continue
		}
		c := &command{name: tag.Get("name"), help: p.expand(tag.Get("help")), target: v.Field(i).Addr().Interface().(Command)}
		c.collect(p, v.Field(i))
		all = append(all, c)
	}
	return all
}

// collect finds the flags in a struct and in the structs embedded in it.
func (c *command) collect(p Program, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		_, embedded := field.Tag.Lookup("embed")
		_, positional := field.Tag.Lookup("arg")
		help, found := field.Tag.Lookup("help")
		switch {
		case embedded:
			c.collect(p, v.Field(i))
		case positional:
			c.arguments = &value{of: v.Field(i), given: true}
			c.argument, c.argumentHelp = argument(field), p.expand(help)
		case found && field.IsExported():
			c.flags = append(c.flags, newFlag(p, field, v.Field(i), help))
		}
	}
}

func (c *command) parse(p Program, args []string, out io.Writer) (Command, error) {
	set := pflag.NewFlagSet(p.Name+" "+c.name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {} // the caller prints the error and how to get help
	for _, f := range c.flags {
		if err := f.reset(p.Lookup); err != nil {
			return nil, err
		}
		f.add(set)
	}
	err := set.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		_, err := fmt.Fprintf(out, "Usage: %s %s [flags]%s\n\n%s\n\n%sFlags:\n%s", p.Name, c.name, c.argument, c.help, c.describeArguments(), set.FlagUsagesWrapped(columns))
		return nil, err
	case err != nil:
		return nil, err
	}
	for _, f := range c.flags {
		if f.required && f.value.of.IsZero() {
			return nil, fmt.Errorf("--%s is missing, or %s", f.name, f.env)
		}
	}
	return c.target, c.take(set.Args())
}

// argument is the name of a positional argument as usage lines have it.
func argument(field reflect.StructField) string {
	name := field.Tag.Get("name")
	if name == "" {
		name = dashed(field.Name)
	}
	name = strings.ToUpper(name)
	if field.Type.Kind() == reflect.Slice {
		name += "..."
	}
	if _, optional := field.Tag.Lookup("optional"); optional {
		name = "[" + name + "]"
	}
	return " " + name
}

// describeArguments is the section of the help about the arguments that are not flags.
func (c *command) describeArguments() string {
	if c.arguments == nil {
		return ""
	}
	return fmt.Sprintf("Arguments:\n     %s   %s\n\n", c.argument, c.argumentHelp)
}

// take sets the arguments that are not flags.
func (c *command) take(args []string) error {
	if len(args) > 0 && c.arguments == nil {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	for _, arg := range args {
		if err := c.arguments.Set(arg); err != nil {
			return err
		}
	}
	return nil
}

// expand replaces variables in text.
func (p Program) expand(text string) string {
	for name, value := range p.Vars {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// flag is a field that the command line and the environment set.
type flag struct {
	name, env, help, fallback string
	hasDefault, negatable     bool
	required                  bool
	value                     value
}

func newFlag(p Program, field reflect.StructField, v reflect.Value, help string) *flag {
	f := &flag{name: field.Tag.Get("name"), env: field.Tag.Get("env"), help: p.expand(help)}
	if f.name == "" {
		f.name = dashed(field.Name)
	}
	f.fallback, f.hasDefault = field.Tag.Lookup("default")
	f.fallback = p.expand(f.fallback)
	_, f.negatable = field.Tag.Lookup("negatable")
	_, f.required = field.Tag.Lookup("required")
	f.value = value{of: v, placeholder: field.Tag.Get("placeholder"), isPath: field.Tag.Get("type") == "path"}
	return f
}

// reset sets the value from the environment, or else from the default.
func (f *flag) reset(lookup func(string) (string, bool)) error {
	f.value.of.SetZero()
	if text, found := lookup(f.env); found && f.env != "" {
		if err := f.value.Set(text); err != nil {
			return fmt.Errorf("%s, for --%s: %w", f.env, f.name, err)
		}
	} else if f.hasDefault {
		if err := f.value.Set(f.fallback); err != nil {
			return fmt.Errorf("default of --%s: %w", f.name, err)
		}
	}
	f.value.given = false
	return nil
}

func (f *flag) add(set *pflag.FlagSet) {
	help := f.help
	if f.env != "" {
		help += " ($" + f.env + ")"
	}
	added := set.VarPF(&f.value, f.name, "", help)
	added.DefValue = f.fallback
	if f.value.of.Kind() != reflect.Bool {
		return
	}
	added.NoOptDefVal = "true"
	if f.negatable {
		not := set.VarPF(&negation{&f.value}, "no-"+f.name, "", "")
		not.NoOptDefVal, not.Hidden = "true", true
	}
}

// dashed returns the name of a flag from that of its field: LogLevel is log-level,
// and TLSCert tls-cert.
func dashed(name string) string {
	letters := []rune(name)
	var out strings.Builder
	for i, letter := range letters {
		upper := unicode.IsUpper(letter)
		begins := upper && i > 0 && (!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if begins {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(letter))
	}
	return out.String()
}
