package functions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net/netip"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

func networks() []Function {
	return []Function{
		{Name: "cidrHost", Least: 2, Most: 2, Call: cidrHost},
		{Name: "cidrSubnet", Least: 3, Most: 3, Call: cidrSubnet},
		{Name: "parseCidr", Least: 1, Most: 1, Call: parseCIDR},
	}
}

func prefix(v any) (netip.Prefix, error) {
	s, _ := v.(string)
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Zone() != "" {
		return p, fmt.Errorf("'%s' is not an address range such as 10.0.0.0/16", Text(v))
	}
	return p.Masked(), nil
}

// fourth is a range of IPv4 that has usable addresses besides its own two.
func fourth(v any) (netip.Prefix, uint32, error) {
	p, err := prefix(v)
	switch {
	case err != nil:
		return p, 0, err
	case !p.Addr().Is4():
		return p, 0, fmt.Errorf("'%s' is a range of IPv6, for which this function is not supported here", Text(v))
	case p.Bits() > 30:
		return p, 0, fmt.Errorf("'%s' is a range of one or two addresses, for which this function is not supported here", Text(v))
	}
	b := p.Addr().As4()
	return p, binary.BigEndian.Uint32(b[:]), nil
}

func address(n uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b).String()
}

func parseCIDR(a []any) (any, error) {
	p, from, err := fourth(a[0])
	if err != nil {
		return nil, err
	}
	mask := ^uint32(0) << (32 - p.Bits())
	last := from | ^mask
	return value.NewObject("network", address(from), "netmask", address(mask), "broadcast", address(last),
		"firstUsable", address(from+1), "lastUsable", address(last-1), "cidr", int64(p.Bits())), nil
}

func cidrHost(a []any) (any, error) {
	p, from, err := fourth(a[0])
	if err != nil {
		return nil, err
	}
	n, err := integer(a[1])
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= int64(1)<<(32-p.Bits())-2 {
		return nil, fmt.Errorf("the range '%s' has no host with the index %d", p, n)
	}
	return address(from + 1 + uint32(n)), nil
}

func cidrSubnet(a []any) (any, error) {
	p, err := prefix(a[0])
	if err != nil {
		return nil, err
	}
	bits, err := integer(a[1])
	n, err2 := integer(a[2])
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	size := int64(p.Addr().BitLen())
	if bits < int64(p.Bits()) || bits > size {
		return nil, fmt.Errorf("the range '%s' cannot be cut into ranges with the prefix length %d", p, bits)
	}
	count := new(big.Int).Lsh(big.NewInt(1), uint(bits-int64(p.Bits())))
	if n < 0 || count.Cmp(big.NewInt(n)) <= 0 {
		return nil, fmt.Errorf("the range '%s' has no subnet with the index %d", p, n)
	}
	sum := new(big.Int).Lsh(big.NewInt(n), uint(size-bits))
	sum.Add(sum, new(big.Int).SetBytes(p.Addr().AsSlice()))
	at, ok := netip.AddrFromSlice(sum.FillBytes(make([]byte, size/8)))
	if !ok {
		return nil, errors.New("the range is not valid")
	}
	return netip.PrefixFrom(at, int(bits)).String(), nil
}
