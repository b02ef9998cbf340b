package main

// welcome takes: origin, page, portal, address, page of metrics, data directory, command.
const welcome = `
Azure                 %s
The API in a browser  %s
The portal            %s
Resource provider     http://%s
Metrics of clusters   %s
Data directory        %s

To create a cluster, run in a second terminal:

  %s demo

Press Ctrl-C to stop; the next start continues with the same data. Operations are shown below.

`

// cloudWelcome takes: origin, address of the service, its public IP address, instances,
// build, data directory, this program, the portal, metrics.
const cloudWelcome = `
Azure           %[1]s
The service     https://%[2]s, at %[3]s, and behind it %[4]d instances of %[5]s
The portal      %[8]s, at the same address: a browser finds it once /etc/hosts has that address and name
Metrics         %[9]s
Data directory  %[6]s: instances/*/*.log are the logs of boots and units, deploy.yaml is the configuration of aro deploy

To create a cluster through it, run in a second terminal:

  %[7]s cluster create --data %[6]s demo

az logs in as docs/clients.md describes, with %[6]s in place of .aro. The admin API takes an engineer's certificate:

  curl -sk --cert %[6]s/engineer.pem --connect-to ::%[3]s: https://%[2]s/admin/versions

To deploy another build while a client counts the answers that it gets, each in a terminal of its own:

  mkdir -p %[6]s/builds/next && cp bin/aro-installer %[6]s/builds/next/
  go build -ldflags '-X main.version=next' -o %[6]s/builds/next/aro ./cmd/aro
  (set -a; . %[6]s/deployer.env; bin/aro deploy --build next eastus)

  token=$(%[7]s token --data %[6]s)
  while curl -s -o /dev/null -w '%%{http_code}\n' --cacert %[6]s/azure/ca.pem -H "Authorization: Bearer $token" \
    "%[1]s/subscriptions/00000000-0000-0000-0000-0000000000a1/providers/Microsoft.RedHatOpenShift/openShiftClusters?api-version=2023-11-22"; do sleep 0.1
  done | awk '{n[$1]++; line = ""; for (code in n) line = line code ": " n[code] "  "; printf "\r%%s", line; fflush()}'

Press Ctrl-C to stop; the next start continues with the same data. To start from nothing, remove %[6]s. Operations are shown below.

`
