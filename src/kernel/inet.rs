//! Network addresses as PostgreSQL passes them, without a detour over text.

#![allow(unsafe_code)]

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, impl_sql_translatable};

/// An `inet`: its family, mask and address bytes, as on disk.
#[derive(Clone, PartialEq, Eq)]
pub struct Inet(Vec<u8>);

impl_sql_translatable!(Inet, "inet");

impl Inet {
    /// Whether both addresses are of one network: the same /24 of IPv4 or /48 of IPv6.
    pub fn same_network(&self, other: &Self) -> bool {
        self.network() == other.network()
    }

    /// The network of one site as a short text, for a key: the /24 of IPv4, also where IPv6 carries it
    /// (RFC 4291 section 2.5.5.2), or the /64 of IPv6.
    pub fn subnet_name(&self) -> Option<String> {
        const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        let (_, address) = self.0.split_at_checked(2)?;
        let address = address.strip_prefix(&MAPPED).unwrap_or(address);
        let subnet = address.get(..if address.len() == 4 { 3 } else { 8 })?;
        Some(subnet.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The network as a short text, for a key.
    pub fn network_name(&self) -> Option<String> {
        let (family, address) = self.network()?;
        Some(address.iter().fold(family.to_string(), |name, byte| format!("{name}.{byte}")))
    }

    /// Family and network bytes. On disk: family(1) ‖ mask bits(1) ‖ address(4 or 16).
    fn network(&self) -> Option<(u8, &[u8])> {
        let (header, address) = self.0.split_at_checked(2)?;
        let length = if address.len() == 4 { 3 } else { 6 };
        Some((*header.first()?, address.get(..length)?))
    }
}

impl FromDatum for Inet {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: an inet is a varlena like bytea, and the caller passes one.
        unsafe { Vec::<u8>::from_polymorphic_datum(datum, is_null, oid) }.map(Self)
    }
}

impl IntoDatum for Inet {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        self.0.into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::INETOID
    }
}

// SAFETY: the argument is declared as inet, see impl_sql_translatable above.
unsafe impl<'fcx> ArgAbi<'fcx> for Inet {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; a NULL is only unboxed through unbox_nullable_arg.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(Self(Vec::new()))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> pgrx::nullable::Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Inet;

    #[test]
    fn networks_are_24_bits_of_ipv4_and_48_of_ipv6() {
        let v4 = |a, b, c, d| Inet(vec![2, 32, a, b, c, d]);
        assert!(v4(192, 0, 2, 1).same_network(&v4(192, 0, 2, 254)));
        assert!(!v4(192, 0, 2, 1).same_network(&v4(192, 0, 3, 1)));
        let v6 = |last: u8, net: u8| {
            let mut bytes = vec![3, 128, 0x20, 0x01, 0x0d, 0xb8, 0, net];
            bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            Inet(bytes)
        };
        assert!(v6(1, 7).same_network(&v6(2, 7)));
        assert!(!v6(1, 7).same_network(&v6(1, 8)));
        assert!(!v6(1, 7).same_network(&v4(0x20, 0x01, 0x0d, 1)));
    }

    #[test]
    fn subnets_are_24_bits_of_ipv4_and_64_of_ipv6() {
        let subnet = |family: u8, address: &[u8]| {
            Inet([&[family, 128], address].concat()).subnet_name().unwrap_or_default()
        };
        assert_eq!(subnet(2, &[192, 0, 2, 1]), "c00002");
        let mut six = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(subnet(3, &six), "20010db800000007");
        six[15] = 2;
        assert_eq!(subnet(3, &six), "20010db800000007");
        assert_eq!(subnet(3, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9]), "c00002");
        assert_eq!(subnet(2, &[]), "");
    }
}
