package main

// welcome takes: origin, page, address, data directory, command.
const welcome = `
Azure                 %s
The API in a browser  %s
Resource provider     http://%s
Data directory        %s

Create a cluster from a second terminal; the README shows what to do with it:

  %s demo

Press Ctrl-C to stop; the next start resumes. The steps of operations are shown below.

`
