#!/bin/bash
# Makes dnsmasq this machine's only name server (start) and undoes it (stop).
set -euo pipefail

drop_in=/etc/NetworkManager/conf.d/aro-dns.conf
upstream=/etc/resolv.conf.dnsmasq
# Azure's own resolver: the route to it leaves from the machine's address.
azure=168.63.129.16

reload() {
    nmcli general reload conf dns-rc
}

start() {
    local address search
    address=$(ip -4 route get "$azure" | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    if [ -z "$address" ]; then
        echo "This machine has no route to $azure." >&2
        return 1
    fi
    # Once we are the name server, the file no longer tells who was before us.
    if [ ! -s "$upstream" ] || ! grep -qx "nameserver $address" /etc/resolv.conf; then
        install --mode=0644 /etc/resolv.conf "$upstream"
        restorecon "$upstream"
    fi
    search=$(sed -n 's/^search[[:space:]]*//p' "$upstream" | tr -s '[:space:]' ',' | sed 's/,$//')
    cat >"$drop_in" <<END
[global-dns]
searches=$search

[global-dns-domain-*]
servers=$address
END
    restorecon "$drop_in"
    reload
}

stop() {
    rm -f "$drop_in"
    reload
}

case "${1:-}" in
start | stop) "$1" ;;
*)
    echo "usage: $0 start|stop" >&2
    exit 2
    ;;
esac
