"""What a cluster's network is made of."""

NETWORK_VERSION = "2022-01-01"


class Network:
    """The subnets of a cluster, their virtual network and what is attached to them."""

    def __init__(self, azure, master, worker):
        self.azure = azure
        self.master, self.worker = master, worker
        self._read = {}

    @property
    def vnet(self):
        """The id of the virtual network of both subnets."""
        return self.master[: self.master.lower().rindex("/subnets/")]

    def subnet(self, subnet):
        """The subnet's properties, read once."""
        if subnet not in self._read:
            self._read[subnet] = (self.azure.arm("GET", subnet, NETWORK_VERSION) or {}).get("properties") or {}
        return self._read[subnet]

    def attached(self, kind):
        """The ids of what is attached to the subnets: routeTable, natGateway or networkSecurityGroup."""
        found = {}
        for subnet in (self.master, self.worker):
            resource = (self.subnet(subnet).get(kind) or {}).get("id")
            if resource:
                found.setdefault(resource.lower(), resource)
        return sorted(found.values())

    def prefixes(self, subnet):
        """The address ranges of a subnet."""
        properties = self.subnet(subnet)
        if properties.get("addressPrefix"):
            return [properties["addressPrefix"]]
        return properties.get("addressPrefixes") or []
