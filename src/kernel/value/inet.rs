//! Network addresses as PostgreSQL passes them, without a detour over text.

#![allow(unsafe_code)]

use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, impl_sql_translatable};

use crate::kernel::value::hex::hex;
use crate::kernel::value::varlena::{argument, varlena};

/// An `inet`: its family, mask and address bytes, as on disk.
#[derive(Clone, PartialEq, Eq)]
pub struct Inet(Vec<u8>);

varlena!(Inet = "inet", INETOID);

impl Inet {
    /// Whether both addresses are of one network: the same /24 of IPv4 or /48 of IPv6.
    pub fn same_network(&self, other: &Self) -> bool {
        self.prefix(3, 6) == other.prefix(3, 6)
    }

    /// The network, a /24 of IPv4 or /48 of IPv6, as a short text for a key.
    pub fn network_name(&self) -> Option<String> {
        self.prefix(3, 6).map(hex)
    }

    /// The network of one site, a /24 of IPv4 or /64 of IPv6, as a short text for a key.
    pub fn subnet_name(&self) -> Option<String> {
        self.prefix(3, 8).map(hex)
    }

    /// The network of one connection to the Internet, a /24 of IPv4 or /56 of IPv6 (RFC 6177), as a short text for a
    /// key.
    pub fn home_name(&self) -> Option<String> {
        self.prefix(3, 7).map(hex)
    }

    /// The first bytes of the address, as many as its family says.
    fn prefix(&self, of_ipv4: usize, of_ipv6: usize) -> Option<&[u8]> {
        let (_, address) = self.parts()?;
        address.get(..if address.len() == 4 { of_ipv4 } else { of_ipv6 })
    }

    /// Mask bits and address bytes. An IPv4 address in IPv6 form (RFC 4291 section 2.5.5.2), as a socket
    /// for both reports it, is the IPv4 address.
    fn parts(&self) -> Option<(usize, &[u8])> {
        const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        let (header, address) = self.0.split_at_checked(2)?;
        let bits = usize::from(*header.get(1)?);
        match address.strip_prefix(&MAPPED) {
            Some(address) if address.len() == 4 && bits >= 96 => Some((bits - 96, address)),
            _ => Some((bits, address)),
        }
    }

    /// Whether no bit behind the mask is set, as of a cidr.
    fn is_network(&self) -> bool {
        let Some((header, address)) = self.0.split_at_checked(2) else { return false };
        let bits = header.last().copied().map_or(0, usize::from);
        address.iter().enumerate().all(|(n, byte)| match bits.saturating_sub(n * 8) {
            0 => *byte == 0,
            kept => byte.checked_shl(kept as u32).unwrap_or(0) == 0,
        })
    }

    /// True if the address, or the whole network if it is one, is in `network`; PostgreSQL's operator <<=.
    fn is_within(&self, network: &Self) -> bool {
        let (Some((bits, address)), Some((wanted, prefix))) = (self.parts(), network.parts()) else {
            return false;
        };
        let (bytes, rest) = (wanted / 8, wanted % 8);
        let mask = |byte: u8| byte & !(0xff_u8.checked_shr(rest as u32).unwrap_or(0));
        address.len() == prefix.len()
            && bits >= wanted
            && address.get(..bytes) == prefix.get(..bytes)
            && (rest == 0 || address.get(bytes).copied().map(mask) == prefix.get(bytes).copied().map(mask))
    }
}

/// A `cidr[]`: networks.
#[derive(Clone, PartialEq, Eq)]
pub struct Cidrs(Vec<Option<Inet>>);

/// An `inet[]`: what an argument names networks by. Programs have no type for a cidr, or send its elements as inet; a
/// `cidr[]` fits too, being stored alike.
pub struct Inets(Vec<Option<Inet>>);

impl_sql_translatable!(Inets, "inet[]");

argument!(Inets, Self(Vec::new()));

impl Inets {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The elements.
    pub fn elements(self) -> Vec<Option<Inet>> {
        self.0
    }

    /// The networks, an address being one of itself; None where one is NULL, or names a host of the network.
    pub fn networks(self) -> Option<Cidrs> {
        let all = self.0.iter().all(|network| network.as_ref().is_some_and(Inet::is_network));
        all.then_some(Cidrs(self.0))
    }
}

