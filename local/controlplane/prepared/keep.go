package prepared

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Keep adds what is missing of the contents, now and whenever something is
// deleted, until ctx ends: what someone deletes comes back, as it does in
// OpenShift. It reads deletions alone, so it costs a cluster nothing.
func (c *Contents) Keep(ctx context.Context, etcd *clientv3.Client) error {
	now, err := etcd.Get(ctx, root+"/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("default objects: %w", err)
	}
	deletions := etcd.Watch(ctx, root+"/", clientv3.WithPrefix(), clientv3.WithFilterPut(), clientv3.WithRev(now.Header.Revision+1))
	have := map[string]bool{}
	for _, kv := range now.Kvs {
		have[string(kv.Key)] = true
	}
	for key := range c.values {
		if have[key] {
			continue
		}
		if err := c.restore(ctx, etcd, key); err != nil {
			return err
		}
	}
	for answer := range deletions {
		if err := answer.Err(); err != nil {
			return fmt.Errorf("default objects: %w", err)
		}
		for _, event := range answer.Events {
			if err := c.restore(ctx, etcd, string(event.Kv.Key)); err != nil {
				return err
			}
		}
	}
	if ctx.Err() == nil {
		return errors.New("default objects: etcd ended the watch")
	}
	return nil
}

// restore adds an object of the contents unless it exists.
func (c *Contents) restore(ctx context.Context, kv clientv3.KV, key string) error {
	value, ours := c.values[key]
	if !ours {
		return nil
	}
	_, err := kv.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).Then(clientv3.OpPut(key, string(value))).Commit()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("default object %s: %w", key, err)
	}
	return nil
}
