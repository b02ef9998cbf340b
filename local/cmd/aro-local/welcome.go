package main

// welcome takes: address, data directory, subscription, address, subscription.
const welcome = `
The resource provider answers at http://%s
Everything is kept in %s; Ctrl-C stops, the next start goes on.
The subscription %s is registered.

Create a cluster from a second terminal, then see the README for what to do with it:

  C=http://%s/subscriptions/%s/resourceGroups/demo/providers/Microsoft.RedHatOpenShift/openShiftClusters/demo
  curl -X PUT "$C?api-version=2023-11-22" -H 'Content-Type: application/json' -d @docs/cluster.json

Operations show their steps here:

`
