package cloud

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func TestAllPrincipalsOfASubscriptionShareFifteenTimesTheBucketOfOne(t *testing.T) {
	now := time.Now()
	l := newLimits(func() time.Time { return now })
	call := func(subscription string, principal int) *resources.Call {
		return &resources.Call{Method: http.MethodDelete, Path: "/subscriptions/" + subscription + "/resourceGroups/g", Caller: resources.Caller{ObjectID: strconv.Itoa(principal)}}
	}
	taken := func(subscription string, principal int) (bool, http.Header) {
		header := http.Header{}
		return l.take(header, call(subscription, principal)) == nil, header
	}
	const principals, each = 15, 200
	for principal := range principals {
		for n := range each {
			if ok, header := taken("s", principal); !ok {
				t.Fatalf("call %d of principal %d was throttled: %v", n, principal, header)
			}
		}
	}
	ok, header := taken("s", principals)
	if left, own := header.Get("x-ms-ratelimit-remaining-subscription-global-deletes"), header.Get("x-ms-ratelimit-remaining-subscription-deletes"); ok || left != "0" || own != strconv.Itoa(each) {
		t.Errorf("with nothing left for all, a call was let through (%t) and told %v", ok, header)
	}
	if ok, header := taken("another", 0); !ok {
		t.Errorf("a call of another subscription was throttled: %v", header)
	}
	now = now.Add(time.Second / 100) // more than what flows in for one call of all, less than for one of a principal
	if ok, header := taken("s", 0); ok {
		t.Errorf("a call of a principal that has nothing left was let through: %v", header)
	}
	for _, want := range []bool{true, false} {
		if ok, header := taken("s", principals); ok != want {
			t.Errorf("let through: %t, want %t: %v", ok, want, header)
		}
	}
}

func TestDrainingLeavesOtherPrincipalsWhatTheyHave(t *testing.T) {
	now := time.Now()
	l := newLimits(func() time.Time { return now })
	call := func(principal string) *resources.Call {
		return &resources.Call{Method: http.MethodPut, Path: "/subscriptions/s/resourceGroups/g", Caller: resources.Caller{ObjectID: principal}}
	}
	l.drain(call("a"))
	if l.take(http.Header{}, call("a")) == nil {
		t.Error("the drained bucket has something left")
	}
	if err := l.take(http.Header{}, call("b")); err != nil {
		t.Errorf("another principal is throttled: %v", err)
	}
}