impl Cidrs {
    /// Whether the address is in one of the networks.
    pub fn contain(&self, address: &Inet) -> bool {
        self.0.iter().flatten().any(|network| address.is_within(network))
    }
}

/// The elements of an array.
///
/// # Safety
/// The datum is an array of `element`, inet or cidr, which are stored alike.
unsafe fn elements(datum: pg_sys::Datum, element: pg_sys::Oid) -> Vec<Option<Inet>> {
    let (mut elements, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
    // SAFETY: the array is taken apart by the element type's own length and alignment into two palloc'd arrays
    // of `count`. The elements are varlenas like bytea.
    unsafe {
        let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
        pg_sys::deconstruct_array(
            array,
            element,
            -1,
            false,
            pg_sys::TYPALIGN_INT as std::ffi::c_char,
            &mut elements,
            &mut nulls,
            &mut count,
        );
        (0..usize::try_from(count).unwrap_or(0))
            .map(|n| Inet::from_datum(*elements.add(n), *nulls.add(n)))
            .collect()
    }
}

impl FromDatum for Cidrs {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller passes a cidr[].
        (!is_null).then(|| Self(unsafe { elements(datum, pg_sys::CIDROID) }))
    }
}

impl FromDatum for Inets {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller passes an inet[].
        (!is_null).then(|| Self(unsafe { elements(datum, pg_sys::INETOID) }))
    }
}

impl IntoDatum for Cidrs {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // SAFETY: an array is built of cidr values in the current memory context.
        unsafe {
            let context = pg_sys::CurrentMemoryContext;
            let state = pg_sys::initArrayResult(pg_sys::CIDROID, context, false);
            for network in self.0 {
                let (value, null) = match network.into_datum() {
                    Some(value) => (value, false),
                    None => (pg_sys::Datum::null(), true),
                };
                pg_sys::accumArrayResult(state, value, null, pg_sys::CIDROID, context);
            }
            Some(pg_sys::makeArrayResult(state, context))
        }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::CIDRARRAYOID
    }
}

#[cfg(test)]
mod tests {
    use super::{Cidrs, Inet, Inets};

    fn v4(bits: u8, address: [u8; 4]) -> Inet {
        Inet([[2, bits].as_slice(), address.as_slice()].concat())
    }

    fn v6(bits: u8, address: std::net::Ipv6Addr) -> Inet {
        Inet([[3, bits].as_slice(), address.octets().as_slice()].concat())
    }

