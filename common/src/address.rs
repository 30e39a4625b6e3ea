//! Which addresses a delivery may go to. A webhook's URL is its subscriber's choice, and must not reach what only the
//! machine of the worker reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Networks that the operator names.
#[derive(Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads networks with commas between them, as `127.0.0.1/32,10.0.0.0/8`; the text that is none otherwise.
    pub fn parse(text: &str) -> Result<Self, String> {
        let networks = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        networks
            .map(|text| {
                let host = || text.parse::<IpAddr>().map(IpNet::from);
                text.parse::<IpNet>().or_else(|_| host()).map_err(|_| text.to_owned())
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address, in whatever form, is of one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address) || network.contains(&plain(address)))
    }
}

/// The addresses that may be connected to: those of the public internet, and the networks that the operator names.
pub struct Allowed(Networks);

impl From<Networks> for Allowed {
    fn from(networks: Networks) -> Self {
        Self(networks)
    }
}

impl Allowed {
    /// Those of the public internet and of the networks in a text; see [`Networks::parse`].
    pub fn parse(text: &str) -> Result<Self, String> {
        Networks::parse(text).map(Self)
    }

    /// Every address there is.
    pub fn anywhere() -> Self {
        let everything = [(Ipv4Addr::UNSPECIFIED.into(), 0), (Ipv6Addr::UNSPECIFIED.into(), 0)];
        let networks =
            everything.into_iter().filter_map(|(address, length)| IpNet::new(address, length).ok());
        Self(Networks(networks.collect()))
    }

    /// Whether an address may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.contain(address)
    }
}

/// The IPv4 address that an IPv6 one is another form of: mapped (RFC 4291 section 2.5.5.2), or translated by NAT64 (RFC
/// 6052).
pub fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v4_in(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn v4_in(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = v6.octets();
    let is_nat64 = v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    v6.to_ipv4_mapped().or_else(|| is_nat64.then(|| Ipv4Addr::new(a, b, c, d)))
}

/// Whether an address is of the public internet: none that the registries of special-purpose addresses (RFC 6890)
/// list.
fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)                   // this network, private, loopback
            | (100, 64..=127, _)               // shared by a carrier's customers
            | (169, 254, _)                    // link-local: the metadata of cloud machines
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)                  // protocol assignments, documentation
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)
            | (192, 168, _)
            | (192, 175, 48)
            | (198, 18 | 19, _)                // benchmarks
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, _, _) // multicast, reserved, broadcast
    )
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    let is_global = segments[0] & 0xe000 == 0x2000;
    let is_special = match segments {
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8, // Teredo, ORCHID …; documentation
        [0x2002, ..] => true,                                      // 6to4, which wraps any IPv4 address
        [0x3fff, second, ..] => second < 0x1000,                   // documentation
        _ => false,
    };
    is_global && !is_special
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Allowed;

    #[test]
    fn only_public_addresses_are_allowed() {
        let allowed = Allowed::parse("").unwrap();
        for address in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(allowed.allows(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.9.9",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!allowed.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_network_that_is_named_is_allowed_in_every_form() {
        let allowed = Allowed::parse("127.0.0.1, 10.0.0.0/8,fd00::/8").unwrap();
        for address in ["127.0.0.1", "10.9.9.9", "::ffff:127.0.0.1", "64:ff9b::a00:1", "fd00::5"] {
            assert!(allowed.allows(address.parse().unwrap()), "{address}");
        }
        assert!(!allowed.allows("127.0.0.2".parse().unwrap()));
        assert_eq!(Allowed::parse("127.0.0.1,nonsense").err(), Some("nonsense".to_owned()));
    }
}
