package main

// welcome takes: origin, page, portal, address, data directory, command.
const welcome = `
Azure                 %s
The API in a browser  %s
The portal            %s
Resource provider     http://%s
Data directory        %s

To create a cluster, run in a second terminal:

  %s demo

Press Ctrl-C to stop; the next start continues with the same data. Operations are shown below.

`