    #[test]
    fn an_address_is_within_the_networks_that_share_its_first_bits() {
        let networks = Cidrs(vec![
            Some(v4(25, [192, 0, 2, 128])),
            Some(v4(32, [198, 51, 100, 7])),
            Some(v6(33, std::net::Ipv6Addr::new(0x2001, 0xdb8, 0x8000, 0, 0, 0, 0, 0))),
        ]);
        for inside in [
            v4(32, [192, 0, 2, 128]),
            v4(32, [192, 0, 2, 255]),
            v4(26, [192, 0, 2, 192]),
            v4(32, [198, 51, 100, 7]),
            v6(128, std::net::Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1)),
            v6(128, std::net::Ipv4Addr::new(192, 0, 2, 200).to_ipv6_mapped()),
        ] {
            assert!(networks.contain(&inside));
        }
        for outside in [
            v4(32, [192, 0, 2, 127]),
            v4(24, [192, 0, 2, 128]),
            v4(32, [198, 51, 100, 6]),
            v4(31, [198, 51, 100, 7]),
            v4(32, [0x20, 0x01, 0x0d, 0xb8]),
            v6(128, std::net::Ipv6Addr::new(0x2001, 0xdb8, 0x7fff, 0, 0, 0, 0, 1)),
            v6(128, std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped()),
            v6(95, std::net::Ipv4Addr::new(192, 0, 2, 200).to_ipv6_mapped()),
        ] {
            assert!(!networks.contain(&outside));
        }
        assert!(!Cidrs(Vec::new()).contain(&v4(32, [192, 0, 2, 1])));
        assert!(Cidrs(vec![Some(v4(0, [0; 4]))]).contain(&v4(32, [192, 0, 2, 1])));
        assert!(!Cidrs(vec![Some(v4(0, [0; 4]))]).contain(&v6(128, std::net::Ipv6Addr::LOCALHOST)));
        assert!(!Cidrs(vec![None]).contain(&v4(32, [192, 0, 2, 1])));
    }

    #[test]
    fn what_has_bits_of_a_host_is_no_network() {
        let is_network = |inet| Inets(vec![Some(inet)]).networks().is_some();
        for network in [
            v4(0, [0, 0, 0, 0]),
            v4(8, [10, 0, 0, 0]),
            v4(25, [192, 0, 2, 128]),
            v4(32, [192, 0, 2, 255]),
            v6(33, std::net::Ipv6Addr::new(0x2001, 0xdb8, 0x8000, 0, 0, 0, 0, 0)),
            v6(128, std::net::Ipv6Addr::LOCALHOST),
            v6(96, std::net::Ipv4Addr::new(0, 0, 0, 0).to_ipv6_mapped()),
        ] {
            assert!(is_network(network));
        }
        for host in [
            v4(0, [0, 0, 0, 1]),
            v4(8, [10, 0, 0, 1]),
            v4(7, [11, 0, 0, 0]),
            v4(25, [192, 0, 2, 192]),
            v4(31, [192, 0, 2, 255]),
            v6(32, std::net::Ipv6Addr::new(0x2001, 0xdb8, 0x8000, 0, 0, 0, 0, 0)),
            v6(96, std::net::Ipv4Addr::new(192, 0, 2, 0).to_ipv6_mapped()),
        ] {
            assert!(!is_network(host));
        }
        assert!(Inets(vec![]).networks().is_some());
        assert!(Inets(vec![Some(v4(8, [10, 0, 0, 0])), None]).networks().is_none());
    }

    #[test]
    fn networks_are_24_bits_of_ipv4_and_48_of_ipv6() {
        let v4 = |c, d| v4(32, [192, 0, c, d]);
        assert!(v4(2, 1).same_network(&v4(2, 254)));
        assert!(!v4(2, 1).same_network(&v4(3, 1)));
        let v6 = |net, last| v6(128, std::net::Ipv6Addr::new(0x2001, 0xdb8, net, 1, 0, 0, 0, last));
        assert!(v6(7, 1).same_network(&v6(7, 2)));
        assert!(!v6(7, 1).same_network(&v6(8, 1)));
        assert!(!v6(7, 1).same_network(&v4(2, 1)));
        assert_eq!(v4(2, 1).network_name().as_deref(), Some("c00002"));
        assert_eq!(v6(7, 1).network_name().as_deref(), Some("20010db80007"));
        assert_eq!(v4(2, 1).subnet_name().as_deref(), Some("c00002"));
        assert_eq!(v6(7, 1).subnet_name().as_deref(), Some("20010db800070001"));
        assert_eq!(v4(2, 1).home_name().as_deref(), Some("c00002"));
        assert_eq!(v6(7, 1).home_name().as_deref(), Some("20010db8000700"));
        assert_eq!(Inet(vec![2, 32]).subnet_name(), None);
    }

    /// All of ::ffff:0:0/96 (RFC 4291 section 2.5.5.2) would be one network by its first 48 bits.
    #[test]
    fn an_ipv4_address_in_ipv6_form_is_of_its_ipv4_network() {
        let mapped = |last: [u8; 4]| v6(128, std::net::Ipv4Addr::from(last).to_ipv6_mapped());
        assert!(mapped([192, 0, 2, 1]).same_network(&mapped([192, 0, 2, 9])));
        assert!(mapped([192, 0, 2, 1]).same_network(&v4(32, [192, 0, 2, 9])));
        assert!(!mapped([192, 0, 2, 1]).same_network(&mapped([198, 51, 100, 1])));
        assert_eq!(mapped([192, 0, 2, 1]).network_name().as_deref(), Some("c00002"));
        assert_eq!(mapped([192, 0, 2, 1]).subnet_name().as_deref(), Some("c00002"));
    }
}
