package cloud

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const lockType = "Microsoft.Authorization/locks"

// Levels of locks.
const (
	canNotDelete = "CanNotDelete"
	readOnly     = "ReadOnly"
)

// lockTypes are management locks.
func (a *Azure) lockTypes() {
	a.Engine.Register(lockType, resources.Behaviour{
		Stateless: true,
		Put: func(_ context.Context, c *resources.Change) error {
			for _, level := range []string{canNotDelete, readOnly} {
				if arm.EqualFold(c.New.Text("level"), level) {
					c.New.Set(level, "level")
					return nil
				}
			}
			return refuse("InvalidLockLevel", "The lock level '%s' is not valid. The property 'properties.level' must be '%s' or '%s'.", c.New.Text("level"), canNotDelete, readOnly)
		},
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Etag = "" // Azure shows none for locks
			return nil
		},
	})
}

// unlocked refuses what a lock forbids: a lock at or above the resource, and for deletions also one
// on what is deleted with the resource. Locks themselves can always be changed.
func (a *Azure) unlocked(ctx context.Context, call *resources.Call) error {
	operation := map[string]string{http.MethodPut: "write", http.MethodPatch: "write", http.MethodPost: "action", http.MethodDelete: "delete"}[call.Method]
	if operation == "" || strings.Contains(arm.ToLower(call.Path), "/providers/"+arm.ToLower(lockType)) {
		return nil
	}
	deletes := call.Method == http.MethodDelete
	var locked []string
	add := func(locks []*resources.Resource) error {
		for _, lock := range locks {
			if deletes || lock.Text("level") == readOnly {
				id, err := resources.Parse(lock.ID)
				if err != nil {
					return err
				}
				locked = append(locked, id.Scope)
			}
		}
		return nil
	}
	segments := resources.Segments(call.Path)
	for n := 2; n <= len(segments); n += 2 {
		locks, err := a.Engine.Below(ctx, "/"+strings.Join(segments[:n], "/")+"/providers/"+lockType, lockType)
		if err != nil {
			return err
		}
		if err := add(locks); err != nil {
			return err
		}
	}
	if deletes {
		below, err := a.Engine.Below(ctx, call.Path, lockType)
		if err != nil {
			return err
		}
		if err := add(below); err != nil {
			return err
		}
	}
	if len(locked) == 0 {
		return nil
	}
	return resources.Refuse(http.StatusConflict, "ScopeLocked", "The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.",
		call.Path, operation, strings.Join(unique(locked), ","))
}

// unique removes duplicate ids.
func unique(ids []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, id := range ids {
		if !seen[resources.Key(id)] {
			seen[resources.Key(id)] = true
			all = append(all, id)
		}
	}
	return all
}
