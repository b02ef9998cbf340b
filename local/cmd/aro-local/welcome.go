package main

// welcome takes: origin, page, address, data directory.
const welcome = `
Azure answers at      %s
The API in a browser  %s
Resource provider at  http://%s
Everything is kept in %s; Ctrl-C stops, the next start goes on.

Create a cluster from a second terminal, then see the README for what to do with it:

  go run ./hack/cluster create demo

Operations show their steps here:

`
